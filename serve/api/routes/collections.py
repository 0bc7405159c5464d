"""Collections: anyone looks at those that are shown, the merchant puts them."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.collection import COLLECTION, CollectionPut, is_shown
from engine.reasons import Reason

from ...shop import Shop
from ..answers import shaped
from ..assortment import in_collection
from ..bounds import CATALOGUE_KEY_PATTERN, DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..documents import Resource, document_routes
from ..openapi import problems
from ..problems import ProblemError
from ..product_answer import shown_products
from ..queries import Currency, TheGroups
from ..routing import StrictRoute, TheShop, router_of
from ..schemas.assortment import Collection, CollectionIn, CollectionPage, MerchantCollection
from ..schemas.catalogue import ProductPage

COLLECTIONS = Resource(
    COLLECTION,
    "collection",
    "all collections",
    "/v1/admin/collections",
    CollectionIn,
    MerchantCollection,
    CATALOGUE_KEY_PATTERN,
    "retro",
    "catalogue",
)

router = router_of(StrictRoute, "catalogue")
admin_router = document_routes(COLLECTIONS)

HandlePath = Annotated[str, Path(pattern=CATALOGUE_KEY_PATTERN, examples=["retro"])]


@router.get("/v1/collections", response_model=CollectionPage, responses=problems())
async def list_collections(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
    """Collections in ascending order of their handle."""
    views = shop.tables[COLLECTION].page(read_cursor(cursor), limit + 1)
    now = shop.now()
    items = [
        Collection.of(view.key, view.content) for view in views[:limit] if view.content and is_shown(view.content, now)
    ]
    next_cursor = cursor_after(views[limit - 1].key) if len(views) > limit else None
    return shaped(CollectionPage.model_construct(items=items, next_cursor=next_cursor))


@router.get("/v1/collections/{handle}", response_model=Collection, responses=problems(404))
async def show_collection(handle: HandlePath, shop: TheShop) -> Response:
    """A collection; its products are a page of their own."""
    return shaped(Collection.of(handle, _shown(shop, handle)))


@router.get("/v1/collections/{handle}/products", response_model=ProductPage, responses=problems(404))
async def list_products_of_collection(
    handle: HandlePath,
    shop: TheShop,
    groups: TheGroups,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = "",
    currency: Currency = "",
) -> Response:
    """Products of the collection: picked ones in the merchant's order, others by their SKU.

    A page may be short of `limit` before the end: `next_cursor` tells whether there is more.
    """
    found = in_collection(shop, _shown(shop, handle), read_cursor(cursor), limit)
    next_cursor = cursor_after(found.after) if found.after is not None else None
    return shaped(
        ProductPage(items=await shown_products(shop, found.products, currency, groups), next_cursor=next_cursor)
    )


def _shown(shop: Shop, handle: str) -> CollectionPut:
    collection: CollectionPut | None = shop.tables[COLLECTION].get(handle)
    if collection is None or not is_shown(collection, shop.now()):
        raise ProblemError(Reason.NOT_FOUND)
    return collection
