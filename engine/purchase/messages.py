"""What a purchase order is told and asked, and how it answers."""

from enum import StrEnum

import msgspec

from ..kernel import Answer, Command, Instant
from ..landed_cost import RATE_ONE, Charge


class PurchaseStatus(StrEnum):
    CLAIMING = "claiming"
    """An automatic draft that asks, SKU by SKU, whether another draft has it."""
    DRAFT = "draft"
    SENT = "sent"
    PARTLY_RECEIVED = "partly-received"
    CLOSED = "closed"
    """All has come, or the shop waits for no more."""
    CANCELLED = "cancelled"


class OrderedUnits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line: units of a SKU at a cost each, in minor units of the purchase's currency."""

    sku: str
    quantity: int
    unit_cost: int
    weight_g: int = 0


class ReceivedUnits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """So many of a SKU arrived and are good; of `damaged` ones only the number is kept."""

    sku: str
    quantity: int
    damaged: int = 0


class PurchaseContent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is bought, from whom and for where. `rate_millionths` turns the currency into `cost_currency`."""

    supplier: str
    location: str
    currency: str
    lines: tuple[OrderedUnits, ...]
    charges: tuple[Charge, ...] = ()
    cost_currency: str = ""
    """What the stock's costs are in; empty: the purchase's own currency."""
    rate_millionths: int = RATE_ONE
    expected_at: Instant = 0
    note: str = ""


class DraftPurchase(Command, frozen=True):
    """Write the order down. An `automatic` one keeps only lines whose SKU is on no other automatic draft."""

    content: PurchaseContent
    automatic: bool = False
    by: str = ""


class EditPurchase(Command, frozen=True):
    """Replace what a draft says; with `if_version` only if that is the order's version."""

    content: PurchaseContent
    if_version: int | None = None
    by: str = ""


class SendPurchase(Command, frozen=True):
    """The supplier has the order: from now on its units are incoming, by `expected_at` (0: as the draft says)."""

    expected_at: Instant = 0
    by: str = ""


class ReschedulePurchase(Command, frozen=True):
    """The supplier names another day (0: nobody knows)."""

    expected_at: Instant
    by: str = ""


class ReceivePurchase(Command, frozen=True):
    """A delivery arrived; the same `receipt_id` again changes nothing. More than was ordered may come, too."""

    receipt_id: str
    lines: tuple[ReceivedUnits, ...]
    by: str = ""


class ClosePurchase(Command, frozen=True):
    """The shop waits for no more of it."""

    reason: str = ""
    by: str = ""


class CancelPurchase(Command, frozen=True):
    """Nothing has come and nothing shall."""

    reason: str = ""
    by: str = ""


class LookPurchase(Command, frozen=True):
    """Read the order."""


class PurchaseLineView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line: units ordered, received and still outstanding; its landed cost in all, in the cost currency."""

    sku: str
    quantity: int
    unit_cost: int
    weight_g: int
    received: int
    damaged: int
    outstanding: int
    landed_cost: int


class PurchaseView(Answer, frozen=True):
    """The order now; `dropped` are SKUs that another draft had already; `pending` counts bookings under way."""

    purchase_id: str
    version: int
    status: PurchaseStatus
    supplier: str
    location: str
    currency: str
    cost_currency: str
    rate_millionths: int
    lines: tuple[PurchaseLineView, ...]
    charges: tuple[Charge, ...]
    total: int
    """Lines and charges, in minor units of the currency."""
    expected_at: Instant
    automatic: bool
    drafted_at: Instant
    sent_at: Instant
    note: str
    pending: int
    dropped: tuple[str, ...] = ()
    refusals: dict[str, str] = {}
