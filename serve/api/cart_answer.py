"""A cart as bytes. `schemas.cart.Cart` is the same contract for OpenAPI; a test holds this to it.

A full cart is shown after each line that is added, so a line must cost next to nothing here: the hundredth is added
about as fast as the first.
"""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from engine.cart import CartView, Line
from engine.money import Money
from engine.product import ProductView
from engine.wishes import CartWishes

from ..shop import Shop
from .answers import answer, response_of, timestamp
from .charges import ChargesOut, charges_of
from .lookups import products_of
from .preconditions import version_tag
from .prices import groups_of, shelf_price
from .problems import ProblemError
from .quoting import Charged, charged
from .wishes import WishRequest, keeps_nothing, wishes_of


class MoneyOut(msgspec.Struct, frozen=True, gc=False):
    amount: int
    currency: str


class LineOut(msgspec.Struct, frozen=True, gc=False):
    sku: str
    title: str
    quantity: int
    price: MoneyOut
    current_price: MoneyOut | None
    price_changed: bool
    total: MoneyOut


class AddressOut(msgspec.Struct, frozen=True, gc=False):
    name: str
    line1: str
    city: str
    country: str
    line2: str
    postal_code: str
    region: str
    phone: str


class UnusedOut(msgspec.Struct, frozen=True, gc=False):
    code: str
    why: str


class CardOut(msgspec.Struct, frozen=True, gc=False):
    id: str
    hint: str


class KeptOut(msgspec.Struct, frozen=True, gc=False):
    """What was entered beside the lines."""

    coupons: list[str]
    gift_cards: list[CardOut]
    method: str
    address: AddressOut | None
    region: str


class CartOut(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    id: str
    version: int
    status: str
    order_id: str | None
    lines: list[LineOut]
    total: MoneyOut | None
    updated_at: str
    kept: KeptOut | None = None
    charges: ChargesOut | None = None
    unused_coupons: list[UnusedOut] = []


_encode = msgspec.json.Encoder().encode


async def cart_answer(shop: Shop, cart: CartView, status: int = 200, account_id: str = "") -> Response:
    """The cart with the prices of adding and of now; 201 tells where it is."""
    products = await products_of(shop, [line.sku for line in cart.lines])
    headers = [("etag", version_tag(cart.version))]
    if status == 201:
        headers.append(("location", f"/v1/carts/{cart.cart_id}"))
    costs = await _costs(shop, cart, products, account_id)
    return response_of(
        answer(status, _encode(_cart_out(shop, cart, products, costs, groups_of(shop, account_id))), headers=headers)
    )


async def _costs(
    shop: Shop, cart: CartView, products: Mapping[str, ProductView | None], account_id: str
) -> Charged | None:
    """What it would cost, where that is more than its lines; None also if it can't be bought as it is."""
    if (shop.offers.none and keeps_nothing(cart.wishes)) or not cart.lines or None in products.values():
        return None
    try:
        wishes = wishes_of(shop.secret, WishRequest(), cart.wishes)
        return await charged(shop, wishes, cart.lines, products, account_id=account_id, binding=False)
    except ProblemError:
        return None


def _kept_out(wishes: CartWishes) -> KeptOut:
    cards = [CardOut(card.key, card.hint) for card in wishes.gift_cards]
    address = AddressOut(*msgspec.structs.astuple(wishes.address)) if wishes.address else None
    return KeptOut(list(wishes.coupons), cards, wishes.method, address, wishes.region)


def _cart_out(
    shop: Shop,
    cart: CartView,
    products: Mapping[str, ProductView | None],
    costs: Charged | None,
    groups: tuple[str, ...],
) -> CartOut:
    return CartOut(
        id=cart.cart_id,
        version=cart.version,
        status="sealed" if cart.sealed_by else "open",
        order_id=cart.sealed_by or None,
        lines=[_line_out(shop, line, products[line.sku], groups) for line in cart.lines],
        total=_total_of(cart.lines),
        updated_at=timestamp(cart.updated_at),
        kept=_kept_out(cart.wishes) if cart.wishes else None,
        charges=charges_of(costs.quote, costs.claims) if costs else None,
        unused_coupons=[UnusedOut(each.code, each.why) for each in costs.quote.unused] if costs else [],
    )


def _line_out(shop: Shop, line: Line, product: ProductView | None, groups: tuple[str, ...]) -> LineOut:
    price = shelf_price(shop, product, line.price.currency, groups) if product else None
    shown = MoneyOut(line.price.amount, line.price.currency)
    changed = price is None or price.money != line.price
    return LineOut(
        line.sku,
        line.title,
        line.quantity,
        shown,
        (_money(price.money) if price else None) if changed else shown,
        changed,
        shown if line.quantity == 1 else MoneyOut(line.price.amount * line.quantity, line.price.currency),
    )


def _total_of(lines: tuple[Line, ...]) -> MoneyOut | None:
    if not lines:
        return None
    return MoneyOut(sum(line.price.amount * line.quantity for line in lines), lines[0].price.currency)


def _money(money: Money) -> MoneyOut:
    return MoneyOut(money.amount, money.currency)
