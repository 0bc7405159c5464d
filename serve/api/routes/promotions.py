"""Promotions and shipping methods, and the coupon codes that belong to promotions: for whoever runs the shop."""

from asyncio import gather
from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from engine.coupon import CouponView, LookCoupon, PutCoupon, normalized
from engine.customer_group import CUSTOMER_GROUP
from engine.kernel import Command
from engine.promotion import PROMOTION, SHIPPING_METHOD

from ...shop import Shop
from ...vouchers import coupon_code
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import COUPON_CODE_PATTERN, DEFAULT_PAGE, DOCUMENT_KEY_PATTERN, MAX_LABEL_LENGTH
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..documents import Resource, document_routes
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, required_version, version_of, version_tag
from ..problems import ProblemError
from ..requests import idempotency_key_of
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.promotions import (
    CustomerGroupIn,
    CustomerGroupOut,
    PromotionIn,
    PromotionOut,
    ShippingMethodIn,
    ShippingMethodOut,
)
from ..schemas.times import instant_of
from ..schemas.vouchers import Coupon, CouponIn, CouponPage, Coupons, CouponsIn
from ..sending import answered, view_of
from .orders import PurchaseKey

PROMOTIONS = Resource(
    PROMOTION,
    "promotion",
    "promotions",
    "/v1/admin/promotions",
    PromotionIn,
    PromotionOut,
    DOCUMENT_KEY_PATTERN,
    "summer",
    "promotions",
    MerchantRoute,
)
SHIPPING_METHODS = Resource(
    SHIPPING_METHOD,
    "shipping method",
    "shipping methods",
    "/v1/admin/shipping-methods",
    ShippingMethodIn,
    ShippingMethodOut,
    DOCUMENT_KEY_PATTERN,
    "post",
    "promotions",
    MerchantRoute,
)

CUSTOMER_GROUPS = Resource(
    CUSTOMER_GROUP,
    "customer group",
    "customer groups",
    "/v1/admin/customer-groups",
    CustomerGroupIn,
    CustomerGroupOut,
    DOCUMENT_KEY_PATTERN,
    "staff",
    "promotions",
    MerchantRoute,
)

promotions_router = document_routes(PROMOTIONS)
groups_router = document_routes(CUSTOMER_GROUPS)
methods_router = document_routes(SHIPPING_METHODS)
router = router_of(MerchantRoute, "promotions", "admin", security=ADMIN_KEY)

CodePath = Annotated[str, Path(pattern=COUPON_CODE_PATTERN, examples=["SUMMER-10"], description="However written.")]
PromotionFilter = Annotated[
    str, Query(max_length=MAX_LABEL_LENGTH, description="Only codes of this promotion.", examples=["summer"])
]
_TAGGED = {"headers": {"ETag": header("Its version.")}}


@router.get("/v1/admin/coupons", response_model=CouponPage, responses=problems(400, 401, 403))
async def list_coupons(
    shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "", promotion: PromotionFilter = ""
) -> Response:
    """Every code there is, with its limits and uses."""
    # One more than asked for tells whether there is a next page.
    keys = await shop.keys_after("coupon", read_cursor(cursor), limit + 1)
    views = await gather(*(shop.client.send("coupon", key, LookCoupon()) for key in keys[:limit]))
    items = [Coupon.of(view) for view in views if isinstance(view, CouponView) and promotion in ("", view.promotion_id)]
    next_cursor = cursor_after(keys[limit - 1]) if len(keys) > limit else None
    return shaped(CouponPage(items=items, next_cursor=next_cursor))


@router.get("/v1/admin/coupons/{code}", response_model=Coupon, responses={200: _TAGGED, **problems(400, 401, 403, 404)})
async def look_coupon(code: CodePath, shop: TheShop) -> Response:
    """A code with its limits and uses."""
    return _shown(await _send(shop, code, LookCoupon()))


@router.put(
    "/v1/admin/coupons/{code}",
    response_model=Coupon,
    responses={200: _TAGGED, **body_problems(401, 403, 404, 409, 412)},
)
async def put_coupon(code: CodePath, coupon: CouponIn, shop: TheShop, if_match: IfMatch = None) -> Response:
    """Create a code or change its limits. How often it was used stays."""
    _require_promotion(shop, coupon.promotion)
    current_version = version_of(view_of, shop, "coupon", normalized(code), LookCoupon(), CouponView)
    version = await required_version(if_match, current_version)
    command = PutCoupon(
        coupon.promotion,
        coupon.limit,
        coupon.customer_limit,
        instant_of(coupon.ends_at),
        coupon.enabled,
        version,
    )
    return _shown(await _send(shop, code, command))


@router.post("/v1/admin/coupons", response_model=Coupons, status_code=201, responses=body_problems(401, 403, 404, 409))
async def generate_coupons(wanted: CouponsIn, shop: TheShop, idempotency_key: PurchaseKey) -> Response:
    """Generate codes that nobody guesses. The same key generates the same codes."""
    key = idempotency_key_of(idempotency_key)
    _require_promotion(shop, wanted.promotion)
    codes = [coupon_code(shop.secret, key, number, wanted.prefix) for number in range(wanted.count)]
    command = PutCoupon(wanted.promotion, wanted.limit, wanted.customer_limit, instant_of(wanted.ends_at))
    await gather(*(_send(shop, code, command) for code in codes))
    return shaped(Coupons(codes=codes), 201)


def _require_promotion(shop: Shop, promotion_id: str) -> None:
    if shop.offers.promotion(promotion_id) is None:
        raise ProblemError("promotion-unknown", f"There is no promotion {promotion_id}.")


async def _send(shop: Shop, code: str, command: Command) -> CouponView:
    key = normalized(code)
    if not key:
        raise ProblemError("bad-request", "A code has letters or digits.")
    return await answered(shop, "coupon", key, command, CouponView)


def _shown(view: CouponView) -> Response:
    return shaped(Coupon.of(view), headers={"etag": version_tag(view.version)})
