"""Locations, transfers between them, and cycle counts: for the merchant."""

from asyncio import gather

from starlette.responses import Response

from engine.count import COUNT, ApproveCount, CancelCount, CountView, LookCount, OpenCount, RecordCount
from engine.location import DEFAULT_LOCATION, LOCATION
from engine.transfer import (
    TRANSFER,
    CloseTransfer,
    LookTransfer,
    ReceiveTransfer,
    StartTransfer,
    TransferView,
)

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE, LOCATION_PATTERN
from ..cursors import Cursor, Limit
from ..documents import Resource, document_routes
from ..lookups import exact_stock_of
from ..openapi import body_problems, problems
from ..processes import ProcessPath, StatusFilter, carry, looked_at, new_process_id, page_of
from ..routing import MerchantRoute, ThePrincipal, TheShop, router_of
from ..schemas.inventory import (
    ApprovalIn,
    Count,
    CountedIn,
    CountIn,
    CountPage,
    LocationIn,
    LocationOut,
    StockOverview,
    Transfer,
    TransferCloseIn,
    TransferIn,
    TransferPage,
    TransferReceiptIn,
)
from ..schemas.times import instant_of
from .products import SkuPath
from .stock import OptionalKey, receipt_of, require_location, require_stock

locations_router = document_routes(
    Resource(
        LOCATION,
        "location",
        "locations",
        "/v1/admin/locations",
        LocationIn,
        LocationOut,
        LOCATION_PATTERN,
        "north",
        "stock",
        MerchantRoute,
    )
)
router = router_of(MerchantRoute, "stock", "admin", security=ADMIN_KEY)


@router.get("/v1/admin/stock/{sku}", response_model=StockOverview, responses=problems(401, 403, 404))
async def look_stock_everywhere(sku: SkuPath, shop: TheShop) -> Response:
    """A SKU's stock at every location, exactly as it is, with what a unit cost on average."""
    await require_stock(shop, sku)
    places = sorted({DEFAULT_LOCATION, *(key for key, _ in shop.tables[LOCATION].items())})
    stocks = await gather(*(exact_stock_of(shop, sku, place) for place in places))
    return shaped(StockOverview.of(sku, dict(zip(places, stocks, strict=True))))


@router.post(
    "/v1/admin/transfers", response_model=Transfer, status_code=201, responses=body_problems(401, 403, 404, 409)
)
async def start_transfer(
    transfer: TransferIn, shop: TheShop, principal: ThePrincipal, idempotency_key: OptionalKey = None
) -> Response:
    """Send units on their way. A line of which the source has too few stays there: its `sent` is 0."""
    require_location(shop, transfer.source)
    require_location(shop, transfer.destination)
    for line in transfer.lines:
        await require_stock(shop, line.sku)
    command = StartTransfer(
        transfer.source,
        transfer.destination,
        tuple(line.to_engine() for line in transfer.lines),
        instant_of(transfer.expected_at),
        transfer.note,
        principal.actor,
    )
    key = new_process_id(shop, "trf", idempotency_key)
    return shaped(Transfer.of(await carry(shop, TRANSFER, key, command, TransferView)), 201)


@router.get("/v1/admin/transfers", response_model=TransferPage, responses=problems(401, 403))
async def list_transfers(
    shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "", status: StatusFilter = ""
) -> Response:
    """Transfers, newest first."""
    return page_of(shop, TRANSFER, TransferPage, Transfer.of, limit, cursor, status)


@router.get("/v1/admin/transfers/{key}", response_model=Transfer, responses=problems(401, 403, 404))
async def look_transfer(key: ProcessPath, shop: TheShop) -> Response:
    """A transfer as it is now."""
    return shaped(Transfer.of(await looked_at(shop, TRANSFER, key, LookTransfer(), TransferView)))


@router.post(
    "/v1/admin/transfers/{key}/receipts",
    response_model=Transfer,
    status_code=201,
    responses=body_problems(401, 403, 404, 409),
)
async def receive_transfer(
    key: ProcessPath,
    receipt: TransferReceiptIn,
    shop: TheShop,
    principal: ThePrincipal,
    idempotency_key: OptionalKey = None,
) -> Response:
    """Book what has arrived, in one delivery or several."""
    command = ReceiveTransfer(receipt_of(shop, key, idempotency_key), receipt.units, principal.actor)
    return shaped(Transfer.of(await carry(shop, TRANSFER, key, command, TransferView)), 201)


@router.post("/v1/admin/transfers/{key}/close", response_model=Transfer, responses=body_problems(401, 403, 404, 409))
async def close_transfer(
    key: ProcessPath, shop: TheShop, principal: ThePrincipal, close: TransferCloseIn | None = None
) -> Response:
    """Wait for no more: what is missing is written off, or back where it came from."""
    close = close or TransferCloseIn()
    command = CloseTransfer(close.went_back, close.reason, principal.actor)
    return shaped(Transfer.of(await carry(shop, TRANSFER, key, command, TransferView)))


@router.post("/v1/admin/counts", response_model=Count, status_code=201, responses=body_problems(401, 403, 404, 409))
async def open_count(
    count: CountIn, shop: TheShop, principal: ThePrincipal, idempotency_key: OptionalKey = None
) -> Response:
    """Begin a sheet; it shows what should be there."""
    for sku in count.skus:
        await require_stock(shop, sku, count.location)
    command = OpenCount(count.location, tuple(count.skus), count.note, principal.actor)
    key = new_process_id(shop, "cnt", idempotency_key)
    return shaped(Count.of(await carry(shop, COUNT, key, command, CountView)), 201)


@router.get("/v1/admin/counts", response_model=CountPage, responses=problems(401, 403))
async def list_counts(
    shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "", status: StatusFilter = ""
) -> Response:
    """Sheets, newest first."""
    return page_of(shop, COUNT, CountPage, Count.of, limit, cursor, status)


@router.get("/v1/admin/counts/{key}", response_model=Count, responses=problems(401, 403, 404))
async def look_count(key: ProcessPath, shop: TheShop) -> Response:
    """A sheet as it is now."""
    return shaped(Count.of(await looked_at(shop, COUNT, key, LookCount(), CountView)))


@router.put("/v1/admin/counts/{key}/lines/{sku}", response_model=Count, responses=body_problems(401, 403, 404, 409))
async def record_count(
    key: ProcessPath,
    sku: SkuPath,
    counted: CountedIn,
    shop: TheShop,
    principal: ThePrincipal,
) -> Response:
    """Write down what is on the shelf; again replaces it."""
    command = RecordCount(sku, counted.counted, counted.on_hand_seen, principal.actor)
    return shaped(Count.of(await carry(shop, COUNT, key, command, CountView)))


@router.post("/v1/admin/counts/{key}/approve", response_model=Count, responses=body_problems(401, 403, 404, 409))
async def approve_count(
    key: ProcessPath, shop: TheShop, principal: ThePrincipal, approval: ApprovalIn | None = None
) -> Response:
    """Book the differences; what nobody counted stays as it is."""
    command = ApproveCount((approval or ApprovalIn()).reason, principal.actor)
    return shaped(Count.of(await carry(shop, COUNT, key, command, CountView)))


@router.post("/v1/admin/counts/{key}/cancel", response_model=Count, responses=problems(401, 403, 404, 409))
async def cancel_count(key: ProcessPath, shop: TheShop, principal: ThePrincipal) -> Response:
    """Book nothing."""
    return shaped(Count.of(await carry(shop, COUNT, key, CancelCount(principal.actor), CountView)))
