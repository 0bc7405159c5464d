"""A cart's checkout: hold the cart's prices to today's, then place the order that seals it."""

from asyncio import sleep
from collections.abc import Mapping

from engine.cart import CartView, Line, LookCart, Reprice
from engine.kernel import Rejected
from engine.money import Money
from engine.order import Place, Status, Units
from engine.product import ProductView
from engine.reasons import Reason

from ..identity import fingerprint_of, order_id_of
from ..shop import Shop
from .allocation import allocated, destination_of, has_locations, needed_of
from .answers import HttpAnswer
from .bundles import units_of
from .lookups import order_of, product_unavailable, products_of
from .payments import require_method
from .prices import groups_of, shelf_price
from .problems import ProblemError, refused
from .purchase import claims_of, customer_of, settle
from .quoting import charged
from .requests import CheckoutRequest
from .sale_claims import sale_claims_of
from .wishes import keeps_nothing, wishes_nothing, wishes_of

UNSEALING_PAUSES_S = (0.01, 0.05, 0.2, 0.5)
"""Waits for the seal of an order that has failed; it takes milliseconds unless a host is moving."""


async def check_out(
    shop: Shop, cart_id: str, request: CheckoutRequest, key: str, *, account_id: str = "", prefer_async: bool
) -> HttpAnswer:
    """Buy the cart's lines, or find what the same key bought before.

    Raises ProblemError for a cart that can't be bought now, actors.errors.Unavailable.
    """
    order_id = order_id_of(shop.secret, key, account_id)
    # A retry goes straight to its order: neither the seal that it holds nor a new price may disturb its answer.
    customer = account_id or customer_of(request.email)
    lines: tuple[Line, ...] = ()
    units: tuple[Units, ...] = ()
    sale = costs = address = None
    version = None
    if await order_of(shop, order_id) is None:
        require_method(shop, request.payment.method)
        cart, units, products = await _prepare(shop, cart_id, order_id, groups_of(shop, account_id))
        if has_locations(shop):
            destination = destination_of(request.shipping, cart.wishes)
            units = await allocated(shop, needed_of(cart.lines, units), destination)
        if shop.sales.live or request.sale_tickets:
            sale = sale_claims_of(shop, cart.lines, customer, request.sale_tickets)
        wanted = sale.lines if sale else cart.lines
        if not (shop.offers.none and wishes_nothing(request) and keeps_nothing(cart.wishes)):
            wishes = wishes_of(shop.secret, request, cart.wishes)
            address = wishes.address
            costs = await charged(shop, wishes, wanted, products, account_id=account_id)
        if units or costs is not None or (sale is not None and sale.claims):
            # What was looked at is what is bought: a cart that changes meanwhile needs and costs something else.
            lines, version = wanted, cart.version
    place = Place(
        fingerprint=fingerprint_of("checkout", cart_id, request),
        email=request.email,
        gateway=request.payment.method,
        token=request.payment.token,
        lines=lines,
        cart_id=cart_id,
        customer=customer,
        payment_window_s=sale.payment_window_s if sale else shop.settings.payment_window_s,
        units=units,
        claims=claims_of(sale, costs),
        cart_version=version,
        quote=costs.quote if costs else None,
        address=address,
    )
    return await settle(shop, order_id, place, prefer_async=prefer_async)


async def _prepare(
    shop: Shop, cart_id: str, order_id: str, groups: tuple[str, ...]
) -> tuple[CartView, tuple[Units, ...], Mapping[str, ProductView | None]]:
    """See that the cart can be bought and costs no more than the shopper has seen; take over prices that fell.

    Returns the cart, what it takes where a line isn't its own stock, and its products. The cart may change again before
    the order seals it: then the order buys what the seal tells, at prices that the shopper saw when adding.
    """
    cart = await _unsealed(shop, cart_id, order_id)
    if not cart.lines:
        raise refused(Rejected(Reason.CART_EMPTY))
    products = await products_of(shop, [line.sku for line in cart.lines])
    changed = _changed_lines(shop, cart, products, groups)
    units = units_of(cart.lines, products)
    if not changed:
        return cart, units, products
    reply = await shop.client.send("cart", cart_id, Reprice({line.sku: now for line, now in changed}))
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, CartView)
    if any(_costs_more(line, now) for line, now in changed):
        raise _price_changed(changed)
    if any(line.sku not in products for line in reply.lines):
        # Something was added at this very moment: looked at again, it is part of what is bought.
        return await _prepare(shop, cart_id, order_id, groups)
    return reply, units_of(reply.lines, products), products


async def cart_of(shop: Shop, cart_id: str) -> CartView:
    """The cart as it is now; raises ProblemError if there is none."""
    reply = await shop.client.send("cart", cart_id, LookCart())
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, CartView)
    return reply


async def quotable_cart(shop: Shop, cart_id: str) -> tuple[CartView, Mapping[str, ProductView | None]]:
    """The cart and its products, to say what it would cost at the prices of its lines; raises ProblemError for one that
    can't be bought."""
    cart = await cart_of(shop, cart_id)
    if not cart.lines:
        raise refused(Rejected(Reason.CART_EMPTY))
    products = await products_of(shop, [line.sku for line in cart.lines])
    for line in cart.lines:
        if products[line.sku] is None:
            raise product_unavailable(line.sku)
    return cart, products


async def _unsealed(shop: Shop, cart_id: str, order_id: str) -> CartView:
    """The cart, once no other order holds its seal; raises ProblemError if one goes on holding it."""
    for pause_s in UNSEALING_PAUSES_S:
        cart = await cart_of(shop, cart_id)
        if cart.sealed_by in ("", order_id):
            return cart
        holder = await order_of(shop, cart.sealed_by)
        if holder is None or holder.settlement is None or holder.settlement.status is Status.CONFIRMED:
            break
        # The order has failed and its seal is on its way back: whoever tries again at once must not run into it.
        await sleep(pause_s)
    raise refused(Rejected(Reason.CART_SEALED, {"order_id": cart.sealed_by}))


def _changed_lines(
    shop: Shop, cart: CartView, products: Mapping[str, ProductView | None], groups: tuple[str, ...]
) -> list[tuple[Line, Money]]:
    changed = []
    for line in cart.lines:
        if (product := products[line.sku]) is None:
            raise product_unavailable(line.sku)
        price = shelf_price(shop, product, line.price.currency, groups)
        # Not sold in the cart's currency any more: its own price is shown, for the shopper to accept.
        now = price.money if price else product.price
        if now != line.price:
            changed.append((line, now))
    return changed


def _costs_more(line: Line, now: Money) -> bool:
    # Another currency can't be compared: that is for the shopper to accept.
    return now.currency != line.price.currency or now.amount > line.price.amount


def _price_changed(changed: list[tuple[Line, Money]]) -> ProblemError:
    lines = [
        {
            "sku": line.sku,
            "price": {"amount": line.price.amount, "currency": line.price.currency},
            "current_price": {"amount": now.amount, "currency": now.currency},
        }
        for line, now in changed
    ]
    return ProblemError("price-changed", members={"lines": lines})
