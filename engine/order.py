"""An order and its checkout process: (seal the cart,) reserve, pay, commit, or release everything.

    placed -> sealing -> reserving -> awaiting payment -> committing -> confirmed -> fulfilled
                 |           |               |                |            |
                 +-----------+------> rejected / expired / cancelled <-----+   with every hold, seal and payment undone

What the order waits for is never stored as a list of things to do: `effects` reads it from how far each line, the
payment and the cart have come. So a crash can lose no step, and undoing is the same reading in an order that is dead.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Any

import msgspec

from .cart import CartView, Line, Seal, Unseal
from .kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Message,
    Outcome,
    Rejected,
    ReminderDue,
    Reply,
    Request,
    Send,
    invalid,
)
from .money import MOST_TOTAL, Money
from .payment import Authorize, Authorized, Capture, Captured, Declined, Pending, Refund, Refunded, Void, Voided
from .reasons import Reason
from .stock import MOST_UNITS, Commit, Held, Release, Reserve, Return, stock_key

SECOND_MS = 1_000

HOLD_GRACE_MS = 60 * SECOND_MS
"""Units stay held this much longer than the payment may take, so that a payment of the last second finds them."""

ASK_AGAIN_MS = 30 * SECOND_MS
"""A provider that settles later is asked again after this, in case its callback was lost."""

LONGEST_PAYMENT_WINDOW_S = 86_400

MOST_LINES = 500

LONGEST_TEXT = 255
"""Characters of an email address, a token or any other name that comes from outside."""


class Status(StrEnum):
    SEALING = "sealing"
    RESERVING = "reserving"
    AWAITING_PAYMENT = "awaiting-payment"
    COMMITTING = "committing"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Place(Command, frozen=True):
    """Begin the checkout of `lines`, or of the cart `cart_id` (then `lines` is empty: the cart's seal tells them).

    The order's key is made from the client's idempotency key; `fingerprint` from the request's content: the same key
    with another fingerprint is refused, with the same one it is a retry. `customer` is whoever a limit per customer
    counts: an account, or for a guest something made from the address; empty: nobody is counted.
    """

    fingerprint: str
    email: str
    gateway: str
    token: str
    lines: tuple[Line, ...] = ()
    cart_id: str = ""
    customer: str = ""
    payment_window_s: int = 600


class SettlePayment(Command, frozen=True):
    """A provider's callback: the payment asked for with `authorize_key` ended like this."""

    authorize_key: str
    reply: Authorized | Declined


class Cancel(Command, frozen=True):
    """Undo the order while it isn't fulfilled: holds are released, committed units and money go back."""

    reason: str = ""


class Fulfil(Command, frozen=True):
    """The goods left: the order can't be cancelled any more."""


class LookOrder(Command, frozen=True):
    """Read the order."""


class Settlement(Answer, frozen=True):
    """How the checkout ended, once and for good: the answer that every retry of `Place` gets."""

    status: Status
    at: Instant
    reason: Reason | None = None
    details: dict[str, Any] = {}


class OrderView(Answer, frozen=True):
    """The order now. `total` is None until the lines are known (while a cart is being sealed)."""

    order_id: str
    status: Status
    email: str
    lines: tuple[Line, ...]
    total: Money | None
    placed_at: Instant
    settlement: Settlement | None
    payment_status: str
    """`none`, `pending`, `captured`, `voided` or `refunded`."""
    payment_id: str
    cart_id: str


class OrderPlaced(Event, frozen=True):
    """The checkout began; `total` is None where a cart will tell the lines."""

    fingerprint: str
    email: str
    gateway: str
    token: str
    lines: tuple[Line, ...]
    total: Money | None
    cart_id: str
    customer: str
    pay_by: Instant
    at: Instant


class CartTaken(Event, frozen=True):
    """The cart is sealed for this order: these are its lines."""

    lines: tuple[Line, ...]
    total: Money
    at: Instant


class LineHeld(Event, frozen=True):
    """The stock holds the line; after the last line the payment is asked for."""

    line: int
    sequence: int
    at: Instant


class LineRefused(Event, frozen=True):
    """The stock refuses the line: the order is rejected once every line is answered."""

    line: int
    reason: Reason
    details: dict[str, Any]


class PaymentPending(Event, frozen=True):
    """The provider settles later; until then it is asked again now and then."""

    payment_id: str
    at: Instant


class PaymentAskedAgain(Event, frozen=True):
    attempt: int


class PaymentAuthorized(Event, frozen=True):
    """The money is reserved and has still to be captured."""

    payment_id: str


class PaymentCaptured(Event, frozen=True):
    """The money is taken: the lines are committed."""

    payment_id: str
    at: Instant


class SurplusPaymentFound(Event, frozen=True):
    """The provider took money that the order doesn't want: a second time, or after its end. It is refunded."""

    payment_id: str


class LineSold(Event, frozen=True):
    """The stock committed the line."""

    line: int


class LineLost(Event, frozen=True):
    """The stock can't commit the line: its hold ended in an outage longer than the grace."""

    line: int
    reason: Reason


class CancelRequested(Event, frozen=True):
    """Cancelled while its lines are being committed: it happens when all of them are answered."""

    note: str


class OrderConfirmed(Event, frozen=True):
    """Every line is sold and the payment is taken."""

    at: Instant


class OrderRejected(Event, frozen=True):
    reason: Reason
    details: dict[str, Any]
    at: Instant


class OrderExpired(Event, frozen=True):
    """The payment wasn't settled in its window."""

    at: Instant


class OrderCancelled(Event, frozen=True):
    note: str
    at: Instant


class OrderFulfilled(Event, frozen=True):
    at: Instant


class LineReleased(Event, frozen=True):
    """Undone: the line's hold has ended, or can't begin any more."""

    line: int


class LineReturned(Event, frozen=True):
    """Undone: the line's units are back on hand."""

    line: int


class CartGivenBack(Event, frozen=True):
    """Undone: the cart isn't sealed by this order any more."""


class PaymentVoided(Event, frozen=True):
    """Undone: nothing was or will be taken."""


class PaymentRefunded(Event, frozen=True):
    """Undone: the captured money went back."""

    refund_id: str


class SurplusRefunded(Event, frozen=True):
    """Undone: the unwanted money went back."""

    payment_id: str
    refund_id: str


class UndoRefused(Event, frozen=True):
    """The provider refuses for good to void or refund this payment: somebody has to look at it."""

    payment_id: str
    code: str


class Step(StrEnum):
    """How far a line has come."""

    ASKED = "asked"
    HELD = "held"
    REFUSED = "refused"
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


_SHOWN = {Payment.ASKED: "pending", Payment.AUTHORIZED: "pending", Payment.DECLINED: "none"}
"""What the world sees of a payment, where that isn't its own name."""


class Seals(StrEnum):
    """How far the cart's seal has come; `KEPT` is a seal that nobody will lift."""

    NONE = "none"
    ASKED = "asked"
    HELD = "held"
    KEPT = "kept"
    GIVEN_BACK = "given-back"


class Order(msgspec.Struct, array_like=True, gc=False):
    """The state of an order; `status` is None until it is placed.

    `lines` has one line per SKU; `steps` and `sequences` tell how far each has come, by the same index.
    """

    order_id: str
    status: Status | None = None
    fingerprint: str = ""
    email: str = ""
    customer: str = ""
    gateway: str = ""
    token: str = ""
    cart_id: str = ""
    seal: Seals = Seals.NONE
    lines: tuple[Line, ...] = ()
    steps: list[Step] = []
    sequences: list[int] = []
    refusals: dict[int, LineRefused] = {}
    unanswered: int = 0
    """Lines whose stock hasn't answered the question of this status yet."""
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

    @property
    def hold_until(self) -> Instant:
        return self.pay_by + HOLD_GRACE_MS

    @property
    def authorize_key(self) -> str:
        """One key for however many attempts: the provider takes the money once."""
        return f"{self.order_id}:pay"


_DEAD = frozenset((Status.REJECTED, Status.EXPIRED, Status.CANCELLED))

_VOIDABLE = frozenset((Payment.ASKED, Payment.PENDING, Payment.AUTHORIZED))
"""Money may have been taken or may still be, but nobody said so yet: a dead order voids it."""


# -- commands


def _place(order: Order, command: Place, now: Instant) -> Outcome:
    if refusal := _misshapen(command):
        return refusal
    if order.status is not None:
        if command.fingerprint != order.fingerprint:
            return Rejected(Reason.KEY_REUSED)
        return Accepted((), view(order))
    lines = _one_line_per_sku(command.lines)
    if refusal := _not_payable(lines):
        return refusal
    total = _total(lines) if lines else None
    placed = OrderPlaced(
        command.fingerprint,
        command.email,
        command.gateway,
        command.token,
        lines,
        total,
        command.cart_id,
        command.customer,
        now + command.payment_window_s * SECOND_MS,
        now,
    )
    status = Status.SEALING if command.cart_id else Status.RESERVING
    return Accepted(
        (placed,),
        OrderView(order.order_id, status, command.email, lines, total, now, None, "none", "", command.cart_id),
    )


def _misshapen(command: Place) -> Rejected | None:
    for field in ("fingerprint", "email", "gateway", "token"):
        if not 0 < len(getattr(command, field)) <= LONGEST_TEXT:
            return invalid(field, f"have 1 to {LONGEST_TEXT} characters")
    if len(command.cart_id) > LONGEST_TEXT or len(command.customer) > LONGEST_TEXT:
        return invalid("customer", f"have at most {LONGEST_TEXT} characters, like cart_id")
    if not 0 < command.payment_window_s <= LONGEST_PAYMENT_WINDOW_S:
        return invalid("payment_window_s", f"be 1 to {LONGEST_PAYMENT_WINDOW_S}")
    if bool(command.cart_id) == bool(command.lines) or len(command.lines) > MOST_LINES:
        return invalid("lines", f"be 1 to {MOST_LINES}, or none where a cart tells them")
    for line in command.lines:
        if not 0 < len(line.sku) <= LONGEST_TEXT or "@" in line.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters and no @")
        if not 0 < line.quantity <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS}")
        if not line.price.is_price():
            return invalid("price", "be a price in minor units and an ISO 4217 currency")
    return None


