"""Reading entities: from the catalogue in memory where it knows, from the entity itself where it doesn't."""

from asyncio import gather
from collections.abc import Iterable

from engine.kernel import Rejected
from engine.order import LookOrder, OrderView
from engine.product import LookProduct, ProductView
from engine.reasons import Reason
from engine.stock import DEFAULT_LOCATION, LookStock, StockView, stock_key

from ..shop import Shop
from .problems import ProblemError
from .sending import view_of

NO_STOCK = StockView(0, 0, 0, 0, 0, 0, 0)


async def product_of(shop: Shop, sku: str) -> ProductView | None:
    """The product, if there is one, be it on sale or not."""
    if (known := shop.catalogue.product(sku)) is not None:
        return known
    return await view_of(shop, "product", sku, LookProduct(), ProductView)


async def products_of(shop: Shop, skus: Iterable[str]) -> dict[str, ProductView | None]:
    """The products of several SKUs; None for what is unknown, or not on sale now."""
    found = {sku: shop.catalogue.product(sku) for sku in skus}
    if missing := [sku for sku, product in found.items() if product is None]:
        found.update(zip(missing, await gather(*(product_of(shop, sku) for sku in missing)), strict=True))
    for sku, product in found.items():
        if product is not None and not product.visible:
            found[sku] = None
    return found


async def shown_product_of(shop: Shop, sku: str) -> ProductView:
    """The product as shoppers see it; raises ProblemError where there is none for them."""
    product = await product_of(shop, sku)
    if product is None or not product.visible:
        raise ProblemError(Reason.NOT_FOUND)
    return product


async def sold_product_of(shop: Shop, sku: str, pointer: str = "") -> ProductView:
    """The product of a line; raises ProblemError if it isn't sold here."""
    product = await product_of(shop, sku)
    if product is None or not product.visible:
        raise product_unavailable(sku, pointer)
    return product


def product_unavailable(sku: str, pointer: str = "", detail: str = "") -> ProblemError:
    """422, not 409: the request names what this shop doesn't sell, and sending it again won't help."""
    detail = detail or f"{sku} is not sold here."
    errors = [{"in": "body", "pointer": pointer, "detail": detail}]
    return ProblemError(Reason.PRODUCT_UNAVAILABLE, detail, {"errors": errors} if pointer else None)


async def stock_of(shop: Shop, sku: str, location: str = DEFAULT_LOCATION) -> StockView:
    """The quantities as hosts last told them, up to a second old: whoever only looks must not queue at the stock."""
    known = shop.catalogue.stock(sku) if location == DEFAULT_LOCATION else shop.catalogue.stock_at(sku, location)
    if known is not None:
        return known
    asked = await exact_stock_of(shop, sku, location)
    shop.catalogue.put_stock(stock_key(sku, location), asked.version, asked)
    return asked


async def exact_stock_of(shop: Shop, sku: str, location: str = DEFAULT_LOCATION) -> StockView:
    """The quantities from the stock itself."""
    return await view_of(shop, "stock", stock_key(sku, location), LookStock(), StockView) or NO_STOCK


async def order_of(shop: Shop, order_id: str) -> OrderView | None:
    """The order as it is now, if it was ever placed."""
    reply = await shop.client.send("order", order_id, LookOrder())
    if isinstance(reply, Rejected):
        return None
    assert isinstance(reply, OrderView)
    return reply
