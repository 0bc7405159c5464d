"""What a cart keeps beside its lines, and what it would cost with that."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.cart import CartView
from engine.coupon import CouponView, LookCoupon, normalized
from engine.gift_card import CardView, LookCard
from engine.kernel import Rejected
from engine.reasons import Reason
from engine.wishes import KeepCoupon, KeepDelivery, KeepGiftCard, KeptCard, WishCommand

from ...shop import Shop
from ...vouchers import gift_card_key, hint_of
from ..bounds import COUPON_CODE_PATTERN, GIFT_CARD_ID_PATTERN
from ..cart_answer import cart_answer
from ..checkout import quotable_cart
from ..openapi import body_problems, problems
from ..problems import refused
from ..quoting import charged
from ..routing import CartRoute, ThePrincipal, TheShop, router_of
from ..schemas.cart import Cart
from ..schemas.quote import DeliveryIn, QuoteOut, QuoteWishesIn
from ..schemas.vouchers import GiftCardCodeIn
from ..wishes import WishRequest, wishes_of
from .carts import CartPath
from .quotes import quote_answer

router = router_of(CartRoute, "carts")

CodePath = Annotated[str, Path(pattern=COUPON_CODE_PATTERN, examples=["SUMMER-10"])]
CardPath = Annotated[str, Path(pattern=GIFT_CARD_ID_PATTERN, examples=["gc_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]
_CHANGED = problems(400, 401, 404, 409, 410)


@router.post("/v1/carts/{cart_id}/quote", response_model=QuoteOut, responses=body_problems(401, 404, 409, 410))
async def quote_cart(
    cart_id: CartPath, shop: TheShop, principal: ThePrincipal, wanted: QuoteWishesIn | None = None
) -> Response:
    """What checking the cart out would cost, with what it keeps and what is given here."""
    request = WishRequest(**wanted.wishes()) if wanted else WishRequest()
    cart, products = await quotable_cart(shop, cart_id)
    wishes = wishes_of(shop.secret, request, cart.wishes)
    costs = await charged(shop, wishes, cart.lines, products, account_id=principal.account_id, binding=False)
    return quote_answer(shop, costs)


@router.put("/v1/carts/{cart_id}/coupons/{code}", response_model=Cart, responses=_CHANGED)
async def keep_coupon(cart_id: CartPath, code: CodePath, shop: TheShop, principal: ThePrincipal) -> Response:
    """Keep a coupon code in the cart; what it takes off is in `charges`."""
    key = normalized(code)
    reply = await shop.client.send("coupon", key, LookCoupon()) if key else None
    if not isinstance(reply, CouponView):
        raise refused(Rejected(Reason.COUPON_UNKNOWN, {"coupon": key}))
    return await _kept(shop, principal.account_id, cart_id, KeepCoupon(key))


@router.delete("/v1/carts/{cart_id}/coupons/{code}", response_model=Cart, responses=_CHANGED)
async def drop_coupon(cart_id: CartPath, code: CodePath, shop: TheShop, principal: ThePrincipal) -> Response:
    """Take a code out; one that isn't there is out already."""
    return await _kept(shop, principal.account_id, cart_id, KeepCoupon(normalized(code), wanted=False))


@router.post("/v1/carts/{cart_id}/gift-cards", response_model=Cart, responses=body_problems(401, 404, 409, 410))
async def keep_gift_card(cart_id: CartPath, card: GiftCardCodeIn, shop: TheShop, principal: ThePrincipal) -> Response:
    """Pay with a gift card when the cart is checked out. The cart keeps which one, never its code."""
    key = gift_card_key(shop.secret, card.code)
    if not isinstance(await shop.client.send("gift-card", key, LookCard()), CardView):
        raise refused(Rejected(Reason.GIFT_CARD_UNKNOWN, {"gift_card": hint_of(card.code)}))
    return await _kept(shop, principal.account_id, cart_id, KeepGiftCard(KeptCard(key, hint_of(card.code))))


@router.delete("/v1/carts/{cart_id}/gift-cards/{card_id}", response_model=Cart, responses=_CHANGED)
async def drop_gift_card(cart_id: CartPath, card_id: CardPath, shop: TheShop, principal: ThePrincipal) -> Response:
    """Take a gift card out; one that isn't there is out already."""
    return await _kept(shop, principal.account_id, cart_id, KeepGiftCard(KeptCard(card_id, ""), wanted=False))


@router.put("/v1/carts/{cart_id}/shipping", response_model=Cart, responses=body_problems(401, 404, 409, 410))
async def keep_delivery(cart_id: CartPath, delivery: DeliveryIn, shop: TheShop, principal: ThePrincipal) -> Response:
    """Choose how and where to deliver; what is left out is not chosen."""
    return await _kept(
        shop, principal.account_id, cart_id, KeepDelivery(delivery.method, delivery.to_address(), delivery.region)
    )


async def _kept(shop: Shop, account_id: str, cart_id: str, command: WishCommand) -> Response:
    reply = await shop.client.send("cart", cart_id, command)
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, CartView)
    return await cart_answer(shop, reply, account_id=account_id)
