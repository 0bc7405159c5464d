"""The cart of a customer: one on all devices, after each purchase a new one, and a guest's cart merged into it."""

from engine.account import CartInUse, UseCart
from engine.cart import CartView, LookCart, MergeInto, OpenCart
from engine.kernel import Rejected
from engine.order import Status
from engine.reasons import Reason

from ..identity import OWN_CART, own_cart_id_of, successor_cart_id_of
from ..shop import Shop
from .lookups import order_of
from .problems import refused

MAX_STEPS = 50
"""Carts that are passed by on the way to the one in use, all bought since it was last asked for."""
MERGE_S = 5.0


async def cart_of_customer(shop: Shop, account_id: str) -> CartView:
    """The cart that the customer uses now, opened if need be; raises ProblemError for no account."""
    account = await shop.accounts.look(account_id)
    if account is None:
        raise refused(Rejected(Reason.NOT_FOUND))
    known = account.cart_id
    cart_id = known or own_cart_id_of(shop.secret, account_id)
    for _ in range(MAX_STEPS):
        reply = await shop.client.send("cart", cart_id, LookCart())
        if isinstance(reply, Rejected) and reply.reason is Reason.NOT_FOUND:
            reply = await shop.client.send("cart", cart_id, OpenCart())
        if isinstance(reply, Rejected):
            # It lay idle for too long: its successor begins empty.
            cart_id = own_cart_id_of(shop.secret, account_id, f"{cart_id}/idle")
            continue
        assert isinstance(reply, CartView)
        if not reply.sealed_by or not await has_bought(shop, reply.sealed_by):
            await _note(shop, account_id, known, cart_id)
            return reply
        cart_id = next_cart_id(shop, cart_id, reply.sealed_by, account_id)
    raise refused(Rejected(Reason.CART_EXPIRED))


async def merge_guest_cart(shop: Shop, account_id: str, cart_id: str, *, must_exist: bool) -> None:
    """Put a guest's lines into the customer's cart. Raises ProblemError, unless a login is only to try it."""
    if cart_id.startswith(OWN_CART):
        # It isn't a guest's, whosever it is.
        reply: object = Rejected(Reason.NOT_FOUND)
    else:
        target = await cart_of_customer(shop, account_id)
        reply = await shop.client.send("cart", cart_id, MergeInto(target.cart_id), settle_s=MERGE_S)
        if isinstance(reply, CartView) and not reply.merged_into:
            # The customer's cart is being checked out on another device.
            reply = Rejected(Reason.CART_SEALED)
    if isinstance(reply, Rejected) and must_exist:
        raise refused(reply)


async def has_bought(shop: Shop, order_id: str) -> bool:
    """Whether the order holds its cart's seal for good; one that failed, or may still fail, gives it back."""
    order = await order_of(shop, order_id)
    return order is not None and order.settlement is not None and order.settlement.status is Status.CONFIRMED


def next_cart_id(shop: Shop, cart_id: str, order_id: str, account_id: str) -> str:
    """The cart after one that the order has bought: the same, whoever asks."""
    if cart_id.startswith(OWN_CART):
        return own_cart_id_of(shop.secret, account_id, f"{cart_id}/{order_id}")
    return successor_cart_id_of(shop.secret, cart_id, order_id)


async def _note(shop: Shop, account_id: str, known: str, cart_id: str) -> None:
    if known != cart_id:
        # Of two devices that find another cart one is heard; both find the same.
        reply = await shop.client.send("account", account_id, UseCart(cart_id, known))
        assert isinstance(reply, CartInUse | Rejected)
