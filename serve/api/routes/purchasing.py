"""Suppliers, purchase orders and reordering: for the merchant."""

from starlette.responses import Response

from engine.kernel import Command
from engine.purchase import (
    PURCHASE,
    CancelPurchase,
    ClosePurchase,
    DraftPurchase,
    EditPurchase,
    LookPurchase,
    PurchaseView,
    ReceivePurchase,
    ReschedulePurchase,
    SendPurchase,
)
from engine.reasons import Reason
from engine.supplier import SUPPLIER, SUPPLY

from ...replenishment import Wish, draft, propose
from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE, LOCATION_PATTERN, SUPPLY_PATTERN
from ..cursors import Cursor, Limit
from ..documents import Resource, document_routes
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, required_version, version_of, version_tag
from ..problems import ProblemError
from ..processes import ProcessPath, StatusFilter, carry, looked_at, new_process_id, page_of
from ..routing import MerchantRoute, ThePrincipal, TheShop, router_of
from ..schemas.purchasing import (
    Purchase,
    PurchaseIn,
    PurchasePage,
    PurchaseReceiptIn,
    ReasonIn,
    Reordered,
    ReorderIn,
    ReorderLine,
    RescheduleIn,
    SendIn,
    SupplierIn,
    SupplierOut,
    SupplyIn,
    SupplyOut,
)
from ..schemas.times import instant_of
from .stock import OptionalKey, receipt_of, require_location, require_stock

suppliers_router = document_routes(
    Resource(
        SUPPLIER,
        "supplier",
        "suppliers",
        "/v1/admin/suppliers",
        SupplierIn,
        SupplierOut,
        LOCATION_PATTERN,
        "acme",
        "purchasing",
        MerchantRoute,
    )
)
supplies_router = document_routes(
    Resource(
        SUPPLY,
        "supply",
        "supplies",
        "/v1/admin/supplies",
        SupplyIn,
        SupplyOut,
        SUPPLY_PATTERN,
        "RETRO-CLOCK@acme",
        "purchasing",
        MerchantRoute,
    )
)
router = router_of(MerchantRoute, "purchasing", "admin", security=ADMIN_KEY)

_TAGGED = {"headers": {"ETag": header("Its version.")}}


@router.post(
    "/v1/admin/purchases",
    response_model=Purchase,
    status_code=201,
    responses={201: _TAGGED, **body_problems(401, 403, 404, 409)},
)
async def draft_purchase(
    purchase: PurchaseIn, shop: TheShop, principal: ThePrincipal, idempotency_key: OptionalKey = None
) -> Response:
    """Write an order to a supplier down; nothing is expected before it is sent."""
    await _require_all(shop, purchase)
    key = new_process_id(shop, "po", idempotency_key)
    return await _carried(shop, key, DraftPurchase(purchase.to_engine(), by=principal.actor), 201)


@router.get("/v1/admin/purchases", response_model=PurchasePage, responses=problems(401, 403))
async def list_purchases(
    shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "", status: StatusFilter = ""
) -> Response:
    """Purchase orders, newest first."""
    return page_of(shop, PURCHASE, PurchasePage, Purchase.of, limit, cursor, status)


@router.get("/v1/admin/purchases/{key}", response_model=Purchase, responses={200: _TAGGED, **problems(401, 403, 404)})
async def look_purchase(key: ProcessPath, shop: TheShop) -> Response:
    """A purchase order as it is now."""
    return _shown(await looked_at(shop, PURCHASE, key, LookPurchase(), PurchaseView))


@router.put(
    "/v1/admin/purchases/{key}",
    response_model=Purchase,
    responses={200: _TAGGED, **body_problems(401, 403, 404, 409, 412)},
)
async def edit_purchase(
    key: ProcessPath, purchase: PurchaseIn, shop: TheShop, principal: ThePrincipal, if_match: IfMatch = None
) -> Response:
    """Replace what a draft says. Supplier and location stay."""
    await _require_all(shop, purchase)
    version = await required_version(if_match, version_of(looked_at, shop, PURCHASE, key, LookPurchase(), PurchaseView))
    return await _carried(shop, key, EditPurchase(purchase.to_engine(), version, principal.actor))


