"""Bundles: a SKU that is made of others has no stock of its own; what is reserved for it is its components' stock.

One level deep: a component's own stock is taken, whatever that SKU consists of. So no ring of bundles can do harm, and
nobody has to decide that there is none.
"""

from collections.abc import Iterable, Mapping

from engine.cart import Line
from engine.order import Units
from engine.product import ProductView
from engine.stock import DEFAULT_LOCATION

from ..shop import Shop
from .allocation import available_anywhere


def units_of(lines: Iterable[Line], products: Mapping[str, ProductView | None]) -> tuple[Units, ...]:
    """What the lines take from which stock, for an order with a bundle in it. Empty without: each line is its stock."""
    lines = tuple(lines)
    if not any(product.components for product in products.values() if product is not None):
        return ()
    needed: dict[tuple[int, str], int] = {}
    indexes: dict[str, int] = {}
    for line in lines:
        product = products[line.sku]
        assert product is not None, "only what is sold has lines"
        # Lines of one SKU become one line of the order, where the first of them stands.
        index = indexes.setdefault(line.sku, len(indexes))
        for sku, quantity in parts_of(product):
            needed[index, sku] = needed.get((index, sku), 0) + quantity * line.quantity
    return tuple(Units(sku, DEFAULT_LOCATION, quantity, index) for (index, sku), quantity in needed.items())


def parts_of(product: ProductView) -> tuple[tuple[str, int], ...]:
    """(SKU, units) of the stock that one of the product takes: its own, unless it is a bundle."""
    if not product.components:
        return ((product.sku, 1),)
    return tuple((component.sku, component.quantity) for component in product.components)


async def available_of(shop: Shop, product: ProductView) -> int:
    """Units that can be bought now, as far as is known here: of a bundle, as many as its scarcest component allows."""
    if not product.components:
        return await available_anywhere(shop, product.sku)
    return min([await available_anywhere(shop, part.sku) // part.quantity for part in product.components])
