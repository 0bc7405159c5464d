"""Lines that an edit adds to an order: what is sold here, at the price that was named or else today's."""

from collections.abc import Sequence

from engine.cart import Line

from ..shop import Shop
from .lookups import product_unavailable, products_of
from .schemas.aftersale import AddedLineIn


async def lines_to_add(shop: Shop, given: Sequence[AddedLineIn]) -> tuple[Line, ...]:
    """The lines; raises ProblemError for a SKU that isn't sold. A bundle has no stock of its own to add from."""
    products = await products_of(shop, [line.sku for line in given])
    lines: list[Line] = []
    for index, line in enumerate(given):
        product = products[line.sku]
        if product is None or product.components:
            raise product_unavailable(line.sku, f"#/add/{index}/sku")
        price = line.price.to_engine() if line.price is not None else product.price
        lines.append(Line(line.sku, line.quantity, price, product.title))
    return tuple(lines)
