"""Products as whoever runs the shop sees them: those that aren't shown yet, or not any more, among them."""

from asyncio import gather
from typing import Annotated

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from engine.kernel import Rejected
from engine.product import ProductView, RestoreProduct
from engine.reasons import Reason

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import CURRENCY_PATTERN, DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..export import export_lines
from ..lookups import product_of
from ..openapi import header, problems
from ..preconditions import version_tag
from ..problems import ProblemError, refused
from ..product_answer import merchant_product
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.catalogue import MerchantProduct, MerchantProductPage
from .products import SkuPath

router = router_of(MerchantRoute, "catalogue", "admin", security=ADMIN_KEY)

_TAGGED = {"headers": {"ETag": header("Its version.")}}


@router.get("/v1/admin/products", response_model=MerchantProductPage, responses=problems(401, 403))
async def list_all_products(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
    """All products in ascending order of their SKU, on sale or not."""
    found = shop.catalogue.page_of_all(read_cursor(cursor), limit + 1)
    next_cursor = cursor_after(found[limit - 1].sku) if len(found) > limit else None
    items = await gather(*(merchant_product(shop, product) for product in found[:limit]))
    return shaped(MerchantProductPage.model_construct(items=items, next_cursor=next_cursor))


@router.get(
    "/v1/admin/products.csv",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems(401, 403),
    },
)
async def export_products(
    shop: TheShop,
    currency: Annotated[str, Query(pattern=CURRENCY_PATTERN, description="Of the price columns.")] = "USD",
    with_stock: Annotated[bool, Query(description="With units on hand, to be received where the file goes.")] = False,
) -> Response:
    """The whole catalogue in the columns of a Shopify product export, with pages and their variants.

    Brought in again, it changes nothing: what those columns can't say stands in a column of the shop's own.
    """
    lines = export_lines(shop, currency, with_stock=with_stock)
    headers = {"content-disposition": 'attachment; filename="products.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/v1/admin/products/{sku}", response_model=MerchantProduct, responses={200: _TAGGED, **problems(401, 403, 404)}
)
async def look_any_product(sku: SkuPath, shop: TheShop) -> Response:
    """A product, on sale or not."""
    product = await product_of(shop, sku)
    if product is None:
        raise ProblemError(Reason.NOT_FOUND)
    return shaped(await merchant_product(shop, product), headers={"etag": version_tag(product.version)})


@router.post(
    "/v1/admin/products/{sku}/restore",
    response_model=MerchantProduct,
    responses={200: _TAGGED, **problems(401, 403, 404)},
)
async def restore_product(sku: SkuPath, shop: TheShop) -> Response:
    """Undo a deletion: the product is as it was, and on sale again if it would be by now. Again: no change."""
    reply = await shop.client.send("product", sku, RestoreProduct())
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, ProductView)
    return shaped(await merchant_product(shop, reply), headers={"etag": version_tag(reply.version)})
