"""Flash sales as merchants keep them: schedule, look, cancel."""

from starlette.responses import Response

from engine.flash_sale import CancelSale, LookSale, SaleView, ScheduleSale
from engine.kernel import Command, Rejected, tag_of
from engine.reasons import Reason

from ...shop import Shop
from ...tickets import seed_of
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..lookups import product_of
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, IfNoneMatch, required_version, version_tag
from ..problems import ProblemError, refused
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.sales import SaleCancelIn, SaleIn, ScheduledSale, ScheduledSaleList
from ..sending import view_of
from .sales import SalePath

router = router_of(MerchantRoute, "sales", "admin", security=ADMIN_KEY)

_TAGGED = {"headers": {"ETag": header("How often its terms were set.")}}


@router.get("/v1/admin/sales", response_model=ScheduledSaleList, responses=problems(401, 403))
async def list_scheduled_sales(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
    """All sales, in ascending order of their id."""
    found = shop.sales.page(read_cursor(cursor), limit + 1)
    next_cursor = cursor_after(found[limit - 1].key) if len(found) > limit else None
    items = [ScheduledSale.of(sale, shop.now()) for sale in found[:limit]]
    return shaped(ScheduledSaleList(items=items, next_cursor=next_cursor))


@router.get("/v1/admin/sales/{sale}", response_model=ScheduledSale, responses={200: _TAGGED, **problems(401, 403, 404)})
async def look_scheduled_sale(sale: SalePath, shop: TheShop) -> Response:
    """The sale, exactly as it is."""
    return _shown(shop, await _exact(shop, sale))


@router.put(
    "/v1/admin/sales/{sale}",
    response_model=ScheduledSale,
    responses={
        200: _TAGGED,
        201: {"model": ScheduledSale, "description": "Scheduled.", **_TAGGED},
        **body_problems(401, 403, 404, 409, 412),
    },
)
async def schedule_sale(
    sale: SalePath, terms: SaleIn, shop: TheShop, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Schedule a sale, or set other terms while it hasn't started."""

    async def revision() -> int:
        known = await _look(shop, sale)
        return known.revision if known else 0

    wanted = await required_version(if_match, revision, if_none_match)
    await _require_sellable(shop, sale, terms)
    known = await _look(shop, sale)
    await _send(shop, sale, ScheduleSale(terms.to_terms(), seed_of(shop.secret, shop.new_id()), wanted))
    return _shown(shop, await _exact(shop, sale), created=known is None)


@router.post("/v1/admin/sales/{sale}/cancel", response_model=ScheduledSale, responses=body_problems(401, 403, 404, 409))
async def cancel_sale(sale: SalePath, shop: TheShop, cancel: SaleCancelIn | None = None) -> Response:
    """Nothing more is sold at the sale's price; purchases that are under way are honoured."""
    await _send(shop, sale, CancelSale(cancel.reason if cancel else ""))
    return _shown(shop, await _exact(shop, sale))


async def _require_sellable(shop: Shop, key: str, terms: SaleIn) -> None:
    """Raises ProblemError: the product is there, in this currency, and in no other sale at that time.

    Two sales of one SKU that are scheduled in the same moment can both pass: then the one with the lower id sells.
    """
    product = await product_of(shop, tag_of(key))
    if product is None:
        raise ProblemError(Reason.NOT_FOUND, f"There is no product {tag_of(key)}.")
    if product.price.currency != terms.price.currency:
        raise refused(Rejected(Reason.CURRENCY_MISMATCH))
    wanted = terms.to_terms()
    for other in shop.sales.live.get(tag_of(key), {}).values():
        apart = other.terms.ends_at <= wanted.starts_at or wanted.ends_at <= other.terms.starts_at
        if other.key != key and not apart:
            raise refused(Rejected(Reason.SALE_OVERLAPS, {"sale": other.key}))


async def _look(shop: Shop, key: str) -> SaleView | None:
    return await view_of(shop, "flash-sale", key, LookSale(), SaleView)


async def _exact(shop: Shop, key: str) -> SaleView:
    """The sale from the sale itself; whoever changed it reads it here at once."""
    sale = await _look(shop, key)
    if sale is None:
        raise ProblemError(Reason.NOT_FOUND)
    shop.sales.put(key, sale.version, sale)
    return sale


async def _send(shop: Shop, key: str, command: Command) -> None:
    reply = await shop.client.send("flash-sale", key, command)
    if isinstance(reply, Rejected):
        raise refused(reply)


def _shown(shop: Shop, sale: SaleView, *, created: bool = False) -> Response:
    headers = {"etag": version_tag(sale.revision)}
    if created:
        return shaped(ScheduledSale.of(sale, shop.now()), 201, {**headers, "location": f"/v1/admin/sales/{sale.key}"})
    return shaped(ScheduledSale.of(sale, shop.now()), headers=headers)
