"""What a purchase order records."""

from ..kernel import Event, Instant
from .messages import PurchaseContent, ReceivedUnits


class PurchaseDrafted(Event, frozen=True):
    content: PurchaseContent
    at: Instant
    automatic: bool = False
    by: str = ""


class PurchaseEdited(Event, frozen=True):
    content: PurchaseContent
    at: Instant
    by: str = ""


class PurchaseLineClaimed(Event, frozen=True):
    """The SKU is ours to reorder, or on another draft (`held_by`): then the line is dropped."""

    sku: str
    held_by: str = ""


class PurchaseSent(Event, frozen=True):
    expected_at: Instant
    at: Instant
    by: str = ""


class PurchaseRescheduled(Event, frozen=True):
    expected_at: Instant
    at: Instant
    by: str = ""


class PurchaseReceived(Event, frozen=True):
    receipt_id: str
    lines: tuple[ReceivedUnits, ...]
    at: Instant
    by: str = ""


class PurchaseClosed(Event, frozen=True):
    reason: str
    at: Instant
    by: str = ""


class PurchaseCancelled(Event, frozen=True):
    reason: str
    at: Instant
    by: str = ""


class PurchaseBooked(Event, frozen=True):
    """A stock has taken the booking, or, with a `refusal`, will never take it."""

    booking_id: str
    refusal: str = ""


class PurchaseExpectationTold(Event, frozen=True):
    sku: str
    revision: int


class PurchaseReorderEnded(Event, frozen=True):
    """The SKU may be on another automatic draft again."""

    sku: str
