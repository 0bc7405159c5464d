"""How far an order, each of its participants, its payment and its cart have come, and how events change that."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from ..address import DeliveryAddress
from ..cart import Line
from ..kernel import Instant, Message
from ..money import Money
from ..payment import PaymentAction
from ..pricing import Quote
from ..reasons import Reason
from ..stock import stock_key
from .aftersale.state import AfterSale, status_of, view_of
from .events import (
    AccountNoted,
    CancelRequested,
    CartGivenBack,
    CartTaken,
    LineAvailable,
    LineHeld,
    LineLost,
    LineRefused,
    LineReleased,
    LineReturned,
    LineSold,
    OrderAnonymized,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderFulfilled,
    OrderPlaced,
    OrderRejected,
    PaymentAskedAgain,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentMismatched,
    PaymentPending,
    PaymentRefunded,
    PaymentVoided,
    SurplusPaymentFound,
    SurplusRefunded,
    UndoRefused,
)
from .messages import OrderView, Settlement, Status
from .participants import Claim, Units, participants_of, turn_of

HOLD_GRACE_MS = 60_000
"""Units stay held this much longer than the payment may take, so that a payment of the last second finds them."""

ASK_AGAIN_MS = 30_000
"""A provider that settles later is asked again after this, in case its callback was lost."""


class Step(StrEnum):
    """How far a participant has come."""

    WAITING = "waiting"
    """Those before it aren't held yet: it knows nothing of the order."""
    ASKED = "asked"
    HELD = "held"
    REFUSED = "refused"
    SPARED = "spared"
    """It was never asked to hold anything, because another had refused."""
    SOLD = "sold"
    LOST = "lost"
    RELEASED = "released"
    RETURNED = "returned"


class Payment(StrEnum):
    """How far the payment has come."""

    NONE = "none"
    ASKED = "asked"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"
    REFUNDED = "refunded"
    ELSEWHERE = "elsewhere"
    """An imported order's: where it was sold, and nothing of it can be given back from here."""


_SHOWN = {
    Payment.NONE: "none",
    Payment.ASKED: "pending",
    Payment.PENDING: "pending",
    Payment.AUTHORIZED: "pending",
    Payment.CAPTURED: "captured",
    Payment.DECLINED: "none",
    Payment.VOIDED: "voided",
    Payment.REFUNDED: "refunded",
    Payment.ELSEWHERE: "elsewhere",
}
"""What the world sees of a payment."""


class CartSeal(StrEnum):
    """How far the cart's seal has come; `KEPT` is a seal that nobody will lift."""

    NONE = "none"
    ASKED = "asked"
    HELD = "held"
    KEPT = "kept"
    GIVEN_BACK = "given-back"


class Order(msgspec.Struct, array_like=True, gc=False):
    """The state of an order; `status` is None until it is placed.

    `lines` has one line per SKU; an imported order's, one per SKU and price. `steps` and `sequences` tell how far each
    participant has come, by its index: those of a plain order are its lines, and `participants` is empty.
    """

    order_id: str
    status: Status | None = None
    fingerprint: str = ""
    email: str = ""
    customer: str = ""
    gateway: str = ""
    token: str = ""
    cart_id: str = ""
    seal: CartSeal = CartSeal.NONE
    lines: tuple[Line, ...] = ()
    steps: list[Step] = []
    sequences: list[int] = []
    refusals: dict[int, LineRefused] = {}
    unanswered: int = 0
    """Participants that haven't answered the question of this status yet."""
    total: Money | None = None
    placed_at: Instant = 0
    pay_by: Instant = 0
    ask_again_at: Instant = 0
    attempt: int = 1
    payment: Payment = Payment.NONE
    payment_id: str = ""
    undo_refused: bool = False
    """The provider will not void or refund the payment; `payment` stays what it was."""
    surplus: dict[str, bool] = {}
    """Payments that the order doesn't want, and whether they are done with."""
    cancel_note: str | None = None
    settlement: Settlement | None = None
    participants: tuple[Claim, ...] = ()
    claims: tuple[Claim, ...] = ()
    units: tuple[Units, ...] = ()
    cart_version: int | None = None
    action: PaymentAction | None = None
    """What the shopper has to do while the payment is pending."""
    returned: Money | None = None
    """What had been taken when the payment was voided, and went back."""
    surplus_amounts: dict[str, Money] = {}
    """What the provider said that it took for a payment in `surplus`."""
    after: AfterSale | None = None
    noted: bool = False
    """Whether the account that placed it knows of it."""
    quote: Quote | None = None
    number: str = ""
    """What people call it by; empty until somebody was told."""
    address: DeliveryAddress | None = None
    backorders: dict[str, Instant] = {}
    """Stocks, by key, whose units aren't here yet, each with when they should leave (0: nobody knows)."""
    source: str = ""
    """The system that sold it, if it was imported: empty for what was sold here."""

    @property
    def due(self) -> Money:
        """What the payment provider is asked for: the total without what claims pay."""
        assert self.total is not None, "the total is known before it is asked for"
        if not self.claims:
            return self.total
        return Money(self.total.amount - paid_by(self.claims), self.total.currency)

    @property
    def hold_until(self) -> Instant:
        return self.pay_by + HOLD_GRACE_MS

    @property
    def authorize_key(self) -> str:
        """One key for however many attempts: the provider takes the money once."""
        return f"{self.order_id}:pay"


