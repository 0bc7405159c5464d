"""The catalogue: anyone looks, the admin puts."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.kernel import Rejected
from engine.price_list import Price
from engine.product import DeleteProduct, ProductView
from engine.publication import Stage
from engine.reasons import Reason

from ..answers import answer, response_of, shaped
from ..auth import ADMIN_KEY
from ..availability import shown_availability
from ..bounds import DEFAULT_PAGE, SKU_PATTERN
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..lookups import product_of, shown_product_of
from ..openapi import body_problems, header, problems
from ..placing import command_of
from ..preconditions import IfMatch, IfNoneMatch, content_tag, is_fresh, required_version, version_of, version_tag
from ..prices import shelf_price
from ..problems import ProblemError, refused
from ..product_answer import shown_product, shown_products
from ..queries import Currency, TheGroups
from ..routing import MerchantRoute, StrictRoute, TheShop, router_of
from ..schemas.catalogue import Product, ProductIn, ProductPage

router = router_of(StrictRoute, "catalogue")
admin_router = router_of(MerchantRoute, "catalogue", "admin", security=ADMIN_KEY)

SkuPath = Annotated[str, Path(pattern=SKU_PATTERN, examples=["RETRO-CLOCK"])]

_REVALIDATE = {"cache-control": "no-cache"}
_TAGGED = {"headers": {"ETag": header("Its version.")}}
_NOT_MODIFIED = {"description": "You have it already.", "headers": {"ETag": header("Its version.")}}


@router.get("/v1/products", response_model=ProductPage, responses={200: _TAGGED, 304: _NOT_MODIFIED, **problems()})
async def list_products(
    shop: TheShop,
    groups: TheGroups,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = "",
    currency: Currency = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Products in ascending order of their SKU."""
    # One more than asked for tells whether there is a next page.
    found = shop.catalogue.page(read_cursor(cursor), limit + 1)
    shown = found[:limit]
    next_cursor = cursor_after(shown[-1].sku) if len(found) > limit else None
    page = ProductPage(items=await shown_products(shop, shown, currency, groups), next_cursor=next_cursor)
    body = page.model_dump_json().encode()
    tag = content_tag(body)
    headers = {"etag": tag, **_REVALIDATE}
    if is_fresh(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if next_cursor:
        priced = f"&currency={currency}" if currency else ""
        headers["link"] = f'</v1/products?limit={limit}&cursor={next_cursor}{priced}>; rel="next"'
    return response_of(answer(200, body, headers=headers.items()))


@router.get("/v1/products/{sku}", response_model=Product, responses={200: _TAGGED, 304: _NOT_MODIFIED, **problems(404)})
async def look_product(
    sku: SkuPath, shop: TheShop, groups: TheGroups, currency: Currency = "", if_none_match: IfNoneMatch = None
) -> Response:
    """A product with price and availability."""
    product = await shown_product_of(shop, sku)
    price = shelf_price(shop, product, currency, groups)
    if price is None:
        raise ProblemError(Reason.NOT_FOUND, f"{sku} is not sold in {currency}.")
    shown = await shown_product(shop, product, price)
    # A price list may begin or end without a change of the product.
    priced = f".{price.list_id}.{price.money.amount}" if price.list_id else ""
    tag = version_tag(product.version, shown=f"{shown_availability(shown.availability)}{priced}")
    if is_fresh(if_none_match, tag):
        return Response(status_code=304, headers={"etag": tag, **_REVALIDATE})
    return shaped(shown, headers={"etag": tag, **_REVALIDATE})


@admin_router.put(
    "/v1/products/{sku}",
    response_model=Product,
    responses={
        200: _TAGGED,
        201: {"model": Product, "description": "Created.", **_TAGGED},
        **body_problems(401, 403, 412),
    },
)
async def put_product(
    sku: SkuPath, product: ProductIn, shop: TheShop, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Create the product, or replace it as a whole."""
    version = await required_version(if_match, version_of(product_of, shop, sku), if_none_match)
    was_known = shop.catalogue.product(sku) is not None
    reply = await shop.client.send("product", sku, await command_of(shop, product, version))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, ProductView)
    shown = await shown_product(shop, reply, Price(reply.price, reply.compare_at))
    headers = {"etag": version_tag(reply.version, shown=shown_availability(shown.availability))}
    first = 1 if reply.stage == Stage.PUBLISHED else 2  # Putting what isn't shown yet says so in a second event.
    if reply.version > first or was_known:
        return shaped(shown, headers=headers)
    return shaped(shown, 201, {**headers, "location": f"/v1/products/{sku}"})


@admin_router.delete("/v1/products/{sku}", status_code=204, responses=problems(401, 403, 404, 412))
async def delete_product(sku: SkuPath, shop: TheShop, if_match: IfMatch = None) -> Response:
    """Take the product out of the shop. Again: no change; it can be restored as it was."""
    version = await required_version(if_match, version_of(product_of, shop, sku))
    reply = await shop.client.send("product", sku, DeleteProduct(version))
    if isinstance(reply, Rejected):
        raise refused(reply)
    return Response(status_code=204)
