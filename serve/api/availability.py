"""What can be bought now of a product, and everything else that is said about when it can be had: one place for it."""

from engine.product import ProductView

from ..shop import Shop
from .bundles import available_of
from .schemas.catalogue import Availability


async def availability_of(shop: Shop, product: ProductView) -> Availability:
    """As far as is known here, at most a second old."""
    available = await available_of(shop, product)
    return Availability.model_construct(in_stock=available > 0, available=available)
