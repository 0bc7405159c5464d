"""Flash sales as shoppers meet them: look, count down, stand in line."""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from engine.flash_sale import JoinLine
from engine.flash_sale import PlaceInLine as Number
from engine.kernel import Rejected
from engine.reasons import Reason

from ...tickets import ticket_of
from ..addresses import network_of
from ..answers import response_of, shaped, timestamp
from ..auth import principal_of
from ..bounds import DEFAULT_PAGE, MAX_SALE_TICKET_LENGTH, SALE_KEY_PATTERN
from ..cursors import Cursor, Limit, cursor_after, read_cursor
from ..line_stream import places_as_events
from ..openapi import body_problems, header, problems
from ..places import place_in_line, polled, sale_of, ticket_in
from ..preconditions import IfNoneMatch
from ..problems import refused
from ..purchase import customer_of
from ..routing import StrictRoute, TheShop, router_of
from ..schemas.sales import JoinIn, PlaceInLine, Sale, SaleList
from ..streaming import room_for_a_stream, stream_of, streamed

router = router_of(StrictRoute, "sales")

SalePath = Annotated[str, Path(pattern=SALE_KEY_PATTERN, examples=["RETRO-CLOCK@friday"])]
TicketPath = Annotated[str, Path(min_length=1, max_length=MAX_SALE_TICKET_LENGTH)]
_AGAIN = {"Retry-After": header("Seconds after which to ask again.")}
_JOINED = {"description": "The place.", "headers": {**_AGAIN, "Location": header("Where to ask for the place.")}}
_TOLD = {"headers": {**_AGAIN, "ETag": header("Of what is told.")}}
_STREAM = stream_of("Events called `place`, whose data is what the poll answers: one at once, one after each change.")


@router.get("/v1/sales", response_model=SaleList, responses=problems())
async def list_sales(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
    """Sales that were announced, in ascending order of their id."""
    now, after = shop.now(), read_cursor(cursor)
    shown = [sale for sale in shop.sales.all() if sale.key > after and sale.terms.announce_at <= now]
    next_cursor = cursor_after(shown[limit - 1].key) if len(shown) > limit else None
    items = [Sale.of(sale, now) for sale in shown[:limit]]
    return shaped(SaleList(items=items, server_time=timestamp(now), next_cursor=next_cursor))


@router.get("/v1/sales/{sale}", response_model=Sale, responses=problems(404))
async def look_sale(sale: SalePath, shop: TheShop) -> Response:
    """The sale: what it sells, from when to when by the server's clock, and what is left."""
    return shaped(Sale.of(sale_of(shop, sale), shop.now()))


@router.post(
    "/v1/sales/{sale}/line",
    response_model=PlaceInLine,
    status_code=201,
    responses={201: _JOINED, **body_problems(401, 404, 409, 429)},
)
async def join_line(sale: SalePath, joining: JoinIn, shop: TheShop, request: Request) -> Response:
    """Take a place in line. Whoever has one gets the same again: asking often wins nothing.

    Those who join before the start draw their places then; those who join later stand behind them.
    """
    found = sale_of(shop, sale)
    if found.sold_out:
        raise refused(Rejected(Reason.SOLD_OUT, {"sku": found.sku, "sale": sale}))
    customer = (await principal_of(request)).account_id or customer_of(joining.email)
    reply = await shop.client.send("flash-sale", sale, JoinLine(customer, network_of(shop, request)))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, Number)
    text = ticket_of(shop.secret, sale, reply.number, customer)
    place = await place_in_line(shop, sale_of(shop, sale), text, ticket_in(shop, found, text))
    headers = {"location": f"/v1/sales/{sale}/line/{text}", "retry-after": str(place.ask_again_s)}
    return shaped(place, 201, headers)


@router.get(
    "/v1/sales/{sale}/line/{ticket}",
    response_model=PlaceInLine,
    responses={200: _TOLD, 304: {"description": "Nothing has changed.", **_TOLD}, **problems(403, 404)},
)
async def look_place(sale: SalePath, ticket: TicketPath, shop: TheShop, if_none_match: IfNoneMatch = None) -> Response:
    """How far the line has come: ask again after `Retry-After`, or hold the stream open."""
    return response_of(await polled(shop, sale, ticket, if_none_match))


@router.get(
    "/v1/sales/{sale}/line/{ticket}/stream",
    response_class=Response,
    responses={200: _STREAM, **problems(403, 404)},
)
async def stream_place(sale: SalePath, ticket: TicketPath, shop: TheShop, request: Request) -> Response:
    """The same as server-sent events, until the sale is over for this ticket."""
    ticket_in(shop, sale_of(shop, sale), ticket)
    address = room_for_a_stream(shop, request)
    return streamed(shop.live.streams, "line", address, places_as_events(shop, sale, ticket))
