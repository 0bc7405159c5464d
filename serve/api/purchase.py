"""The purchase, from a decoded request to the bytes of its answer: the flash-sale path.

It knows neither FastAPI nor pydantic. Whoever speaks HTTP decodes an `OrderRequest`, calls `purchase` and sends what
comes back. The answer is made from the order's settlement and of what never changes about the order, so a retry gets
the same bytes for good, whatever has become of the order since.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from actors.errors import Unavailable
from engine.address import DeliveryAddress
from engine.cart import Line
from engine.kernel import Instant, Rejected
from engine.order import Claim, OrderView, Place, Settlement, Status, Units
from engine.product import ProductView
from engine.reasons import Reason
from engine.stock import stock_key

from ..identity import access_token_of, fingerprint_of, order_id_of
from ..shop import Shop
from .allocation import ANYWHERE, Destination, allocated, destination_of, has_locations, needed_of
from .answers import HttpAnswer, answer, timestamp
from .bundles import units_of
from .charges import ChargesOut, charges_of
from .lookups import order_of, product_unavailable, products_of, stock_of
from .payments import require_method
from .prices import groups_of, sold_price
from .problems import ProblemError, refusal, refused, unavailable, unavailable_name
from .quoting import Charged, charged, merged
from .requests import OrderRequest, OrderRequestLine
from .sale_claims import SaleClaims, sale_claims_of
from .wishes import wishes_nothing, wishes_of


class MoneyOut(msgspec.Struct, frozen=True, gc=False):
    amount: int
    currency: str


class LineOut(msgspec.Struct, frozen=True, gc=False):
    sku: str
    title: str
    quantity: int
    price: MoneyOut
    total: MoneyOut
    backordered: bool | msgspec.UnsetType = msgspec.UNSET
    ships_from: str | msgspec.UnsetType = msgspec.UNSET


class PlacedOut(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The body of a 201."""

    id: str
    access_token: str
    status: str
    lines: list[LineOut]
    total: MoneyOut
    email: str
    payment_id: str
    placed_at: str
    settled_at: str
    charges: ChargesOut | None = None
    """How the total comes about, where it is more than what the lines cost."""


