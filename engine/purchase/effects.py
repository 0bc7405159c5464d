"""What a purchase order waits for: claims of an automatic draft, bookings, and what the stock may expect."""

from collections.abc import Iterator

from ..bookings import booking_effects
from ..incoming import Expect
from ..kernel import Answer, Effect, Send
from ..reorder import ClaimReorder, EndReorder
from ..stock import stock_key
from .messages import PurchaseStatus
from .state import Purchase, view


def effects(purchase: Purchase) -> Iterator[Effect]:
    """Everything at once: nothing here has to wait for anything else, but for what `_unclaims` says."""
    if purchase.content is None:
        return
    location, expected_at = purchase.content.location, purchase.content.expected_at
    for sku in purchase.unclaimed:
        yield Send(f"claim:{sku}", "reorder", stock_key(sku, location), ClaimReorder(purchase.key))
    yield from booking_effects(purchase.pending, "purchase", purchase.key)
    for sku, progress in purchase.progress.items():
        if progress.told < progress.revision:
            expect = Expect(f"{purchase.key}:{sku}", progress.revision, purchase.outstanding(sku), expected_at)
            yield Send(f"expect:{sku}:{progress.revision}", "stock", stock_key(sku, location), expect)
    if purchase.claimed and purchase.status not in (PurchaseStatus.CLAIMING, PurchaseStatus.DRAFT):
        yield from _unclaims(purchase, location)


def _unclaims(purchase: Purchase, location: str) -> Iterator[Effect]:
    """A SKU is free for another draft once the stock counts this order's units as incoming: never both, never none."""
    for sku in purchase.claimed:
        progress = purchase.progress.get(sku)
        if progress is None or progress.told == progress.revision:
            yield Send(f"unclaim:{sku}", "reorder", stock_key(sku, location), EndReorder(purchase.key))


def settled(purchase: Purchase) -> Answer | None:
    """The order once it knows which of its lines it may have."""
    return None if purchase.status in (None, PurchaseStatus.CLAIMING) else view(purchase)
