"""What can be bought now of a product, and everything else that is said about when it can be had: one place for it."""

from engine.product import ProductView

from ..shop import Shop
from .allocation import available_anywhere, expected_at_of
from .bundles import available_of
from .lookups import NO_STOCK, stock_of
from .schemas.catalogue import Availability
from .schemas.times import shown_instant


async def availability_of(shop: Shop, product: ProductView) -> Availability:
    """As far as is known here, at most a second old."""
    available = await available_of(shop, product)
    # Only of what is sold out is the next delivery worth a word; a bundle waits for its last component.
    expected_at = 0 if available else await _expected_at(shop, product)
    stock = NO_STOCK if available or product.components else await stock_of(shop, product.sku)
    return Availability.model_construct(
        in_stock=available > 0,
        available=available,
        expected_at=shown_instant(expected_at),
        backorder=stock.backorderable,
        ships_from=shown_instant(stock.available_from) if stock.backorderable else None,
    )


async def _expected_at(shop: Shop, product: ProductView) -> int:
    if not product.components:
        return await expected_at_of(shop, product.sku)
    dates = [
        await expected_at_of(shop, part.sku)
        for part in product.components
        if await available_anywhere(shop, part.sku) < part.quantity
    ]
    return max(dates) if dates and all(dates) else 0


def shown_availability(availability: Availability) -> str:
    """What a product's tag says of it: another availability is another representation."""
    expected = f".{availability.expected_at}" if availability.expected_at else ""
    promised = f".{availability.backorder}.{availability.ships_from}" if availability.backorder else ""
    return f"{availability.available}{expected}{promised}"