DEAD = frozenset((Status.REJECTED, Status.EXPIRED, Status.CANCELLED))

VOIDABLE = frozenset((Payment.ASKED, Payment.PENDING, Payment.AUTHORIZED))
"""Money may have been taken or may still be, but nobody said so yet: a dead order voids it."""


def _apply_placed(order: Order, event: OrderPlaced) -> None:
    order.fingerprint = event.fingerprint
    order.email = event.email
    order.gateway = event.gateway
    order.token = event.token
    order.cart_id = event.cart_id
    order.customer = event.customer
    order.pay_by = event.pay_by
    order.placed_at = event.at
    order.units = event.units
    order.claims = event.claims
    order.cart_version = event.cart_version
    order.quote = event.quote
    order.address = event.address
    if event.cart_id:
        order.status = Status.SEALING
        order.seal = CartSeal.ASKED
        order.lines = event.lines
        order.total = event.total
    elif event.total is not None:
        _begin_reserving(order, event.lines, event.total)


def _apply_cart_taken(order: Order, event: CartTaken) -> None:
    order.seal = CartSeal.HELD
    _begin_reserving(order, event.lines, event.total)


def _begin_reserving(order: Order, lines: tuple[Line, ...], total: Money) -> None:
    order.status = Status.RESERVING
    order.lines = lines
    order.total = total
    order.participants = participants_of(lines, order.units, order.claims)
    order.unanswered = len(order.participants) or len(lines)
    order.steps = [Step.WAITING] * order.unanswered
    order.sequences = [0] * order.unanswered
    _ask_next(order)


def _ask_next(order: Order) -> None:
    """Participants are asked one after the other, in all orders by the same rule: two that want the same two last units
    never hold one each, to be refused both."""
    waiting = [index for index, step in enumerate(order.steps) if step is Step.WAITING]
    if order.participants:
        following = min(waiting, key=lambda index: turn_of(order.participants[index]))
    else:
        following = min(waiting, key=lambda index: order.lines[index].sku)
    order.steps[following] = Step.ASKED


def _apply_line_held(order: Order, event: LineHeld) -> None:
    order.steps[event.line] = Step.HELD
    order.sequences[event.line] = event.sequence
    if event.backordered:
        order.backorders[participant_at(order, event.line).key] = event.ships_from
    order.unanswered -= 1
    if order.unanswered:
        _ask_next(order)
        return
    if order.due.amount:
        order.status = Status.AWAITING_PAYMENT
        order.payment = Payment.ASKED
    else:
        # No provider takes nothing: a gift is committed at once.
        _begin_committing(order)


def _apply_line_refused(order: Order, event: LineRefused) -> None:
    order.steps[event.line] = Step.REFUSED
    order.refusals[event.line] = event
    order.unanswered -= 1
    for index, other in enumerate(order.participants):
        # Only what is short of stock is told as a whole; nothing else is asked once the order can't be had.
        if other.kind != "stock" and order.steps[index] is Step.WAITING:
            order.steps[index] = Step.SPARED
            order.unanswered -= 1


def _apply_line_available(order: Order, event: LineAvailable) -> None:
    order.steps[event.line] = Step.SPARED
    order.unanswered -= 1


