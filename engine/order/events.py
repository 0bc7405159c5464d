"""What an order records: read in order, they tell its story.

Every event tells one step of the checkout or of its undoing. Those that begin with `Order` change the order's status.
In those that begin with `Line`, `line` is the index of a participant: of a line's stock, in a plain order.
"""

from typing import Any

from ..address import DeliveryAddress
from ..cart import Line
from ..kernel import Event, Instant
from ..money import Money
from ..payment import PaymentAction
from ..pricing import Quote
from ..reasons import Reason
from .participants import Claim, Units


class OrderPlaced(Event, frozen=True):
    """The checkout began; `total` is None where a cart will tell the lines. With `cart_version` it only seals them."""

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
    units: tuple[Units, ...] = ()
    claims: tuple[Claim, ...] = ()
    cart_version: int | None = None
    quote: Quote | None = None
    address: DeliveryAddress | None = None


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
    backordered: bool = False
    """The units aren't here yet."""
    ships_from: Instant = 0


class LineRefused(Event, frozen=True):
    """The stock refuses the line: the order is rejected once those that wait behind it have been looked at."""

    line: int
    reason: Reason
    details: dict[str, Any]


class LineAvailable(Event, frozen=True):
    """There is enough for the line, but another was refused: it isn't held."""

    line: int


class PaymentPending(Event, frozen=True):
    """The provider settles later; until then it is asked again now and then. `action` is told when it changes."""

    payment_id: str
    at: Instant
    action: PaymentAction | None = None


class PaymentAskedAgain(Event, frozen=True):
    attempt: int


class PaymentAuthorized(Event, frozen=True):
    """The money is reserved and has still to be captured."""

    payment_id: str


class PaymentCaptured(Event, frozen=True):
    """The money is taken: the lines are committed."""

    payment_id: str
    at: Instant


class PaymentMismatched(Event, frozen=True):
    """The provider reserved or took another amount than was asked for: the order is rejected, and it goes back."""

    payment_id: str
    amount: Money
    at: Instant


class SurplusPaymentFound(Event, frozen=True):
    """The provider took money that the order doesn't want: a second time, after its end, or another amount. It is
    refunded: `amount`, or the order's total where the provider told none."""

    payment_id: str
    amount: Money | None = None


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
    by: str = ""


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
    by: str = ""


class OrderFulfilled(Event, frozen=True):
    at: Instant
    by: str = ""


class LineReleased(Event, frozen=True):
    """Undone: the line's hold has ended, or can't begin any more."""

    line: int


class LineReturned(Event, frozen=True):
    """Undone: the line's units are back on hand."""

    line: int


class CartGivenBack(Event, frozen=True):
    """Undone: the cart isn't sealed by this order, and can't be any more."""


class PaymentVoided(Event, frozen=True):
    """Undone: nothing is or will be taken. `returned` had come, maybe after the order's end, and went back."""

    returned: Money | None = None


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


class AccountNoted(Event, frozen=True):
    """The account that placed the order knows of it."""


class OrderAnonymized(Event, frozen=True):
    """E-mail address, payment token and notes are gone, and so is what a retry of the purchase would be known by. Once
    it has been delivered, only the country is left of where."""


OrderEvent = (
    OrderPlaced
    | CartTaken
    | LineHeld
    | LineRefused
    | LineAvailable
    | PaymentPending
    | PaymentAskedAgain
    | PaymentAuthorized
    | PaymentCaptured
    | PaymentMismatched
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
    | UndoRefused
    | AccountNoted
    | OrderAnonymized
)
