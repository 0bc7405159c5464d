"""Stock: anyone looks at the quantities; the admin books and reads the ledger."""

from functools import partial
from typing import Annotated

from fastapi import Header, Query
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from engine.kernel import Command, Rejected
from engine.location import LOCATION
from engine.reasons import Reason
from engine.stock import DEFAULT_LOCATION, Adjust, LookStock, Receive, stock_key

from ...access.principal import Scope
from ...identity import receipt_id_of
from ...live.stock import MOST_SKUS
from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import IDEMPOTENCY_KEY_PATTERN, LOCATION_PATTERN, SKU_PATTERN
from ..ledger import rows_of
from ..lookups import exact_stock_of, product_of, shown_product_of, stock_of
from ..openapi import body_problems, problems
from ..problems import ProblemError, refused
from ..routing import MerchantRoute, StrictRoute, ThePrincipal, TheShop, router_of
from ..schemas.stock import AdjustmentIn, Ledger, Pin, PolicyIn, ReceiptIn, Stock
from ..stock_stream import shown_stock
from ..streaming import LastEventId, room_for_a_stream, stream_of, streamed
from .products import SkuPath

MAX_LEDGER_VERSIONS = 1_000

_STREAM = stream_of(
    "Events called `stock`, whose data is what the product's page says of its availability, with the `sku`; or `gone`, "
    "for a product that isn't shown any more."
)

router = router_of(StrictRoute, "stock")
admin_router = router_of(MerchantRoute, "stock", "admin", security=ADMIN_KEY)

AtLocation = Annotated[
    str, Query(pattern=LOCATION_PATTERN, description="The location whose stock is meant.", examples=["default"])
]
OptionalKey = Annotated[
    # The pattern belongs to the text: beside a null it would be enforced, but missing from the document.
    Annotated[str, StringConstraints(pattern=IDEMPOTENCY_KEY_PATTERN)] | SkipJsonSchema[None],
    Header(alias="Idempotency-Key", description="Makes a retry harmless: the same key books once."),
]


@router.get("/v1/stock/stream", response_class=Response, responses={200: _STREAM, **problems(404)})
async def stream_stock(
    *,
    sku: Annotated[
        list[Annotated[str, StringConstraints(pattern=SKU_PATTERN)]],
        Query(min_length=1, max_length=MOST_SKUS, description="What is watched."),
    ],
    shop: TheShop,
    request: Request,
    last_event_id: LastEventId = None,
) -> Response:
    """What can be bought now of some products, as server-sent events: at once, then after each change.

    Of quick changes the last alone is told.
    """
    skus = sorted(set(sku))
    for each in skus:
        await shown_product_of(shop, each)
    address = room_for_a_stream(shop, request)
    changes = shop.live.stock.changes(skus, partial(shown_stock, shop), last_event_id or "")
    return streamed(shop.live.streams, "stock", address, changes)


@router.get("/v1/stock/{sku}", response_model=Stock, responses=problems(401, 404))
async def look_stock(
    sku: SkuPath, shop: TheShop, principal: ThePrincipal, location: AtLocation = DEFAULT_LOCATION
) -> Response:
    """The quantities: as hosts last told them, at most a second old; for the staff, exactly as they are."""
    if principal.may(Scope.SUPPORT):
        await require_stock(shop, sku, location)
        return shaped(Stock.of(sku, await exact_stock_of(shop, sku, location), location))
    await shown_product_of(shop, sku)
    require_location(shop, location)
    return shaped(Stock.of(sku, await stock_of(shop, sku, location), location))


@admin_router.get("/v1/stock/{sku}/history", response_model=Ledger, responses=problems(401, 404))
async def look_stock_history(
    sku: SkuPath,
    shop: TheShop,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`next_after` of the page before.")] = 0,
    limit: Annotated[
        int,
        Query(ge=1, le=MAX_LEDGER_VERSIONS, description="Versions in a page; each may hold several movements."),
    ] = 100,
    location: AtLocation = DEFAULT_LOCATION,
) -> Response:
    """The ledger: every movement, oldest first. The changes add up to the quantities, unless old ones were trimmed."""
    await require_stock(shop, sku, location)
    entries = await shop.client.history("stock", stock_key(sku, location), after_version=after, limit=limit)
    rows = [row for entry in entries for row in rows_of(entry)]
    next_after = entries[-1].version if len(entries) == limit else None
    headers = {}
    if next_after:
        at = "" if location == DEFAULT_LOCATION else f"&location={location}"
        headers["link"] = f'</v1/stock/{sku}/history?after={next_after}&limit={limit}{at}>; rel="next"'
    return shaped(Ledger(items=rows, next_after=next_after), headers=headers)


