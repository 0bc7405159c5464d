"""A cart's checkout: hold the cart's prices to today's, then place the order that seals it."""

from asyncio import sleep

from engine.cart import CartView, Line, LookCart, Reprice
from engine.kernel import Rejected
from engine.order import Place, Status
from engine.product import ProductView
from engine.reasons import Reason

from ..identity import fingerprint_of, order_id_of
from ..shop import Shop
from .answers import HttpAnswer
from .lookups import order_of, product_unavailable, products_of
from .problems import ProblemError, refused
from .purchase import customer_of, settle
from .requests import CheckoutRequest

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
    if await order_of(shop, order_id) is None:
        await _prepare(shop, cart_id, order_id)
    place = Place(
        fingerprint=fingerprint_of("checkout", cart_id, request),
        email=request.email,
        gateway=request.payment.method,
        token=request.payment.token,
        cart_id=cart_id,
        customer=account_id or customer_of(request.email),
        payment_window_s=shop.settings.payment_window_s,
    )
    return await settle(shop, order_id, place, prefer_async=prefer_async)


async def _prepare(shop: Shop, cart_id: str, order_id: str) -> None:
    """See that the cart can be bought and costs no more than the shopper has seen; take over prices that fell.

    The cart may change again before the order seals it: then the order buys what the seal tells, at prices that the
    shopper saw when adding.
    """
    cart = await _unsealed(shop, cart_id, order_id)
    if not cart.lines:
        raise refused(Rejected(Reason.CART_EMPTY))
    changed = await _changed_lines(shop, cart)
    if not changed:
        return
    reply = await shop.client.send("cart", cart_id, Reprice({line.sku: now.price for line, now in changed}))
    if isinstance(reply, Rejected):
        raise refused(reply)
    if any(_costs_more(line, now) for line, now in changed):
        raise _price_changed(changed)


async def cart_of(shop: Shop, cart_id: str) -> CartView:
    """The cart as it is now; raises ProblemError if there is none."""
    reply = await shop.client.send("cart", cart_id, LookCart())
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, CartView)
    return reply


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


async def _changed_lines(shop: Shop, cart: CartView) -> list[tuple[Line, ProductView]]:
    products = await products_of(shop, [line.sku for line in cart.lines])
    changed = []
    for line in cart.lines:
        if (product := products[line.sku]) is None:
            raise product_unavailable(line.sku)
        if product.price != line.price:
            changed.append((line, product))
    return changed


def _costs_more(line: Line, now: ProductView) -> bool:
    # Another currency can't be compared: that is for the shopper to accept.
    return now.price.currency != line.price.currency or now.price.amount > line.price.amount


def _price_changed(changed: list[tuple[Line, ProductView]]) -> ProblemError:
    lines = [
        {
            "sku": line.sku,
            "price": {"amount": line.price.amount, "currency": line.price.currency},
            "current_price": {"amount": now.price.amount, "currency": now.price.currency},
        }
        for line, now in changed
    ]
    return ProblemError("price-changed", members={"lines": lines})
