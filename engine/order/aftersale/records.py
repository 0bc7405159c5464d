"""The records that an order keeps after its sale. They are never changed, only replaced: views may share them."""

from enum import StrEnum

import msgspec

from ...cart import Line
from ...kernel import Instant
from ...money import Money
from ...reasons import Reason


class ShipmentStatus(StrEnum):
    CREATED = "created"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up before it left (its units can be shipped again), or lost on its way (they can't)."""
    RETURNED_TO_SENDER = "returned-to-sender"
    """It is back: its units can be shipped again or cancelled."""


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    AUTHORIZED = "authorized"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RECEIVED = "received"
    INSPECTED = "inspected"
    REFUNDED = "refunded"
    EXCHANGED = "exchanged"


class ReturnReason(StrEnum):
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    WRONG_ITEM = "wrong-item"
    NOT_AS_DESCRIBED = "not-as-described"
    DOES_NOT_FIT = "does-not-fit"
    ARRIVED_LATE = "arrived-late"
    NO_LONGER_WANTED = "no-longer-wanted"
    OTHER = "other"


class RefundStatus(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    """By the provider, for good: the money is still here, and somebody has to look at it."""


class EditStatus(StrEnum):
    RESERVING = "reserving"
    AWAITING_PAYMENT = "awaiting-payment"
    COMMITTING = "committing"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Part of an order's state and of its view."""


class LineUnits(Record, frozen=True):
    """So many units of the line with this index."""

    line: int
    quantity: int


class Item(Record, frozen=True):
    """One line after the sale: how many of its units went where. The first items are the lines that were ordered."""

    line: Line
    paid: int
    """What all its units were paid with, in minor units."""
    edit: str = ""
    """The edit that added it."""
    cancelled: int = 0
    packed: int = 0
    """In shipments that haven't left."""
    shipped: int = 0
    """Left, whether they have arrived or not."""
    delivered: int = 0
    lost: int = 0
    locked: int = 0
    """To be taken out by an edit that isn't done."""
    returning: int = 0
    """In returns that aren't settled, or were."""
    credited: int = 0
    """Units whose price was given back, or taken off another's."""
    refunded: int = 0
    """Minor units, asked for, given back, or set off against a line that an edit added."""
    restocked: int = 0
    """Came back and are sold again."""

    @property
    def kept(self) -> int:
        """Units that the customer has or will have, unless they come back."""
        return self.line.quantity - self.cancelled

    @property
    def open(self) -> int:
        """Units that can be shipped or cancelled."""
        return self.kept - self.packed - self.shipped - self.lost - self.locked

    @property
    def gone_back(self) -> int:
        """Units that are in their stock again."""
        return self.cancelled + self.restocked

    @property
    def returnable(self) -> int:
        return self.shipped - self.returning

    def value_of(self, quantity: int) -> int:
        """What the next `quantity` units were paid with: rounded so that all units together are worth what was paid."""
        bought = self.line.quantity
        return self.paid * (self.credited + quantity) // bought - self.paid * self.credited // bought


class Shipment(Record, frozen=True):
    shipment_id: str
    units: tuple[LineUnits, ...]
    status: ShipmentStatus
    carrier: str
    tracking_number: str
    tracking_url: str
    created_at: Instant
    changed_at: Instant


class ReturnedUnits(Record, frozen=True):
    """What comes back of one line, and why."""

    line: int
    quantity: int
    reason: ReturnReason


class Finding(Record, frozen=True):
    """What the inspection found of one line: units that are sold again, and those that are not."""

    line: int
    restocked: int
    written_off: int


class Return(Record, frozen=True):
    return_id: str
    number: int
    """Counts the order's returns from 1: with the order's number it makes the RMA number."""
    units: tuple[ReturnedUnits, ...]
    status: ReturnStatus
    note: str
    answer: str
    """What the merchant said to it."""
    findings: tuple[Finding, ...]
    credit: int
    """What it was settled with, the fee taken off, in minor units."""
    fee: int
    requested_at: Instant
    changed_at: Instant


class LineAmount(Record, frozen=True):
    """The part of a refund that belongs to one line, in minor units."""

    line: int
    amount: int


class Refund(Record, frozen=True):
    refund_id: str
    amount: Money
    gateway: str
    payment_id: str
    status: RefundStatus
    reason: str
    reference: str
    """The provider's id, or its code when it refused."""
    lines: tuple[LineAmount, ...]
    asked_at: Instant
    changed_at: Instant
    claim: tuple[str, str] | None = None
    """The entity that it goes back to, by kind and key: a gift card. None: the payment provider."""


class Cancellation(Record, frozen=True):
    cancellation_id: str
    units: tuple[LineUnits, ...]
    reason: str
    at: Instant


class Note(Record, frozen=True):
    note_id: str
    text: str
    internal: bool
    by: str
    at: Instant


class Step(StrEnum):
    """How far a line that an edit adds has come."""

    WAITING = "waiting"
    ASKED = "asked"
    HELD = "held"
    SOLD = "sold"
    LOST = "lost"
    RELEASED = "released"


class EditPayment(StrEnum):
    """How far the further payment of an edit has come."""

    NONE = "none"
    ASKED = "asked"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    UNDO_REFUSED = "undo-refused"


class Edit(Record, frozen=True):
    """A change of what is sold: lines that are added, units that are taken out, and the difference in price."""

    edit_id: str
    status: EditStatus
    added: tuple[Line, ...]
    removed: tuple[LineUnits, ...]
    return_id: str
    """An exchange: what comes in return for this."""
    credit: int
    """What the units taken out or returned are worth, in minor units."""
    due: Money | None
    """The further payment that is asked for; None if there is none."""
    pay_by: Instant
    reason: str
    created_at: Instant
    changed_at: Instant
    steps: tuple[Step, ...] = ()
    sequences: tuple[int, ...] = ()
    gateway: str = ""
    token: str = ""
    attempt: int = 0
    """Payments that were tried: each has a key of its own."""
    asked: int = 0
    """How often the provider was asked about them."""
    ask_again_at: Instant = 0
    payment: EditPayment = EditPayment.NONE
    payment_id: str = ""
    refusal: Reason | None = None
    code: str = ""
    """Why the provider declined the last payment."""


class AfterSaleView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All of it as the world sees it. Amounts are in minor units of the order's currency."""

    items: tuple[Item, ...]
    shipments: tuple[Shipment, ...]
    cancellations: tuple[Cancellation, ...]
    returns: tuple[Return, ...]
    refunds: tuple[Refund, ...]
    edits: tuple[Edit, ...]
    notes: tuple[Note, ...]
    captured: int
    refunded: int
    """Given back, or asked for and not refused."""