@router.post("/v1/admin/purchases/{key}/send", response_model=Purchase, responses=body_problems(401, 403, 404, 409))
async def send_purchase(
    key: ProcessPath, shop: TheShop, principal: ThePrincipal, send: SendIn | None = None
) -> Response:
    """The supplier has it: its units are incoming from now on."""
    expected_at = instant_of(send.expected_at) if send else 0
    return await _carried(shop, key, SendPurchase(expected_at, principal.actor))


@router.post(
    "/v1/admin/purchases/{key}/reschedule", response_model=Purchase, responses=body_problems(401, 403, 404, 409)
)
async def reschedule_purchase(key: ProcessPath, when: RescheduleIn, shop: TheShop, principal: ThePrincipal) -> Response:
    """The supplier names another day; products that are sold out show it."""
    return await _carried(shop, key, ReschedulePurchase(instant_of(when.expected_at), principal.actor))


@router.post(
    "/v1/admin/purchases/{key}/receipts",
    response_model=Purchase,
    status_code=201,
    responses=body_problems(401, 403, 404, 409),
)
async def receive_purchase(
    key: ProcessPath,
    receipt: PurchaseReceiptIn,
    shop: TheShop,
    principal: ThePrincipal,
    idempotency_key: OptionalKey = None,
) -> Response:
    """Book a delivery in, with its landed cost."""
    receipt_id = receipt_of(shop, key, idempotency_key)
    return await _carried(shop, key, ReceivePurchase(receipt_id, receipt.units, principal.actor), 201)


@router.post("/v1/admin/purchases/{key}/close", response_model=Purchase, responses=body_problems(401, 403, 404, 409))
async def close_purchase(
    key: ProcessPath, shop: TheShop, principal: ThePrincipal, reason: ReasonIn | None = None
) -> Response:
    """Wait for no more of it."""
    return await _carried(shop, key, ClosePurchase(reason.reason if reason else "", principal.actor))


@router.post("/v1/admin/purchases/{key}/cancel", response_model=Purchase, responses=body_problems(401, 403, 404, 409))
async def cancel_purchase(
    key: ProcessPath, shop: TheShop, principal: ThePrincipal, reason: ReasonIn | None = None
) -> Response:
    """Nothing has come, and nothing shall."""
    return await _carried(shop, key, CancelPurchase(reason.reason if reason else "", principal.actor))


@router.post("/v1/admin/reorder", response_model=Reordered, responses=body_problems(401, 403, 404))
async def reorder(shop: TheShop, principal: ThePrincipal, wish: ReorderIn | None = None) -> Response:
    """Draft what should be bought now. Again: nothing more, while a SKU's draft is open."""
    wish = wish or ReorderIn()
    require_location(shop, wish.location)
    if wish.supplier is not None:
        _require_supplier(shop, wish.supplier)
    engine_wish = Wish(wish.location, wish.supplier or "", wish.service_level, wish.window_days, wish.coverage_days)
    proposals = await propose(shop, engine_wish)
    drafts = [] if wish.dry_run else await draft(shop, engine_wish, proposals, principal.actor)
    lines = [
        ReorderLine(
            sku=each.sku,
            supplier=each.supplier,
            demand_per_day=round(each.demand.mean, 3),
            demand_deviation=round(each.demand.deviation, 3),
            lead_time_days=each.lead.days,
            safety_stock=each.safety_stock,
            reorder_point=each.point,
            position=each.position,
            quantity=each.quantity,
        )
        for each in proposals
    ]
    return shaped(Reordered(lines=lines, drafts=[Purchase.of(each) for each in drafts]))


async def _carried(shop: Shop, key: str, command: Command, status: int = 200) -> Response:
    return _shown(await carry(shop, PURCHASE, key, command, PurchaseView), status)


def _shown(view: PurchaseView, status: int = 200) -> Response:
    return shaped(Purchase.of(view), status, {"etag": version_tag(view.version)})


async def _require_all(shop: Shop, purchase: PurchaseIn) -> None:
    _require_supplier(shop, purchase.supplier)
    require_location(shop, purchase.location)
    for line in purchase.lines:
        await require_stock(shop, line.sku)


def _require_supplier(shop: Shop, supplier: str) -> None:
    if shop.tables[SUPPLIER].view(supplier) is None:
        raise ProblemError(Reason.NOT_FOUND, f"There is no supplier {supplier}.")