def _apply_payment_pending(order: Order, event: PaymentPending) -> None:
    order.payment = Payment.PENDING
    order.payment_id = event.payment_id
    order.ask_again_at = event.at + ASK_AGAIN_MS
    if event.action is not None:
        order.action = event.action


def _apply_asked_again(order: Order, event: PaymentAskedAgain) -> None:
    order.payment = Payment.ASKED
    order.attempt = event.attempt


def _apply_authorized(order: Order, event: PaymentAuthorized) -> None:
    order.payment = Payment.AUTHORIZED
    order.payment_id = event.payment_id


def _apply_mismatched(order: Order, event: PaymentMismatched) -> None:
    # Reserved or taken, only not as asked: the void of the order that is rejected for it undoes either.
    order.payment = Payment.AUTHORIZED
    order.payment_id = event.payment_id


def _apply_captured(order: Order, event: PaymentCaptured) -> None:
    order.payment = Payment.CAPTURED
    order.payment_id = event.payment_id
    _begin_committing(order)


def _begin_committing(order: Order) -> None:
    order.status = Status.COMMITTING
    order.unanswered = len(order.steps)


def _apply_line_sold(order: Order, event: LineSold) -> None:
    order.steps[event.line] = Step.SOLD
    order.unanswered -= 1


def _apply_line_lost(order: Order, event: LineLost) -> None:
    order.steps[event.line] = Step.LOST
    order.unanswered -= 1


def _apply_confirmed(order: Order, event: OrderConfirmed) -> None:
    order.status = Status.CONFIRMED
    order.steps = [Step.SOLD] * len(order.steps)
    order.unanswered = 0
    if order.cart_id:
        # Also when the order is cancelled later: a shopper begins a new cart.
        order.seal = CartSeal.KEPT
    order.settlement = Settlement(Status.CONFIRMED, event.at)


def _apply_rejected(order: Order, event: OrderRejected) -> None:
    if event.reason is Reason.PAYMENT_DECLINED and order.payment is not Payment.AUTHORIZED:
        order.payment = Payment.DECLINED
    _settle(order, Status.REJECTED, event.at, event.reason, event.details)


def _apply_expired(order: Order, event: OrderExpired) -> None:
    _settle(order, Status.EXPIRED, event.at, Reason.PAYMENT_EXPIRED)


def _apply_cancel_requested(order: Order, event: CancelRequested) -> None:
    order.cancel_note = event.note


def _apply_cancelled(order: Order, event: OrderCancelled) -> None:
    order.cancel_note = event.note
    _settle(order, Status.CANCELLED, event.at, Reason.ORDER_CANCELLED)


def _settle(order: Order, status: Status, at: Instant, reason: Reason, details: dict[str, Any] | None = None) -> None:
    """The order is dead; how its checkout ended was told once and stays, if it ended before."""
    order.status = status
    order.refusals = {}
    if order.settlement is None:
        order.settlement = Settlement(status, at, reason, details or {})


def _apply_fulfilled(order: Order, _event: OrderFulfilled) -> None:
    order.status = Status.FULFILLED
    if not order.email:
        # It was made anonymous while it still had to find its way.
        forget_address(order)


def _apply_line_released(order: Order, event: LineReleased) -> None:
    order.steps[event.line] = Step.RELEASED


def _apply_line_returned(order: Order, event: LineReturned) -> None:
    order.steps[event.line] = Step.RETURNED


def _apply_given_back(order: Order, _event: CartGivenBack) -> None:
    order.seal = CartSeal.GIVEN_BACK


def _apply_voided(order: Order, event: PaymentVoided) -> None:
    order.payment = Payment.VOIDED
    order.returned = event.returned


def _apply_refunded(order: Order, _event: PaymentRefunded) -> None:
    order.payment = Payment.REFUNDED


def _apply_surplus(order: Order, event: SurplusPaymentFound) -> None:
    order.surplus[event.payment_id] = False
    if event.amount is not None:
        order.surplus_amounts[event.payment_id] = event.amount


def _apply_surplus_refunded(order: Order, event: SurplusRefunded) -> None:
    order.surplus[event.payment_id] = True


