"""A product as an answer: its price for whoever asks, what can be bought of it, and where it stands in the shop."""

from asyncio import gather
from collections.abc import Iterable

from engine.family import FAMILY, FamilyPut
from engine.price_list import Price
from engine.product import ProductView

from ..assortment import Pages
from ..shop import Shop
from .assortment import taxonomy_of
from .availability import availability_of
from .prices import shelf_price
from .schemas.catalogue import Crumb, MerchantProduct, Place, Product, ProductFamily


async def shown_product(shop: Shop, product: ProductView, price: Price) -> Product:
    """The product as shoppers see it."""
    return Product.of(product, price, await availability_of(shop, product), place_of(shop, product))


async def shown_products(
    shop: Shop, products: Iterable[ProductView], currency: str, groups: tuple[str, ...]
) -> list[Product]:
    """Those that are sold in the currency, at the prices of these groups of customers."""
    priced = [(product, price) for product in products if (price := shelf_price(shop, product, currency, groups))]
    return list(await gather(*(shown_product(shop, product, price) for product, price in priced)))


async def merchant_product(shop: Shop, product: ProductView) -> MerchantProduct:
    """The product as whoever runs the shop sees it, at its own price."""
    price = Price(product.price, product.compare_at)
    return MerchantProduct.of(product, price, await availability_of(shop, product), place_of(shop, product))


def place_of(shop: Shop, product: ProductView) -> Place:
    """The page that the product is a variant on, and the ways to its categories."""
    tree = taxonomy_of(shop)
    paths = [path for id in product.categories if (path := tree.path_to(id))]
    return Place(
        _family_of(shop, product.sku),
        [[Crumb.model_construct(id=step.id, name=step.name) for step in path] for path in paths],
    )


def _family_of(shop: Shop, sku: str) -> ProductFamily | None:
    page = shop.tables[FAMILY].follower(Pages).of(sku)
    if page is None:
        return None
    handle, variant = page
    family: FamilyPut | None = shop.tables[FAMILY].get(handle)
    assert family is not None, "its page is a document"
    options = {option.name: value for option, value in zip(family.options, variant.values, strict=True)}
    return ProductFamily.model_construct(handle=handle, title=family.title, options=options)
