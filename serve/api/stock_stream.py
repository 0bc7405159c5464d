"""What a stream of stock tells of a SKU: what its product's page says of it, and no more."""

from ..live.stock import Shown
from ..shop import Shop
from .availability import availability_of
from .lookups import product_of
from .schemas.catalogue import StockState


async def shown_stock(shop: Shop, sku: str) -> Shown:
    """What can be bought now of what is shown. Raises `Unavailable`."""
    product = await product_of(shop, sku)
    if product is None or not product.visible:
        return Shown(None)
    available = await availability_of(shop, product)
    state = StockState.model_construct(sku=sku, **available.__dict__)
    return Shown(state.model_dump_json(), [part.sku for part in product.components])
