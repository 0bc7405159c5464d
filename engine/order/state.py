"""How far an order, each of its participants, its payment and its cart have come, and what the world sees of it."""

from enum import StrEnum

import msgspec

from ..address import DeliveryAddress
from ..cart import Line
from ..kernel import Instant
from ..money import Money
from ..payment import PaymentAction
from ..pricing import Quote
from ..stock import stock_key
from .aftersale.state import AfterSale, status_of, view_of
from .events import LineRefused
from .messages import OrderView, Settlement, Status
from .participants import Claim, Units

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