@admin_router.post(
    "/v1/stock/{sku}/receipts",
    response_model=Stock,
    status_code=201,
    responses=body_problems(401, 404),
)
async def receive_stock(
    sku: SkuPath,
    receipt: ReceiptIn,
    shop: TheShop,
    idempotency_key: OptionalKey = None,
    location: AtLocation = DEFAULT_LOCATION,
) -> Response:
    """Book goods in; answers with the quantities afterwards."""
    receipt_id = receipt_of(shop, sku, idempotency_key)
    cost = receipt.cost
    command = Receive(
        receipt_id,
        receipt.quantity,
        receipt.reason,
        receipt.reference,
        cost.amount if cost else 0,
        cost.currency if cost else "",
    )
    stock = await _book(shop, sku, command, location)
    return shaped(stock, 201)


@admin_router.post(
    "/v1/stock/{sku}/adjustments",
    response_model=Stock,
    status_code=201,
    responses=body_problems(401, 404, 409),
)
async def adjust_stock(
    sku: SkuPath,
    adjustment: AdjustmentIn,
    shop: TheShop,
    idempotency_key: OptionalKey = None,
    location: AtLocation = DEFAULT_LOCATION,
) -> Response:
    """Correct what is on hand, never below what is reserved."""
    adjustment_id = receipt_of(shop, sku, idempotency_key)
    command = Adjust(adjustment_id, adjustment.quantity, adjustment.reason, adjustment.reference)
    return shaped(await _book(shop, sku, command, location), 201)


@admin_router.patch("/v1/stock/{sku}/policy", response_model=Stock, responses=body_problems(401, 404))
async def set_stock_policy(
    sku: SkuPath, policy: PolicyIn, shop: TheShop, location: AtLocation = DEFAULT_LOCATION
) -> Response:
    """Change safety stock, the limit per customer, what is expected to come, or what is sold before it is here."""
    return shaped(await _book(shop, sku, policy.to_command(), location))


@admin_router.put("/v1/stock/{sku}/pin", response_model=Pin, responses=problems(401, 404))
async def pin_stock(sku: SkuPath, shop: TheShop) -> Response:
    """Give the stock of a flash sale a shard and a host of its own, while it sells. Again: no change."""
    await require_stock(shop, sku)
    shard = await shop.pins.pin("stock", stock_key(sku), LookStock())
    return shaped(Pin(sku=sku, pinned=True, shard=shard))


@admin_router.delete("/v1/stock/{sku}/pin", response_model=Pin, responses=problems(401, 404))
async def unpin_stock(sku: SkuPath, shop: TheShop) -> Response:
    """Have the stock share a shard again, while it sells."""
    await require_stock(shop, sku)
    await shop.pins.unpin("stock", stock_key(sku), LookStock())
    return shaped(Pin(sku=sku, pinned=False, shard=None))


async def _book(shop: Shop, sku: str, command: Command, location: str) -> Stock:
    await require_stock(shop, sku, location)
    reply = await shop.client.send("stock", stock_key(sku, location), command)
    if isinstance(reply, Rejected):
        raise refused(reply)
    return Stock.of(sku, await exact_stock_of(shop, sku, location), location)


def receipt_of(shop: Shop, resource: str, idempotency_key: str | None) -> str:
    """The id of a delivery: the same key books once, without one each request does."""
    return receipt_id_of(resource, idempotency_key) if idempotency_key else shop.new_id()


async def require_stock(shop: Shop, sku: str, location: str = DEFAULT_LOCATION) -> None:
    """Stock without a product or a location is a typing error."""
    if await product_of(shop, sku) is None:
        raise ProblemError(Reason.NOT_FOUND, f"There is no product {sku}.")
    require_location(shop, location)


def require_location(shop: Shop, location: str) -> None:
    """Raises ProblemError for a location that there isn't."""
    if location != DEFAULT_LOCATION and shop.tables[LOCATION].view(location) is None:
        raise ProblemError(Reason.NOT_FOUND, f"There is no location {location}.")
