"""A purchase order's state, and how each event changes it."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..bookings import Booking
from ..kernel import Event, Instant
from ..landed_cost import CostLine, cost_of_part, landed_costs
from .events import (
    PurchaseBooked,
    PurchaseCancelled,
    PurchaseClosed,
    PurchaseDrafted,
    PurchaseEdited,
    PurchaseExpectationTold,
    PurchaseLineClaimed,
    PurchaseReceived,
    PurchaseReorderEnded,
    PurchaseRescheduled,
    PurchaseSent,
)
from .messages import PurchaseContent, PurchaseLineView, PurchaseStatus, PurchaseView

OPEN = (PurchaseStatus.SENT, PurchaseStatus.PARTLY_RECEIVED)
"""The supplier is to deliver."""


class Progress(msgspec.Struct, array_like=True, gc=False):
    """How far a line has come; `revision` counts what the stock should know, `told` what it knows."""

    received: int = 0
    damaged: int = 0
    revision: int = 0
    told: int = 0


class Purchase(msgspec.Struct, array_like=True, gc=False):
    """The state of a purchase order. Its content is frozen once it was sent."""

    key: str
    version: int = 0
    status: PurchaseStatus | None = None
    content: PurchaseContent | None = None
    drafted_as: PurchaseContent | None = None
    """The content that it was drafted with: a retry says the same."""
    progress: dict[str, Progress] = {}
    automatic: bool = False
    unclaimed: dict[str, None] = {}
    """SKUs of an automatic draft that it has yet to claim."""
    claimed: dict[str, None] = {}
    dropped: list[str] = []
    drafted_at: Instant = 0
    sent_at: Instant = 0
    receipts: dict[str, None] = {}
    pending: dict[str, Booking] = {}
    refusals: dict[str, str] = {}

    def outstanding(self, sku: str) -> int:
        """Units of the SKU that are still to come."""
        if self.status not in OPEN:
            return 0
        assert self.content is not None
        progress = self.progress[sku]
        ordered = next(line.quantity for line in self.content.lines if line.sku == sku)
        return max(0, ordered - progress.received - progress.damaged)


def landed_of(content: PurchaseContent) -> list[int]:
    """What each line costs with its share of the charges, in the cost currency."""
    lines = [CostLine(line.quantity, line.unit_cost, line.weight_g) for line in content.lines]
    return landed_costs(lines, content.charges, content.rate_millionths)


def view(purchase: Purchase) -> PurchaseView:
    """The order as the world sees it."""
    content = purchase.content
    assert content is not None, "only an order that was drafted is seen"
    assert purchase.status is not None
    lines = []
    for line, landed in zip(content.lines, landed_of(content), strict=True):
        progress, outstanding = purchase.progress[line.sku], purchase.outstanding(line.sku)
        lines.append(
            PurchaseLineView(
                line.sku,
                line.quantity,
                line.unit_cost,
                line.weight_g,
                progress.received,
                progress.damaged,
                outstanding,
                landed,
            )
        )
    return PurchaseView(
        purchase.key,
        purchase.version,
        purchase.status,
        content.supplier,
        content.location,
        content.currency,
        content.cost_currency or content.currency,
        content.rate_millionths,
        tuple(lines),
        content.charges,
        sum(line.quantity * line.unit_cost for line in content.lines) + sum(each.amount for each in content.charges),
        content.expected_at,
        purchase.automatic,
        purchase.drafted_at,
        purchase.sent_at,
        content.note,
        len(purchase.pending),
        tuple(purchase.dropped),
        dict(purchase.refusals),
    )


def _drafted(purchase: Purchase, event: PurchaseDrafted) -> None:
    purchase.automatic, purchase.drafted_at = event.automatic, event.at
    purchase.drafted_as = event.content
    _set_content(purchase, event.content)
    if event.automatic:
        purchase.unclaimed = {line.sku: None for line in event.content.lines}
    purchase.status = PurchaseStatus.CLAIMING if event.automatic else PurchaseStatus.DRAFT


def _edited(purchase: Purchase, event: PurchaseEdited) -> None:
    _set_content(purchase, event.content)


def _set_content(purchase: Purchase, content: PurchaseContent) -> None:
    purchase.content = content
    purchase.progress = {line.sku: Progress() for line in content.lines}


def _line_claimed(purchase: Purchase, event: PurchaseLineClaimed) -> None:
    assert purchase.content is not None
    del purchase.unclaimed[event.sku]
    if event.held_by:
        purchase.dropped.append(event.sku)
        lines = tuple(line for line in purchase.content.lines if line.sku != event.sku)
        purchase.content = msgspec.structs.replace(purchase.content, lines=lines)
        del purchase.progress[event.sku]
    else:
        purchase.claimed[event.sku] = None
    if not purchase.unclaimed:
        left = bool(purchase.content.lines)
        purchase.status = PurchaseStatus.DRAFT if left else PurchaseStatus.CANCELLED


def _sent(purchase: Purchase, event: PurchaseSent) -> None:
    purchase.status, purchase.sent_at = PurchaseStatus.SENT, event.at
    _expect_by(purchase, event.expected_at)


def _rescheduled(purchase: Purchase, event: PurchaseRescheduled) -> None:
    _expect_by(purchase, event.expected_at)


def _expect_by(purchase: Purchase, expected_at: Instant) -> None:
    assert purchase.content is not None
    purchase.content = msgspec.structs.replace(purchase.content, expected_at=expected_at)
    _tell_all(purchase)


def _tell_all(purchase: Purchase) -> None:
    for progress in purchase.progress.values():
        progress.revision += 1


def _received(purchase: Purchase, event: PurchaseReceived) -> None:
    content = purchase.content
    assert content is not None
    landed = {line.sku: (line.quantity, cost) for line, cost in zip(content.lines, landed_of(content), strict=True)}
    purchase.receipts[event.receipt_id] = None
    for units in event.lines:
        progress = purchase.progress[units.sku]
        if units.quantity:
            quantity, whole = landed[units.sku]
            cost = cost_of_part(whole, quantity, progress.received, units.quantity)
            booking_id = f"{purchase.key}:{units.sku}:{event.receipt_id}"
            currency = content.cost_currency or content.currency
            purchase.pending[booking_id] = Booking(units.sku, content.location, units.quantity, cost, currency)
        progress.received += units.quantity
        progress.damaged += units.damaged
        progress.revision += 1
    left = any(purchase.outstanding(sku) for sku in purchase.progress)
    purchase.status = PurchaseStatus.PARTLY_RECEIVED if left else PurchaseStatus.CLOSED


def _ended(status: PurchaseStatus) -> Callable[[Purchase, Any], None]:
    def change(purchase: Purchase, _event: Any) -> None:
        was_sent = purchase.status in OPEN
        purchase.status = status
        if was_sent:
            _tell_all(purchase)

    return change


def _booked(purchase: Purchase, event: PurchaseBooked) -> None:
    del purchase.pending[event.booking_id]
    if event.refusal:
        purchase.refusals[event.booking_id] = event.refusal


def _told(purchase: Purchase, event: PurchaseExpectationTold) -> None:
    purchase.progress[event.sku].told = event.revision


def _reorder_ended(purchase: Purchase, event: PurchaseReorderEnded) -> None:
    del purchase.claimed[event.sku]


_CHANGES: dict[type[Event], Callable[[Purchase, Any], None]] = {
    PurchaseDrafted: _drafted,
    PurchaseEdited: _edited,
    PurchaseLineClaimed: _line_claimed,
    PurchaseSent: _sent,
    PurchaseRescheduled: _rescheduled,
    PurchaseReceived: _received,
    PurchaseClosed: _ended(PurchaseStatus.CLOSED),
    PurchaseCancelled: _ended(PurchaseStatus.CANCELLED),
    PurchaseBooked: _booked,
    PurchaseExpectationTold: _told,
    PurchaseReorderEnded: _reorder_ended,
}


def apply(purchase: Purchase, event: Event) -> None:
    """Change the order as the event tells."""
    purchase.version += 1
    _CHANGES[type(event)](purchase, event)
