"""The express purchase, and what became of an order."""

from typing import Annotated, Any

from fastapi import Header, Path
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from engine.kernel import Rejected
from engine.order import Cancel, OrderView
from engine.reasons import Reason

from ..answers import response_of, shaped
from ..auth import ACCESS_TOKEN
from ..bounds import IDEMPOTENCY_KEY_PATTERN, ORDER_ID_PATTERN
from ..lookups import order_of
from ..numbers import numbered
from ..openapi import body_problems, header, problems
from ..order_stream import order_events
from ..problems import ProblemError, refused
from ..purchase import purchase
from ..requests import idempotency_key_of, prefers_async
from ..routing import OrderRoute, StrictRoute, TheActor, ThePrincipal, TheShop, router_of
from ..schemas.order import CancelIn, Order, OrderIn, PendingOrder, PlacedOrder
from ..streaming import LastEventId, room_for_a_stream, stream_of, streamed

router = router_of(StrictRoute, "orders")
own_router = router_of(OrderRoute, "orders", security=ACCESS_TOKEN)

PurchaseKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=IDEMPOTENCY_KEY_PATTERN,
        description="New for each purchase, the same for its retries: a UUID is a good one.",
        examples=["6f1c1f6e-6a53-4c1e-9a3e-1f6f0c2d7b11"],
    ),
]
PreferHeader = Annotated[
    str | SkipJsonSchema[None],
    Header(alias="Prefer", description="`respond-async`: answer 202 at once instead of waiting for the payment."),
]
_STREAM = stream_of(
    "Events called `timeline` for what happened since, with the order's version as their id, and after them one called "
    "`order`: the order as it is."
)
_LOCATION = {"Location": header("The order.")}
PURCHASE_RESPONSES: dict[str, Any] = {
    "response_model": PlacedOrder,
    "status_code": 201,
    "responses": {
        201: {"description": "Bought. Every retry gets these very bytes.", "headers": _LOCATION},
        202: {
            "model": PendingOrder,
            "description": "Not settled yet: ask the order.",
            "headers": {**_LOCATION, "Preference-Applied": header("`respond-async`, if it was asked for.")},
        },
        **body_problems(401, 402, 403, 404, 409, 410),
    },
}
OrderPath = Annotated[str, Path(pattern=ORDER_ID_PATTERN, examples=["ord_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]


@router.post("/v1/orders", **PURCHASE_RESPONSES)
async def place_order(
    order: OrderIn, shop: TheShop, principal: ThePrincipal, idempotency_key: PurchaseKey, prefer: PreferHeader = None
) -> Response:
    """Buy in one request: all lines or none. With a customer's access token the order is that customer's."""
    key, account_id = idempotency_key_of(idempotency_key), principal.account_id
    placed = await purchase(shop, order.to_request(), key, account_id=account_id, prefer_async=prefers_async(prefer))
    return response_of(placed)


@own_router.get("/v1/orders/{order_id}", response_model=Order, responses=problems(401, 404))
async def look_order(order_id: OrderPath, shop: TheShop) -> Response:
    """The order as it is now."""
    order = await order_of(shop, order_id)
    if order is None:
        raise ProblemError(Reason.NOT_FOUND)
    return shaped(Order.of(await numbered(shop, order)))


@own_router.get("/v1/orders/{order_id}/stream", response_class=Response, responses={200: _STREAM, **problems(401, 404)})
async def stream_order(
    order_id: OrderPath, shop: TheShop, request: Request, last_event_id: LastEventId = None
) -> Response:
    """What happens to the order, as server-sent events; connected again with `Last-Event-ID`, nothing is missed."""
    if await order_of(shop, order_id) is None:
        raise ProblemError(Reason.NOT_FOUND)
    address = room_for_a_stream(shop, request)
    return streamed(shop.live.streams, "order", address, order_events(shop, order_id, last_event_id or ""))


@own_router.post("/v1/orders/{order_id}/cancel", response_model=Order, responses=body_problems(401, 404, 409))
async def cancel_order(order_id: OrderPath, shop: TheShop, actor: TheActor, cancel: CancelIn | None = None) -> Response:
    """Cancel the order while it isn't fulfilled: what it holds is released, what was paid goes back."""
    reason = cancel.reason if cancel else ""
    reply = await shop.client.send("order", order_id, Cancel(reason, actor))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, OrderView)
    return shaped(Order.of(reply))