def _one_line_per_sku(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Lines of one SKU as one, at the price of the first: otherwise each could be held and all together not."""
    if len(lines) < 2:
        return lines
    merged: dict[str, Line] = {}
    for line in lines:
        first = merged.get(line.sku)
        if first is not None:
            line = msgspec.structs.replace(first, quantity=first.quantity + line.quantity)
        merged[line.sku] = line
    return tuple(merged.values())


def _not_payable(lines: tuple[Line, ...]) -> Rejected | None:
    currencies = {line.price.currency for line in lines}
    if len(currencies) > 1:
        return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted(currencies)})
    if any(line.quantity > MOST_UNITS for line in lines):
        return invalid("quantity", f"be 1 to {MOST_UNITS} for all lines of one SKU")
    if lines and _total(lines).amount > MOST_TOTAL:
        return invalid("lines", f"cost at most {MOST_TOTAL} minor units together")
    return None


def _total(lines: tuple[Line, ...]) -> Money:
    return Money(sum(line.price.amount * line.quantity for line in lines), lines[0].price.currency)


def _settle_payment(order: Order, command: SettlePayment, now: Instant) -> Outcome:
    if command.authorize_key != order.authorize_key:
        return invalid("authorize_key", "be the key that this order asked with")
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    return _payment_answered(order, "", command.reply, now)


def _cancel(order: Order, command: Cancel, now: Instant) -> Outcome:
    if len(command.reason) > LONGEST_TEXT:
        return invalid("reason", f"be at most {LONGEST_TEXT} characters")
    status = order.status
    if status is None:
        return Rejected(Reason.NOT_FOUND)
    if status is Status.CANCELLED or (status is Status.COMMITTING and order.cancel_note is not None):
        return Accepted((), view(order))
    if status in _DEAD or status is Status.FULFILLED:
        return Rejected(Reason.ORDER_NOT_CANCELLABLE, {"status": str(status)})
    if status is Status.COMMITTING:
        # A commit may be on its way to the stock. What it did is known before it is undone.
        return Accepted((CancelRequested(command.reason),), view(order))
    settlement = order.settlement or Settlement(Status.CANCELLED, now, Reason.ORDER_CANCELLED)
    return Accepted((OrderCancelled(command.reason, now),), _view_as(order, Status.CANCELLED, settlement))


def _fulfil(order: Order, _command: Fulfil, now: Instant) -> Outcome:
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.status is Status.FULFILLED:
        return Accepted((), view(order))
    if order.status is not Status.CONFIRMED:
        return Rejected(Reason.ORDER_NOT_FULFILLABLE, {"status": str(order.status)})
    return Accepted((OrderFulfilled(now),), _view_as(order, Status.FULFILLED, order.settlement))


def _look(order: Order, _command: LookOrder, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if order.status is None else Accepted((), view(order))


def _remind(order: Order, _command: ReminderDue, now: Instant) -> Outcome:
    if order.status is not Status.AWAITING_PAYMENT:
        return Accepted()
    if now >= order.pay_by:
        return Accepted((OrderExpired(now),))
    if order.payment is Payment.PENDING and now >= order.ask_again_at:
        return Accepted((PaymentAskedAgain(order.attempt + 1),))
    return Accepted()


# -- answers to effects; one that the order no longer waits for changes nothing


def _effect_answered(order: Order, command: EffectAnswered, now: Instant) -> Outcome:
    name, _, rest = command.effect_id.partition(":")
    return _ANSWERS[name](order, rest, command.reply, now)


def _seal_answered(order: Order, _rest: str, reply: Reply, now: Instant) -> Outcome:
    if order.status is not Status.SEALING:
        return Accepted()
    if isinstance(reply, Rejected):
        return Accepted((OrderRejected(reply.reason, reply.details, now),))
    assert isinstance(reply, CartView), "a cart answers a seal with its lines"
    return Accepted((CartTaken(reply.lines, _total(reply.lines), now),))


def _reserve_answered(order: Order, rest: str, reply: Reply, now: Instant) -> Outcome:
    line = int(rest)
    if order.status is not Status.RESERVING or order.steps[line] is not Step.ASKED:
        return Accepted()
    last = order.unanswered == 1
    if isinstance(reply, Rejected):
        refused = LineRefused(line, reply.reason, reply.details)
        return Accepted((refused, _rejected_for([*order.refusals.values(), refused], now)) if last else (refused,))
    assert isinstance(reply, Held), "a stock answers a reservation with its sequence"
    held = LineHeld(line, reply.sequence, now)
    if last and order.refusals:
        return Accepted((held, _rejected_for(list(order.refusals.values()), now)))
    if last and now >= order.pay_by:
        return Accepted((held, OrderExpired(now)))
    return Accepted((held,))


def _payment_answered(order: Order, _rest: str, reply: Reply, now: Instant) -> Outcome:
    """The provider's answer, by whatever way and how often it comes: the first capture counts, any other goes back."""
    if isinstance(reply, Authorized):
        return _authorized(order, reply, now)
    if order.status is not Status.AWAITING_PAYMENT:
        return Accepted()
    if isinstance(reply, Pending):
        return Accepted((PaymentPending(reply.payment_id, now),) if order.payment is Payment.ASKED else ())
    assert isinstance(reply, Declined), "a provider answers an authorization in one of three ways"
    return Accepted((OrderRejected(Reason.PAYMENT_DECLINED, {"code": reply.code}, now),))


def _authorized(order: Order, reply: Authorized, now: Instant) -> Outcome:
    known = order.payment_id if order.payment is Payment.AUTHORIZED else ""
    if order.status is Status.AWAITING_PAYMENT and known in ("", reply.payment_id):
        if reply.captured:
            return Accepted((PaymentCaptured(reply.payment_id, now),))
        return Accepted(() if known else (PaymentAuthorized(reply.payment_id),))
    return Accepted((SurplusPaymentFound(reply.payment_id),) if _is_surplus(order, reply) else ())


def _is_surplus(order: Order, reply: Authorized) -> bool:
    """Whether this is taken money that nothing else gives back."""
    if not reply.captured or reply.payment_id == order.payment_id or reply.payment_id in order.surplus:
        return False
    # The void of a dead order covers whatever came of its authorization, also what is heard of only now.
    voided = order.status in _DEAD and (order.payment in _VOIDABLE or order.payment is Payment.VOIDED)
    return not voided


def _capture_answered(order: Order, _rest: str, reply: Reply, now: Instant) -> Outcome:
    if order.status is not Status.AWAITING_PAYMENT or order.payment is not Payment.AUTHORIZED:
        return Accepted()
    if isinstance(reply, Captured):
        return Accepted((PaymentCaptured(order.payment_id, now),))
    assert isinstance(reply, Declined), "a provider captures or declines"
    return Accepted((OrderRejected(Reason.PAYMENT_DECLINED, {"code": reply.code}, now),))


def _commit_answered(order: Order, rest: str, reply: Reply, now: Instant) -> Outcome:
    line = int(rest)
    if order.status is not Status.COMMITTING or order.steps[line] is not Step.HELD:
        return Accepted()
    answered = LineLost(line, reply.reason) if isinstance(reply, Rejected) else LineSold(line)
    if order.unanswered > 1:
        return Accepted((answered,))
    if order.cancel_note is not None:
        return Accepted((answered, OrderCancelled(order.cancel_note, now)))
    lost = [order.lines[index].sku for index, step in enumerate(order.steps) if step is Step.LOST]
    if isinstance(answered, LineLost):
        lost.append(order.lines[line].sku)
    if lost:
        details = {"lines": [{"sku": sku} for sku in lost]}
        return Accepted((answered, OrderRejected(Reason.RESERVATION_ENDED, details, now)))
    # That the order is confirmed says that its last line is sold: one event less in every purchase.
    return Accepted((OrderConfirmed(now),))


def _release_answered(order: Order, rest: str, _reply: Reply, _now: Instant) -> Outcome:
    line = int(rest)
    waiting = order.status in _DEAD and order.steps[line] in (Step.ASKED, Step.HELD)
    return Accepted((LineReleased(line),) if waiting else ())


def _return_answered(order: Order, rest: str, _reply: Reply, _now: Instant) -> Outcome:
    line = int(rest)
    return Accepted((LineReturned(line),) if order.status in _DEAD and order.steps[line] is Step.SOLD else ())


def _unseal_answered(order: Order, _rest: str, _reply: Reply, _now: Instant) -> Outcome:
    waiting = order.status in _DEAD and order.seal in (Seals.ASKED, Seals.HELD)
    return Accepted((CartGivenBack(),) if waiting else ())


def _void_answered(order: Order, _rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.status not in _DEAD or order.payment not in _VOIDABLE or order.undo_refused:
        return Accepted()
    if isinstance(reply, Declined):
        return Accepted((UndoRefused(order.payment_id, reply.code),))
    assert isinstance(reply, Voided), "a provider voids or declines"
    return Accepted((PaymentVoided(),))


def _refund_answered(order: Order, _rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.status not in _DEAD or order.payment is not Payment.CAPTURED or order.undo_refused:
        return Accepted()
    if isinstance(reply, Declined):
        return Accepted((UndoRefused(order.payment_id, reply.code),))
    assert isinstance(reply, Refunded), "a provider refunds or declines"
    return Accepted((PaymentRefunded(reply.refund_id),))


def _surplus_refund_answered(order: Order, rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.surplus[rest]:
        return Accepted()
    if isinstance(reply, Declined):
        return Accepted((UndoRefused(rest, reply.code),))
    assert isinstance(reply, Refunded), "a provider refunds or declines"
    return Accepted((SurplusRefunded(rest, reply.refund_id),))


_ANSWERS: dict[str, Callable[[Order, str, Reply, Instant], Outcome]] = {
    "seal": _seal_answered,
    "reserve": _reserve_answered,
    "pay": _payment_answered,
    "capture": _capture_answered,
    "commit": _commit_answered,
    "release": _release_answered,
    "return": _return_answered,
    "unseal": _unseal_answered,
    "void": _void_answered,
    "refund": _refund_answered,
    "surplus": _surplus_refund_answered,
}
"""By the name of the effect, the part of its id before the colon."""


def _rejected_for(refusals: Iterable[LineRefused], now: Instant) -> OrderRejected:
    """One reason for the order, with the details of every line that was refused for it; lack of stock goes first."""
    ordered = sorted(refusals, key=lambda refusal: refusal.line)
    short = any(refusal.reason is Reason.INSUFFICIENT_STOCK for refusal in ordered)
    reason = Reason.INSUFFICIENT_STOCK if short else ordered[0].reason
    return OrderRejected(reason, {"lines": [line.details for line in ordered if line.reason is reason]}, now)


# -- changes


def _apply_placed(order: Order, event: OrderPlaced) -> None:
    order.fingerprint = event.fingerprint
    order.email = event.email
    order.gateway = event.gateway
    order.token = event.token
    order.cart_id = event.cart_id
    order.customer = event.customer
    order.pay_by = event.pay_by
    order.placed_at = event.at
    if event.total is None:
        order.status = Status.SEALING
        order.seal = Seals.ASKED
    else:
        _begin_reserving(order, event.lines, event.total)


def _apply_cart_taken(order: Order, event: CartTaken) -> None:
    order.seal = Seals.HELD
    _begin_reserving(order, event.lines, event.total)


def _begin_reserving(order: Order, lines: tuple[Line, ...], total: Money) -> None:
    order.status = Status.RESERVING
    order.lines = lines
    order.total = total
    order.unanswered = len(lines)
    order.steps = [Step.ASKED] * len(lines)
    order.sequences = [0] * len(lines)


def _apply_line_held(order: Order, event: LineHeld) -> None:
    order.steps[event.line] = Step.HELD
    order.sequences[event.line] = event.sequence
    order.unanswered -= 1
    if order.unanswered or order.refusals:
        return
    assert order.total is not None, "the lines are known before they are held"
    if order.total.amount:
        order.status = Status.AWAITING_PAYMENT
        order.payment = Payment.ASKED
    else:
        # No provider takes nothing: a gift is committed at once.
        _begin_committing(order)


def _apply_line_refused(order: Order, event: LineRefused) -> None:
    order.steps[event.line] = Step.REFUSED
    order.refusals[event.line] = event
    order.unanswered -= 1


def _apply_payment_pending(order: Order, event: PaymentPending) -> None:
    order.payment = Payment.PENDING
    order.payment_id = event.payment_id
    order.ask_again_at = event.at + ASK_AGAIN_MS


def _apply_asked_again(order: Order, event: PaymentAskedAgain) -> None:
    order.payment = Payment.ASKED
    order.attempt = event.attempt


def _apply_authorized(order: Order, event: PaymentAuthorized) -> None:
    order.payment = Payment.AUTHORIZED
    order.payment_id = event.payment_id


def _apply_captured(order: Order, event: PaymentCaptured) -> None:
    order.payment = Payment.CAPTURED
    order.payment_id = event.payment_id
    _begin_committing(order)


def _begin_committing(order: Order) -> None:
    order.status = Status.COMMITTING
    order.unanswered = len(order.lines)


def _apply_line_sold(order: Order, event: LineSold) -> None:
    order.steps[event.line] = Step.SOLD
    order.unanswered -= 1


def _apply_line_lost(order: Order, event: LineLost) -> None:
    order.steps[event.line] = Step.LOST
    order.unanswered -= 1


def _apply_confirmed(order: Order, event: OrderConfirmed) -> None:
    order.status = Status.CONFIRMED
    order.steps = [Step.SOLD] * len(order.lines)
    order.unanswered = 0
    if order.cart_id:
        # Also when the order is cancelled later: a shopper begins a new cart.
        order.seal = Seals.KEPT
    order.settlement = Settlement(Status.CONFIRMED, event.at)


def _apply_rejected(order: Order, event: OrderRejected) -> None:
    if order.status is Status.SEALING:
        order.seal = Seals.NONE
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


def _apply_line_released(order: Order, event: LineReleased) -> None:
    order.steps[event.line] = Step.RELEASED


def _apply_line_returned(order: Order, event: LineReturned) -> None:
    order.steps[event.line] = Step.RETURNED


def _apply_given_back(order: Order, _event: CartGivenBack) -> None:
    order.seal = Seals.GIVEN_BACK


def _apply_voided(order: Order, _event: PaymentVoided) -> None:
    order.payment = Payment.VOIDED


def _apply_refunded(order: Order, _event: PaymentRefunded) -> None:
    order.payment = Payment.REFUNDED


def _apply_surplus(order: Order, event: SurplusPaymentFound) -> None:
    order.surplus[event.payment_id] = False


def _apply_surplus_refunded(order: Order, event: SurplusRefunded) -> None:
    order.surplus[event.payment_id] = True


def _apply_undo_refused(order: Order, event: UndoRefused) -> None:
    if event.payment_id in order.surplus:
        order.surplus[event.payment_id] = True
    else:
        order.undo_refused = True


# -- effects: what the order waits for, read from how far everything has come


def _sealing_effects(order: Order) -> Iterator[Effect]:
    yield Send("seal", "cart", order.cart_id, Seal(order.order_id))


def _reserving_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        if step is Step.ASKED:
            line = order.lines[index]
            reserve = Reserve(_reservation_id(order, index), line.quantity, order.hold_until, order.customer)
            yield Send(f"reserve:{index}", "stock", stock_key(line.sku), reserve)


def _payment_effects(order: Order) -> Iterator[Effect]:
    assert order.total is not None, "the total is known before it is asked for"
    if order.payment is Payment.ASKED:
        authorize = Authorize(order.authorize_key, order.total, order.token, order.order_id)
        # Asking again is a new effect with the same key: the runtime tells effects apart by id, the provider by key.
        yield Request(f"pay:{order.attempt}", order.gateway, authorize)
    elif order.payment is Payment.AUTHORIZED:
        capture = Capture(f"{order.order_id}:capture", order.payment_id, order.total)
        yield Request("capture", order.gateway, capture)


def _committing_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        if step is Step.HELD:
            commit = Commit(_reservation_id(order, index), order.sequences[index], order.hold_until)
            yield Send(f"commit:{index}", "stock", stock_key(order.lines[index].sku), commit)


def _undoing_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        line = order.lines[index]
        if step is Step.HELD or step is Step.ASKED:
            # Where the answer isn't known yet, this also keeps the reservation from beginning late.
            yield Send(f"release:{index}", "stock", stock_key(line.sku), Release(_reservation_id(order, index)))
        elif step is Step.SOLD:
            back = Return(_reservation_id(order, index), line.quantity, order.customer)
            yield Send(f"return:{index}", "stock", stock_key(line.sku), back)
    if order.seal is Seals.ASKED or order.seal is Seals.HELD:
        yield Send("unseal", "cart", order.cart_id, Unseal(order.order_id))
    if order.undo_refused or order.total is None:
        return
    if order.payment in _VOIDABLE:
        void = Void(f"{order.order_id}:void", order.authorize_key, order.total, order.token)
        yield Request("void", order.gateway, void)
    elif order.payment is Payment.CAPTURED:
        refund = Refund(f"{order.order_id}:refund", order.payment_id, order.total)
        yield Request("refund", order.gateway, refund)


def _surplus_effects(order: Order) -> Iterator[Effect]:
    assert order.total is not None, "only an order with a total is paid"
    for payment_id, done in order.surplus.items():
        if not done:
            refund = Refund(f"{order.order_id}:refund:{payment_id}", payment_id, order.total)
            yield Request(f"surplus:{payment_id}", order.gateway, refund)


def _reservation_id(order: Order, line: int) -> str:
    return f"{order.order_id}:{line}"


# -- the kind

_DECISIONS: dict[type[Command], Callable[[Order, Any, Instant], Outcome]] = {
    Place: _place,
    EffectAnswered: _effect_answered,
    SettlePayment: _settle_payment,
    Cancel: _cancel,
    Fulfil: _fulfil,
    LookOrder: _look,
    ReminderDue: _remind,
}

_CHANGES: dict[type[Message], Callable[[Order, Any], None]] = {
    OrderPlaced: _apply_placed,
    CartTaken: _apply_cart_taken,
    LineHeld: _apply_line_held,
    LineRefused: _apply_line_refused,
    PaymentPending: _apply_payment_pending,
    PaymentAskedAgain: _apply_asked_again,
    PaymentAuthorized: _apply_authorized,
    PaymentCaptured: _apply_captured,
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

_EFFECTS: dict[Status | None, Callable[[Order], Iterator[Effect]]] = {
    Status.SEALING: _sealing_effects,
    Status.RESERVING: _reserving_effects,
    Status.AWAITING_PAYMENT: _payment_effects,
    Status.COMMITTING: _committing_effects,
    Status.REJECTED: _undoing_effects,
    Status.EXPIRED: _undoing_effects,
    Status.CANCELLED: _undoing_effects,
}


def decide(order: Order, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](order, command, now)


def apply(order: Order, event: Event) -> None:
    """Change the order as the event tells."""
    _CHANGES[type(event)](order, event)


def effects(order: Order) -> Iterable[Effect]:
    """What the order waits for from stocks, cart and payment provider; each is made when it is reached."""
    waiting_for = _EFFECTS.get(order.status)
    found = waiting_for(order) if waiting_for is not None else ()
    return chain(found, _surplus_effects(order)) if order.surplus else found


def remind_at(order: Order) -> Instant | None:
    """When the payment must be settled or, before that, asked for again."""
    if order.status is not Status.AWAITING_PAYMENT:
        return None
    return min(order.ask_again_at, order.pay_by) if order.payment is Payment.PENDING else order.pay_by


def settled(order: Order) -> OrderView | None:
    """The order once its checkout has ended; `settlement` stays the same whatever happens to it later."""
    return None if order.settlement is None else view(order)


def view(order: Order) -> OrderView:
    """The order as the world sees it."""
    assert order.status is not None, "only a placed order is seen"
    return _view_as(order, order.status, order.settlement)


def _view_as(order: Order, status: Status, settlement: Settlement | None) -> OrderView:
    return OrderView(
        order.order_id,
        status,
        order.email,
        order.lines,
        order.total,
        order.placed_at,
        settlement,
        _SHOWN.get(order.payment) or order.payment.value,
        order.payment_id,
        order.cart_id,
    )


ORDER = Kind(
    name="order",
    new=Order,
    decide=decide,
    apply=apply,
    commands=Place | SettlePayment | Cancel | Fulfil | LookOrder,
    events=OrderPlaced
    | CartTaken
    | LineHeld
    | LineRefused
    | PaymentPending
    | PaymentAskedAgain
    | PaymentAuthorized
    | PaymentCaptured
    | SurplusPaymentFound
    | LineSold
    | LineLost
    | CancelRequested
    | OrderConfirmed
    | OrderRejected
    | OrderExpired
    | OrderCancelled
    | OrderFulfilled
    | LineReleased
    | LineReturned
    | CartGivenBack
    | PaymentVoided
    | PaymentRefunded
    | SurplusRefunded
    | UndoRefused,
    answers=OrderView,
    state=Order,
    effects=effects,
    remind_at=remind_at,
    settled=settled,
)
