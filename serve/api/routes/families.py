"""Product families, the pages on which variants are chosen: anyone looks at those shown, the merchant puts them."""

from typing import Annotated, cast

from fastapi import Path
from starlette.responses import Response

from engine.document import DocumentView, Look, Put
from engine.family import FAMILY, FamilyPut, Variant, is_shown
from engine.kernel import Rejected
from engine.product import ProductView
from engine.reasons import Reason

from ...shop import Shop
from ..answers import shaped
from ..assortment import taxonomy_of
from ..auth import ADMIN_KEY
from ..availability import availability_of
from ..bounds import CATALOGUE_KEY_PATTERN, DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..documents import Resource, document_routes
from ..lookups import products_of
from ..openapi import body_problems, header, problems
from ..prices import shelf_price
from ..problems import ProblemError, refused
from ..queries import Currency, TheGroups
from ..routing import MerchantRoute, StrictRoute, TheShop, router_of
from ..schemas.assortment import (
    Family,
    FamilyIn,
    FamilyPage,
    FamilyRename,
    FamilyVariant,
    MerchantFamily,
    OptionIn,
    crumbs,
)
from ..schemas.catalogue import compare_at_of
from ..schemas.common import Money

FAMILIES = Resource(
    FAMILY,
    "family",
    "all families",
    "/v1/admin/families",
    FamilyIn,
    MerchantFamily,
    CATALOGUE_KEY_PATTERN,
    "retro-clock",
    "catalogue",
)

router = router_of(StrictRoute, "catalogue")
admin_router = document_routes(FAMILIES)
rename_router = router_of(MerchantRoute, "catalogue", "admin", security=ADMIN_KEY)

HandlePath = Annotated[str, Path(pattern=CATALOGUE_KEY_PATTERN, examples=["retro-clock"])]
_MOVED = {"description": "It has another handle by now.", "headers": {"Location": header("Where it is.")}}


@router.get("/v1/families", response_model=FamilyPage, responses=problems())
async def list_families(
    shop: TheShop, groups: TheGroups, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "", currency: Currency = ""
) -> Response:
    """Product pages in ascending order of their handle. A page may be short of `limit` before the end."""
    views = shop.tables[FAMILY].page(read_cursor(cursor), limit + 1)
    shown = [await _shown(shop, view.key, view.content, currency, groups) for view in views[:limit]]
    next_cursor = cursor_after(views[limit - 1].key) if len(views) > limit else None
    return shaped(FamilyPage.model_construct(items=[one for one in shown if one], next_cursor=next_cursor))


@router.get("/v1/families/{handle}", response_model=Family, responses={308: _MOVED, **problems(404)})
async def show_family(handle: HandlePath, shop: TheShop, groups: TheGroups, currency: Currency = "") -> Response:
    """A product page with the variants that are on sale. An old handle leads to the new one."""
    family: FamilyPut | None = shop.tables[FAMILY].get(handle)
    if family is not None and family.moved_to:
        query = f"?currency={currency}" if currency else ""
        return Response(status_code=308, headers={"location": f"/v1/families/{family.moved_to}{query}"})
    shown = await _shown(shop, handle, family, currency, groups)
    if shown is None:
        raise ProblemError(Reason.NOT_FOUND)
    return shaped(shown)


@rename_router.post(
    "/v1/admin/families/{handle}/rename",
    response_model=MerchantFamily,
    responses=body_problems(401, 403, 404, 409, 412),
)
async def rename_family(handle: HandlePath, rename: FamilyRename, shop: TheShop) -> Response:
    """Give the page another handle; the old one leads there. Again: no change.

    The new page is there before the old one leads to it: whoever is interrupted between the two asks again.
    """
    old = await _look(shop, handle)
    if old.content is None:
        raise ProblemError(Reason.NOT_FOUND)
    if old.content.moved_to == rename.to:
        return shaped(MerchantFamily.of(rename.to, *_version_and_content(await _look(shop, rename.to))))
    new = await _put(shop, rename.to, Put(old.content, 0))
    leads_there = FamilyPut(old.content.title, moved_to=rename.to)
    await _put(shop, handle, Put(leads_there, old.version))
    return shaped(MerchantFamily.of(rename.to, *_version_and_content(new)))


async def _shown(
    shop: Shop, handle: str, family: FamilyPut | None, currency: str, groups: tuple[str, ...]
) -> Family | None:
    """The page as shoppers see it; None without one, or with nothing on sale on it."""
    if family is None or family.moved_to or not is_shown(family, shop.now()):
        return None
    products = await products_of(shop, [variant.sku for variant in family.variants])
    variants = [
        shown
        for variant in family.variants
        if (product := products[variant.sku])
        and (shown := await _variant(shop, family, variant, product, currency, groups))
    ]
    if not variants:
        return None
    tree = taxonomy_of(shop)
    return Family.model_construct(
        handle=handle,
        title=family.title,
        description=family.description,
        vendor=family.vendor,
        categories=list(family.categories),
        breadcrumbs=crumbs(next((path for id in family.categories if (path := tree.path_to(id))), [])),
        tags=list(family.tags),
        images=list(family.images),
        image_alts=list(family.image_alts),
        seo_title=family.seo_title,
        seo_description=family.seo_description,
        options=[OptionIn.model_construct(name=one.name, values=list(one.values)) for one in family.options],
        variants=variants,
    )


async def _variant(
    shop: Shop, family: FamilyPut, variant: Variant, product: ProductView, currency: str, groups: tuple[str, ...]
) -> FamilyVariant | None:
    price = shelf_price(shop, product, currency, groups)
    if price is None:
        return None
    return FamilyVariant.model_construct(
        sku=product.sku,
        title=product.title,
        options={option.name: value for option, value in zip(family.options, variant.values, strict=True)},
        price=Money.of(price.money),
        compare_at_price=compare_at_of(price),
        images=list(product.images),
        availability=await availability_of(shop, product),
    )


async def _look(shop: Shop, handle: str) -> DocumentView[FamilyPut]:
    reply = await shop.client.send(FAMILY.name, handle, Look())
    if isinstance(reply, Rejected):
        raise refused(reply)
    return cast("DocumentView[FamilyPut]", reply)


async def _put(shop: Shop, handle: str, put: Put[FamilyPut]) -> DocumentView[FamilyPut]:
    reply = await shop.client.send(FAMILY.name, handle, put)
    if isinstance(reply, Rejected):
        raise refused(reply)
    view = cast("DocumentView[FamilyPut]", reply)
    shop.tables[FAMILY].put(handle, view.version, view)
    return view


def _version_and_content(view: DocumentView[FamilyPut]) -> tuple[int, FamilyPut]:
    assert view.content is not None
    return view.version, view.content
