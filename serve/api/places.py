"""Where somebody stands in the line of a sale, as this process was told: a poll of whoever waits costs no command."""

from engine.flash_sale import OVER, CallView, LookCall, SaleView
from engine.kernel import Rejected
from engine.reasons import Reason
from engine.waiting_room import place_of

from ..shop import Shop
from ..tickets import Ticket, read_ticket
from .answers import HttpAnswer, answer, timestamp
from .lookups import stock_of
from .preconditions import content_tag, is_fresh
from .problems import ProblemError
from .schemas.sales import PlaceInLine

SECOND_MS = 1_000

CALLED_POLL_S = 5
SHORTEST_POLL_S = 1
LONGEST_POLL_S = 15
"""Whoever waits asks again after a fourth of the expected time, within these bounds."""


def sale_of(shop: Shop, key: str) -> SaleView:
    """The sale as shoppers see it; raises ProblemError before its announcement."""
    sale = shop.sales.get(key)
    if sale is None or shop.now() < sale.terms.announce_at:
        raise ProblemError(Reason.NOT_FOUND)
    return sale


def ticket_in(shop: Shop, sale: SaleView, text: str) -> Ticket:
    """The ticket; raises ProblemError if it isn't one of this sale."""
    ticket = read_ticket(shop.secret, sale.key, text)
    if ticket is None:
        raise ProblemError(Reason.TICKET_INVALID, "This is no ticket of this sale.", {"sale": sale.key})
    return ticket


async def polled(shop: Shop, key: str, text: str, if_none_match: str | None) -> HttpAnswer:
    """The answer to a poll; raises ProblemError."""
    sale = sale_of(shop, key)
    place = await place_in_line(shop, sale, text, ticket_in(shop, sale, text))
    body = place.model_dump_json().encode()
    headers = {"etag": content_tag(body), "retry-after": str(place.ask_again_s)}
    if is_fresh(if_none_match, headers["etag"]):
        return HttpAnswer(304, [(name.encode(), value.encode()) for name, value in headers.items()], b"")
    return answer(200, body, headers=headers.items())


async def place_in_line(shop: Shop, sale: SaleView, text: str, ticket: Ticket) -> PlaceInLine:
    """What whoever holds the ticket is told now."""
    state, until, ahead = await _standing(shop, sale, ticket)
    wait_s = _expected_wait_s(shop, sale, ahead)
    return PlaceInLine(
        ticket=text,
        sale=sale.key,
        state=state,
        ahead=ahead,
        waiting=max(0, sale.joined - sale.called),
        expected_wait_s=wait_s,
        buy_until=timestamp(until) if until else None,
        units_left=max(0, sale.free + sale.held),
        ask_again_s=_ask_again_s(shop, sale, state, wait_s),
    )


async def _standing(shop: Shop, sale: SaleView, ticket: Ticket) -> tuple[str, int, int | None]:
    """State, until when one may buy, and how many stand before."""
    now = shop.now()
    if sale.phase in OVER or now >= sale.terms.ends_at:
        return "ended", 0, None
    if sale.sold_out or await _stock_is_gone(shop, sale):
        return "sold-out", 0, None
    if not sale.seed:
        # The places are drawn at the start: until then nobody is before anybody.
        return "before-start", 0, None
    place = place_of(ticket.number, sale.early, sale.seed)
    if place >= sale.called:
        return "waiting", 0, place - sale.called
    reply = await shop.client.send("flash-sale", sale.key, LookCall(ticket.number))
    if isinstance(reply, Rejected):
        raise ProblemError(Reason.TICKET_INVALID)
    assert isinstance(reply, CallView)
    return reply.state, reply.until, 0 if reply.state == "waiting" else None


async def _stock_is_gone(shop: Shop, sale: SaleView) -> bool:
    """An allotment larger than the stock ends with the stock."""
    stock = await stock_of(shop, sale.sku)
    return stock.version > 0 and stock.available <= 0 and stock.reserved == 0


def _expected_wait_s(shop: Shop, sale: SaleView, ahead: int | None) -> int | None:
    """At the rate of the calls so far; None while nobody can tell."""
    since_s = (shop.now() - sale.terms.starts_at) // SECOND_MS
    if ahead is None or not sale.called or since_s < 0:
        return None
    return (ahead + 1) * max(1, since_s) // sale.called


def _ask_again_s(shop: Shop, sale: SaleView, state: str, wait_s: int | None) -> int:
    match state:
        case "called":
            return CALLED_POLL_S
        case "before-start":
            # Spread over the seconds after the start, by chance of when they joined: not all at once.
            left_s = max(0, sale.terms.starts_at - shop.now()) // SECOND_MS
            return min(LONGEST_POLL_S, left_s + SHORTEST_POLL_S)
        case "waiting":
            return min(LONGEST_POLL_S, max(SHORTEST_POLL_S, (wait_s or 0) // 4))
    return LONGEST_POLL_S
