"""The whole catalogue as a product export, group by group: pages with their variants first, then what stands alone."""

from asyncio import sleep
from collections.abc import AsyncIterator, Iterator, Sequence

from engine.family import FAMILY, FamilyPut
from engine.product import ProductView

from ..assortment import Pages
from ..shop import Shop
from ..shopify_csv.writing import Page, Sellable, family_fields, group_lines, header, product_fields
from .assortment import taxonomy_of
from .lookups import exact_stock_of
from .schemas.times import shown_instant

AT_ONCE = 100
"""Products, or pages, between two pauses for whoever buys meanwhile."""


async def export_lines(shop: Shop, currency: str, *, with_stock: bool) -> AsyncIterator[str]:
    """The file, a group of rows at a time. What is deleted isn't in it."""
    yield header()
    async for handle, family, products in _groups(shop):
        sellable = [await _sellable(shop, product, with_stock=with_stock) for product in products]
        page = Page(handle, family_fields(family, shown_instant)) if family else None
        yield group_lines(handle, page, sellable, currency)


async def _groups(shop: Shop) -> AsyncIterator[tuple[str, FamilyPut | None, Sequence[ProductView]]]:
    pages = shop.tables[FAMILY].follower(Pages)
    after, last = "", ""
    while views := shop.tables[FAMILY].page(after, AT_ONCE):
        after = views[-1].key
        for view in views:
            if view.content is None or view.content.moved_to:
                continue
            # A SKU on several pages is a variant of the first: twice in a file it would be an error.
            mine = [one.sku for one in view.content.variants if (page := pages.of(one.sku)) and page[0] == view.key]
            products = [found for sku in mine if (found := shop.catalogue.product(sku)) and not found.deleted]
            if products:
                last = view.key
                yield view.key, view.content, products
        await sleep(0)
    async for product in _alone(shop, pages):
        # Two groups of one handle in a row would read as one.
        last = next(handle for handle in _handles_of(product) if handle != last)
        yield last, None, [product]


async def _alone(shop: Shop, pages: Pages) -> AsyncIterator[ProductView]:
    """Products that are on no page."""
    after = ""
    while products := shop.catalogue.page_of_all(after, AT_ONCE):
        after = products[-1].sku
        for product in products:
            if not product.deleted and not pages.of(product.sku):
                yield product
        await sleep(0)


def _handles_of(product: ProductView) -> Iterator[str]:
    handle = product.attributes.get("handle")
    if isinstance(handle, str) and handle == handle.strip() != "":
        yield handle
    yield from (product.sku, f"{product.sku}-1")


async def _sellable(shop: Shop, product: ProductView, *, with_stock: bool) -> Sellable:
    quantity = (await exact_stock_of(shop, product.sku)).on_hand if with_stock else None
    return Sellable(product.sku, product_fields(product, taxonomy_of(shop), shown_instant), quantity)
