"""What a purchase of SKUs in a flash sale takes beside the stock: a claim on the sale, and the ticket of its line."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from engine.cart import Line
from engine.flash_sale import SaleView
from engine.kernel import Rejected, tag_of
from engine.order import Claim
from engine.reasons import Reason
from engine.waiting_room import place_of

from ..shop import Shop
from ..tickets import Ticket, holder_of, read_ticket
from .problems import ProblemError, refused


class SaleClaims(NamedTuple):
    """The lines and claims for `Place`, and the payment window that the sales leave."""

    lines: tuple[Line, ...]
    claims: tuple[Claim, ...]
    payment_window_s: int


def sale_claims_of(shop: Shop, lines: tuple[Line, ...], customer: str, tickets: Sequence[str]) -> SaleClaims:
    """The lines at the prices of the sales that run, with their claims.

    Raises ProblemError: `sold-out`, `waiting-room`, `ticket-invalid`, and `sale-ended` for a line at the price of a
    sale that has just ended, or with a ticket of one that doesn't run.
    """
    now = shop.now()
    priced: list[Line] = []
    wanted: dict[str, int] = {}
    window_s = shop.settings.payment_window_s
    for line in lines:
        sale = shop.sales.running(line.sku, now)
        if sale is not None and sale.terms.price.currency == line.price.currency:
            wanted[sale.key] = wanted.get(sale.key, 0) + line.quantity
            window_s = min(window_s, sale.terms.payment_window_s)
            line = msgspec.structs.replace(line, price=sale.terms.price)
        elif tickets or line.sku in shop.sales.live:
            _refuse_ended(shop, line, tickets)
        priced.append(line)
    for key, quantity in wanted.items():
        if (sale := shop.sales.get(key)) is not None:
            _refuse_from_memory(shop, sale, quantity, customer, tickets)
    claims = tuple(Claim("flash-sale", key, quantity, name=key) for key, quantity in wanted.items())
    return SaleClaims(tuple(priced), claims, window_s)


def _refuse_ended(shop: Shop, line: Line, tickets: Sequence[str]) -> None:
    """Nobody pays the regular price who was promised the sale's, nor the sale's price once it is over."""
    for sale in shop.sales.all():
        if sale.sku != line.sku or sale.runs(shop.now()):
            continue
        promised = any(read_ticket(shop.secret, sale.key, ticket) for ticket in tickets)
        just_ended = line.price == sale.terms.price and sale.key in shop.sales.live.get(sale.sku, {})
        if promised or (just_ended and shop.now() >= sale.terms.ends_at):
            early = shop.now() < sale.terms.starts_at
            raise refused(Rejected(Reason.SALE_NOT_STARTED if early else Reason.SALE_ENDED, _names(sale)))


def _refuse_from_memory(shop: Shop, sale: SaleView, quantity: int, customer: str, tickets: Sequence[str]) -> None:
    """A rush for what is gone, or not yet their turn, must not queue up at the sale: it decides about the others."""
    if sale.sold_out:
        raise refused(Rejected(Reason.SOLD_OUT, {**_names(sale), "requested": quantity, "available": 0}))
    if not sale.line_open:
        return
    ticket = _ticket_among(shop, sale, customer, tickets)
    place = place_of(ticket.number, sale.early, sale.seed)
    # Between its second and the word of the start nobody's place is known here.
    if not sale.seed or place >= sale.called:
        raise refused(Rejected(Reason.WAITING_ROOM, {**_line_of(sale), "ahead": max(0, place - sale.called)}))


def _ticket_among(shop: Shop, sale: SaleView, customer: str, tickets: Sequence[str]) -> Ticket:
    """The customer's ticket for this sale; raises ProblemError."""
    read = [ticket for text in tickets if (ticket := read_ticket(shop.secret, sale.key, text))]
    if not read and not tickets:
        raise refused(Rejected(Reason.WAITING_ROOM, _line_of(sale)))
    holder = holder_of(shop.secret, customer)
    for ticket in read:
        if ticket.holder == holder:
            return ticket
    detail = "The ticket belongs to another customer." if read else "This is no ticket of this sale."
    raise ProblemError(Reason.TICKET_INVALID, detail, _names(sale))


def _names(sale: SaleView) -> dict[str, str]:
    return {"sku": tag_of(sale.key), "sale": sale.key}


def _line_of(sale: SaleView) -> dict[str, str]:
    return {**_names(sale), "line": f"/v1/sales/{sale.key}/line"}