def _apply_undo_refused(order: Order, event: UndoRefused) -> None:
    if event.payment_id in order.surplus:
        order.surplus[event.payment_id] = True
    else:
        order.undo_refused = True


def _apply_account_noted(order: Order, _event: AccountNoted) -> None:
    order.noted = True


def _apply_anonymized(order: Order, _event: OrderAnonymized) -> None:
    order.email = ""
    order.fingerprint = ""
    if order.settlement is not None:
        # Until then a payment may still be asked for with it.
        order.token = ""
    if order.after is not None:
        order.after.forget_person()
    if status_of(order) in (Status.FULFILLED, Status.DELIVERED) or status_of(order) in DEAD:
        forget_address(order)


def forget_address(order: Order) -> None:
    """Where goods went in the world stays, for the tax office; at whose door they were left doesn't."""
    if order.address is not None:
        order.address = DeliveryAddress("", "", "", order.address.country, region=order.address.region)


CHANGES: dict[type[Message], Callable[[Order, Any], None]] = {
    AccountNoted: _apply_account_noted,
    OrderAnonymized: _apply_anonymized,
    OrderPlaced: _apply_placed,
    CartTaken: _apply_cart_taken,
    LineHeld: _apply_line_held,
    LineRefused: _apply_line_refused,
    LineAvailable: _apply_line_available,
    PaymentPending: _apply_payment_pending,
    PaymentAskedAgain: _apply_asked_again,
    PaymentAuthorized: _apply_authorized,
    PaymentCaptured: _apply_captured,
    PaymentMismatched: _apply_mismatched,
    SurplusPaymentFound: _apply_surplus,
    LineSold: _apply_line_sold,
    LineLost: _apply_line_lost,
    CancelRequested: _apply_cancel_requested,
    OrderConfirmed: _apply_confirmed,
    OrderRejected: _apply_rejected,
    OrderExpired: _apply_expired,
    OrderCancelled: _apply_cancelled,
    OrderFulfilled: _apply_fulfilled,
    LineReleased: _apply_line_released,
    LineReturned: _apply_line_returned,
    CartGivenBack: _apply_given_back,
    PaymentVoided: _apply_voided,
    PaymentRefunded: _apply_refunded,
    SurplusRefunded: _apply_surplus_refunded,
    UndoRefused: _apply_undo_refused,
}


def total_of(lines: tuple[Line, ...]) -> Money:
    """What lines of one currency cost together."""
    amount = 0
    for line in lines:
        amount += line.price.amount * line.quantity
    return Money(amount, lines[0].price.currency)


def paid_by(claims: tuple[Claim, ...]) -> int:
    """The minor units that claims pay."""
    return sum(claim.quantity for claim in claims if claim.pays)


def participant_at(order: Order, index: int) -> Claim:
    """What the order reserves by this index: a line's stock, in a plain order."""
    if order.participants:
        return order.participants[index]
    line = order.lines[index]
    return Claim("stock", stock_key(line.sku), line.quantity)


def settled(order: Order) -> OrderView | None:
    """The order once its checkout has ended; `settlement` stays the same whatever happens to it later.

    Also once it waits for the shopper, who must be told what to do: that view has no settlement.
    """
    return None if order.settlement is None and awaited_action(order) is None else view(order)


def awaited_action(order: Order) -> PaymentAction | None:
    """What the shopper has to do now before the payment can go on."""
    if order.action is None or order.status is not Status.AWAITING_PAYMENT:
        return None
    return order.action if order.payment is Payment.PENDING or order.payment is Payment.ASKED else None


def view(order: Order) -> OrderView:
    """The order as the world sees it."""
    assert order.status is not None, "only a placed order is seen"
    return view_as(order, status_of(order), order.settlement)


def view_as(order: Order, status: Status, settlement: Settlement | None) -> OrderView:
    """The order as the world will see it once it has this status and settlement."""
    return OrderView(
        order.order_id,
        status,
        order.email,
        order.lines,
        order.total,
        order.placed_at,
        settlement,
        _SHOWN[order.payment],
        order.payment_id,
        order.cart_id,
        order.claims,
        order.gateway,
        awaited_action(order) if status is order.status else None,
        order.customer,
        view_of(order) if order.after is not None else None,
        order.quote,
        order.number,
        order.address,
        order.backorders,
        order.source,
    )
