"""Products as whoever runs the shop sees them: those that aren't shown yet, or not any more, among them."""

from asyncio import gather

from starlette.responses import Response

from engine.kernel import Rejected
from engine.product import ProductView, RestoreProduct
from engine.reasons import Reason

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
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
