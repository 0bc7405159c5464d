"""What an order is told and asked, and how it answers."""

from enum import StrEnum
from typing import Any

from ..address import DeliveryAddress
from ..cart import Line
from ..kernel import Answer, Command, Instant
from ..money import Money
from ..payment import Authorized, Declined, PaymentAction, Pending
from ..pricing import Quote
from ..reasons import Reason
from .aftersale.records import AfterSaleView
from .participants import Claim, Units


class Status(StrEnum):
    SEALING = "sealing"
    RESERVING = "reserving"
    AWAITING_PAYMENT = "awaiting-payment"
    COMMITTING = "committing"
    CONFIRMED = "confirmed"
    PARTLY_FULFILLED = "partly-fulfilled"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Place(Command, frozen=True):
    """Begin the checkout of `lines`, or of the cart `cart_id` (then `lines` is empty: the cart's seal tells them).

    A cart whose lines were looked at before has both, and `cart_version`: the checkout ends if the cart has changed
    since. What is reserved is the stock of each line or, where they are given, these `units`; and all `claims`. A
    `quote` of exactly these lines tells the total; without one it is what the lines cost.

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
    units: tuple[Units, ...] = ()
    claims: tuple[Claim, ...] = ()
    cart_version: int | None = None
    quote: Quote | None = None
    address: DeliveryAddress | None = None


class SettlePayment(Command, frozen=True):
    """A provider's callback: the payment asked for with `authorize_key` ended like this.

    `Pending`: it can go on now, and shall be asked for again.
    """

    authorize_key: str
    reply: Authorized | Declined | Pending


class Cancel(Command, frozen=True):
    """Undo the order while it isn't fulfilled: holds are released, committed units and money go back."""

    reason: str = ""
    by: str = ""


class Fulfil(Command, frozen=True):
    """All goods left: the order can't be cancelled any more."""

    by: str = ""


class NoteOrder(Command, frozen=True):
    """To an account: an order of yours has ended its checkout like this."""

    order_id: str
    at: Instant
    confirmed: bool


class Anonymize(Command, frozen=True):
    """To an order: whose you are is to be forgotten. What was sold, for how much, stays."""


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
    """`none`, `pending`, `captured`, `voided`, `refunded` or, of what was imported, `elsewhere`."""
    payment_id: str
    cart_id: str
    claims: tuple[Claim, ...] = ()
    """What is reserved beside stock; those that pay are the other tenders."""
    payment_method: str = ""
    action: PaymentAction | None = None
    """What the shopper has to do before the payment can go on."""
    customer: str = ""
    """The account that placed it, or what a guest is counted by."""
    after: AfterSaleView | None = None
    """What became of it after the sale; None where nothing did."""
    quote: Quote | None = None
    """How the total comes about, where it is more than what the lines cost."""
    number: str = ""
    """What people call it by; empty until somebody was told."""
    address: DeliveryAddress | None = None
    backorders: dict[str, Instant] = {}
    """Stocks, by key, whose units were sold before they were here, each with when they should leave (0: nobody knows).
    """
    source: str = ""
    """The system that sold it, if it was imported: empty for what was sold here."""

    @property
    def due(self) -> Money | None:
        """What the payment provider is asked for."""
        paid = sum(claim.quantity for claim in self.claims if claim.pays)
        return Money(self.total.amount - paid, self.total.currency) if self.total is not None and paid else self.total


OrderCommand = Place | SettlePayment | Cancel | Fulfil | LookOrder | Anonymize