class ActionOut(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the shopper has to do."""

    redirect_url: str = ""
    client_secret: str = ""


class PendingOut(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The body of a 202."""

    id: str
    access_token: str
    status: str
    placed_at: str
    action: ActionOut | None = None


_encode = msgspec.json.Encoder().encode


async def purchase(
    shop: Shop, request: OrderRequest, key: str, *, account_id: str = "", prefer_async: bool = False
) -> HttpAnswer:
    """Buy, or find what the same key bought before. Every expected failure comes back as an answer, too.

    Without an account it is a guest's purchase.
    """
    order_id = order_id_of(shop.secret, key, account_id)
    customer = account_id or customer_of(request.email)
    try:
        basket = await _basket_of(shop, order_id, request, customer, account_id)
    except ProblemError as error:
        shop.refusals.note(error.name)
        return error.answer()
    except Unavailable as error:
        return _not_now(shop, error)
    place = Place(
        fingerprint=fingerprint_of("orders", "", request),
        email=request.email,
        gateway=request.payment.method,
        token=request.payment.token,
        lines=basket.lines,
        cart_id=basket.cart_id,
        customer=customer,
        payment_window_s=basket.sale.payment_window_s if basket.sale else shop.settings.payment_window_s,
        units=basket.units,
        claims=claims_of(basket.sale, basket.costs),
        quote=basket.costs.quote if basket.costs else None,
        address=basket.address,
    )
    return await settle(shop, order_id, place, prefer_async=prefer_async)


async def settle(shop: Shop, order_id: str, place: Place, *, prefer_async: bool) -> HttpAnswer:
    """Place the order and answer with how it ended, or with 202 when it hasn't in time."""
    settle_s = 0.0 if prefer_async else shop.settings.settle_wait_s
    try:
        reply = await shop.client.send("order", order_id, place, settle_s=settle_s)
    except Unavailable as error:
        return _not_now(shop, error)
    if isinstance(reply, Rejected):
        shop.refusals.note(reply.reason)
        return refusal(reply)
    assert isinstance(reply, OrderView)
    # Whoever prefers not to wait is told so even if the order has settled meanwhile: one request, one answer.
    if reply.settlement is None or prefer_async:
        return _pending(shop, reply, prefer_async=prefer_async)
    return _settled(shop, reply, reply.settlement)


def _not_now(shop: Shop, error: Unavailable) -> HttpAnswer:
    shop.refusals.note(unavailable_name(error))
    return unavailable(error)


def customer_of(email: str) -> str:
    """Who the limit per customer counts: a guest is the e-mail address, however it is spelled."""
    return email.lower()


class Basket(NamedTuple):
    """What an order is placed with: its lines, or the cart that told them; what they take, and what they cost."""

    lines: tuple[Line, ...]
    cart_id: str = ""
    units: tuple[Units, ...] = ()
    sale: SaleClaims | None = None
    costs: Charged | None = None
    """None where that is just what the lines cost."""
    address: DeliveryAddress | None = None


def claims_of(sale: SaleClaims | None, costs: Charged | None) -> tuple[Claim, ...]:
    """What the order reserves beside stock."""
    return (*(sale.claims if sale else ()), *(costs.claims if costs else ()))


async def _basket_of(shop: Shop, order_id: str, request: OrderRequest, customer: str, account_id: str) -> Basket:
    """Raises ProblemError when these lines can't be bought."""
    try:
        require_method(shop, request.payment.method)
        groups, destination = groups_of(shop, account_id), destination_of(request.shipping)
        lines, units, products = await lines_of(shop, request.lines, request.currency, groups, destination)
        sale = None
        if shop.sales.live or request.sale_tickets:
            sale = sale_claims_of(shop, lines, customer, request.sale_tickets)
            lines = sale.lines
        if not (shop.offers.none and wishes_nothing(request)):
            lines = merged(lines)
            wishes = wishes_of(shop.secret, request)
            costs = await charged(shop, wishes, lines, products, account_id=account_id)
            return Basket(lines, "", units, sale, costs, wishes.address)
        return Basket(lines, "", units, sale)
    except ProblemError:
        # An order that this key has placed keeps its answer, whatever the catalogue says by now.
        if shop.orders.surely_new(order_id) or (earlier := await order_of(shop, order_id)) is None:
            raise
    return Basket((), earlier.cart_id) if earlier.cart_id else Basket(earlier.lines)


async def lines_of(
    shop: Shop,
    wanted: Sequence[OrderRequestLine],
    currency: str,
    groups: tuple[str, ...] = (),
    destination: Destination = ANYWHERE,
) -> tuple[tuple[Line, ...], tuple[Units, ...], Mapping[str, ProductView | None]]:
    """The lines at today's prices, with what they take where a line isn't its own stock, and their products; raises
    ProblemError when they can't be bought as they are."""
    products = await products_of(shop, [line.sku for line in wanted])
    lines: list[Line] = []
    for index, line in enumerate(wanted):
        if (product := products[line.sku]) is None:
            raise product_unavailable(line.sku, f"#/lines/{index}/sku")
        price = sold_price(shop, product, currency, groups, pointer=f"#/lines/{index}/sku").money
        if lines and price.currency != lines[0].price.currency:
            raise refused(Rejected(Reason.CURRENCY_MISMATCH))
        lines.append(Line(line.sku, line.quantity, price, product.title))
    units = units_of(lines, products)
    if has_locations(shop):
        return tuple(lines), await allocated(shop, needed_of(lines, units), destination), products
    await _refuse_sold_out(shop, units or wanted)
    return tuple(lines), units, products


async def _refuse_sold_out(shop: Shop, lines: Iterable[OrderRequestLine | Units]) -> None:
    """Tell "sold out" from memory: a rush for what is gone must not queue up at the stock.

    Only a plain zero counts. Where some are left, the stock itself decides who gets them.
    """
    gone: dict[str, int] = {}
    for line in lines:
        stock = shop.catalogue.stock(line.sku) or await stock_of(shop, line.sku)
        if stock.available <= 0 and not stock.backorder_limit:
            gone[line.sku] = gone.get(line.sku, 0) + line.quantity
    if gone:
        short = [{"sku": sku, "requested": wanted, "available": 0} for sku, wanted in gone.items()]
        raise refused(Rejected(Reason.INSUFFICIENT_STOCK, {"lines": short}))


def _pending(shop: Shop, order: OrderView, *, prefer_async: bool) -> HttpAnswer:
    headers = [("location", location_of(order.order_id)), ("cache-control", "no-store")]
    if prefer_async:
        headers.append(("preference-applied", "respond-async"))
    token = access_token_of(shop.secret, order.order_id)
    action = ActionOut(order.action.redirect_url, order.action.client_secret) if order.action else None
    body = PendingOut(order.order_id, token, "processing", timestamp(order.placed_at), action)
    return answer(202, _encode(body), headers=headers)


def _settled(shop: Shop, order: OrderView, settlement: Settlement) -> HttpAnswer:
    location = location_of(order.order_id)
    if settlement.status is not Status.CONFIRMED:
        reason = settlement.reason or Reason.ORDER_CANCELLED
        return refusal(Rejected(reason, settlement.details), instance=location)
    assert order.total is not None, "a confirmed order knows its lines"
    body = PlacedOut(
        id=order.order_id,
        access_token=access_token_of(shop.secret, order.order_id),
        status=settlement.status,
        lines=[_line_out(line, order.backorders) for line in order.lines],
        total=MoneyOut(order.total.amount, order.total.currency),
        email=order.email,
        payment_id=order.payment_id,
        placed_at=timestamp(order.placed_at),
        settled_at=timestamp(settlement.at),
        charges=charges_of(order.quote, order.claims) if order.quote else None,
    )
    return answer(201, _encode(body), headers=[("location", location), ("cache-control", "no-store")])


def location_of(order_id: str) -> str:
    return f"/v1/orders/{order_id}"


def _line_out(line: Line, backorders: Mapping[str, Instant]) -> LineOut:
    price = line.price
    ships_from = backorders.get(stock_key(line.sku)) if backorders else None
    return LineOut(
        line.sku,
        line.title,
        line.quantity,
        MoneyOut(price.amount, price.currency),
        MoneyOut(price.amount * line.quantity, price.currency),
        msgspec.UNSET if ships_from is None else True,
        timestamp(ships_from) if ships_from else msgspec.UNSET,
    )
