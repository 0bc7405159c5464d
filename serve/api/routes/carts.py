"""Carts by unguessable id, and their checkout."""

from typing import Annotated

import msgspec
from fastapi import Path
from starlette.responses import Response

from engine.cart import AddLine, CartView, ClearCart, OpenCart, RemoveLine, SetLine
from engine.kernel import Command, Rejected
from engine.reasons import Reason

from ...shop import Shop
from ..answers import response_of
from ..bounds import CART_ID_PATTERN
from ..cart_answer import cart_answer
from ..checkout import cart_of, check_out
from ..customer_carts import has_bought, next_cart_id
from ..lookups import sold_product_of
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, required_version, version_of
from ..prices import groups_of, sold_price
from ..problems import refused
from ..queries import Currency
from ..requests import idempotency_key_of, prefers_async
from ..routing import CartRoute, ThePrincipal, TheShop, router_of
from ..schemas.cart import Cart, CartLineIn, QuantityIn
from ..schemas.order import CheckoutIn
from ..sending import answered
from .orders import PURCHASE_RESPONSES, PreferHeader, PurchaseKey
from .products import SkuPath
from .stock import OptionalKey

MAX_SUCCESSORS = 50
"""Carts that one cart's id leads on to at most: whoever has bought that often must use the newest id."""

router = router_of(CartRoute, "carts")

CartPath = Annotated[str, Path(pattern=CART_ID_PATTERN, examples=["cart_3q2-7wEXAMPLEoeM8n4A1xw"])]
_TAGGED = {"headers": {"ETag": header("The cart's version.")}}
_OPENED = {"headers": {"ETag": header("The cart's version."), "Location": header("The new cart.")}}


@router.post("/v1/carts", response_model=Cart, status_code=201, responses={201: _OPENED, **problems()})
async def open_cart(shop: TheShop) -> Response:
    """Open an empty cart. Its id is all that it takes to change it: keep it."""
    cart = await _send(shop, f"cart_{shop.new_id()}", OpenCart())
    return await cart_answer(shop, cart, 201)


@router.get("/v1/carts/{cart_id}", response_model=Cart, responses={200: _TAGGED, **problems(401, 404, 410)})
async def look_cart(cart_id: CartPath, shop: TheShop, principal: ThePrincipal) -> Response:
    """The cart, with the prices of adding and of now."""
    return await cart_answer(shop, await cart_of(shop, cart_id), account_id=principal.account_id)


@router.post(
    "/v1/carts/{cart_id}/lines",
    response_model=Cart,
    responses={
        200: _TAGGED,
        201: {"model": Cart, "description": "The cart was bought: this is a new one.", **_OPENED},
        **body_problems(401, 404, 409, 410, 412),
    },
)
async def add_line(
    cart_id: CartPath,
    line: CartLineIn,
    shop: TheShop,
    principal: ThePrincipal,
    currency: Currency = "",
    if_match: IfMatch = None,
    idempotency_key: OptionalKey = None,
) -> Response:
    """Add units to a line. What is added to a cart that was bought already goes into a new cart."""
    product = await sold_product_of(shop, line.sku, "#/sku")
    price = sold_price(shop, product, currency, groups_of(shop, principal.account_id), pointer="#/sku").money
    version = await _required(shop, cart_id, if_match)
    command = AddLine(line.sku, line.quantity, price, product.title, idempotency_key or "", version)
    cart = await _add(shop, cart_id, command, principal.account_id)
    if cart.cart_id == cart_id:
        return await cart_answer(shop, cart, account_id=principal.account_id)
    return await cart_answer(shop, cart, 201, principal.account_id)


@router.put(
    "/v1/carts/{cart_id}/lines/{sku}",
    response_model=Cart,
    responses={200: _TAGGED, **body_problems(401, 404, 409, 410, 412)},
)
async def set_line(
    cart_id: CartPath,
    sku: SkuPath,
    line: QuantityIn,
    shop: TheShop,
    principal: ThePrincipal,
    currency: Currency = "",
    if_match: IfMatch = None,
) -> Response:
    """Make a line's quantity exactly this, at today's price."""
    product = await sold_product_of(shop, sku)
    price = sold_price(shop, product, currency, groups_of(shop, principal.account_id)).money
    version = await _required(shop, cart_id, if_match)
    command = SetLine(sku, line.quantity, price, product.title, if_version=version)
    return await cart_answer(shop, await _send(shop, cart_id, command), account_id=principal.account_id)


@router.delete(
    "/v1/carts/{cart_id}/lines/{sku}",
    response_model=Cart,
    responses={200: _TAGGED, **problems(401, 404, 409, 410, 412)},
)
async def remove_line(
    cart_id: CartPath, sku: SkuPath, shop: TheShop, principal: ThePrincipal, if_match: IfMatch = None
) -> Response:
    """Take a line out; one that isn't there is out already."""
    command = RemoveLine(sku, if_version=await _required(shop, cart_id, if_match))
    return await cart_answer(shop, await _send(shop, cart_id, command), account_id=principal.account_id)


@router.delete(
    "/v1/carts/{cart_id}/lines", response_model=Cart, responses={200: _TAGGED, **problems(401, 404, 409, 410, 412)}
)
async def clear_cart(cart_id: CartPath, shop: TheShop, principal: ThePrincipal, if_match: IfMatch = None) -> Response:
    """Take all lines out."""
    command = ClearCart(if_version=await _required(shop, cart_id, if_match))
    return await cart_answer(shop, await _send(shop, cart_id, command), account_id=principal.account_id)


@router.post("/v1/carts/{cart_id}/checkout", **PURCHASE_RESPONSES)
async def check_out_cart(
    cart_id: CartPath,
    checkout: CheckoutIn,
    shop: TheShop,
    principal: ThePrincipal,
    idempotency_key: PurchaseKey,
    prefer: PreferHeader = None,
) -> Response:
    """Buy the cart: all lines or none.

    Where a price rose since its line was added, nothing is bought, the cart shows the new price, and the problem
    `price-changed` lists the lines: checking out again accepts. Prices that fell are simply taken over.
    """
    key, account_id = idempotency_key_of(idempotency_key), principal.account_id
    bought = await check_out(
        shop, cart_id, checkout.to_request(), key, account_id=account_id, prefer_async=prefers_async(prefer)
    )
    return response_of(bought)


async def _add(shop: Shop, cart_id: str, command: AddLine, account_id: str) -> CartView:
    """Add to the cart or, where an order has bought it, to its successor, or to that one's.

    The successor's id is made from the cart and the order that bought it: two tabs, or a retry, open one cart, not two.
    """
    for successors in range(MAX_SUCCESSORS + 1):
        reply = await shop.client.send("cart", cart_id, command)
        if isinstance(reply, CartView):
            return reply
        assert isinstance(reply, Rejected)
        order_id = reply.details.get("order_id", "") if reply.reason is Reason.CART_SEALED else ""
        if successors == MAX_SUCCESSORS or not order_id or not await has_bought(shop, order_id):
            raise refused(reply)
        cart_id = next_cart_id(shop, cart_id, order_id, account_id)
        await _send(shop, cart_id, OpenCart())
        # A version that the shopper saw was the old cart's.
        command = msgspec.structs.replace(command, if_version=None)
    raise AssertionError("the last round has returned or raised")


async def _send(shop: Shop, cart_id: str, command: Command) -> CartView:
    return await answered(shop, "cart", cart_id, command, CartView)


async def _required(shop: Shop, cart_id: str, if_match: str | None) -> int | None:
    return await required_version(if_match, version_of(cart_of, shop, cart_id))
