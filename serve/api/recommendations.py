"""Recommendations as an answer: who may ask for whom, what is asked for, and the list as plain bytes.

The lean front and the route share it. What nobody in particular asks for is made once for all within a moment, but for
the list's id: by it a click finds the list that it came from.
"""

import asyncio
import re
import time
from typing import NamedTuple, Protocol

import msgspec

from actors.errors import ActorsError
from engine.price_list import Price
from engine.product import ProductView

from ..access.principal import ANONYMOUS, Principal, Scope
from ..cache.cache import Cache, Made
from ..identity import OWN_CART, is_own_cart
from ..recommendations.port import Variant
from ..recommendations.service import KNOWN_WITHIN_S, Asked, Chosen, Item
from ..shop import Shop
from .answers import HttpAnswer, answer
from .auth import forbidden, unauthorized
from .bounds import (
    ACCOUNT_ID_PATTERN,
    ANONYMOUS_ID_PATTERN,
    CART_ID_PATTERN,
    CURRENCY_PATTERN,
    MARKET_PATTERN,
    MAX_RECOMMENDATIONS,
    SKU_PATTERN,
    whole,
)
from .checkout import cart_of
from .prices import groups_of, shelf_price
from .problems import ProblemError

ID_PREFIX = "rec_"
PLACEMENTS = ("home", "product", "cart", "checkout")
DEFAULT_LIMIT = 10
TOGETHER = ("cart", "checkout")
"""Where, beside a product, what is bought with it is wanted."""
_NOT_FOUND = "not-found"


class Wanted(NamedTuple):
    """A request's parameters, each within its bounds."""

    placement: str = PLACEMENTS[0]
    limit: int = DEFAULT_LIMIT
    customer: str = ""
    anonymous_id: str = ""
    session: str = ""
    cart: str = ""
    sku: str = ""
    market: str = ""
    currency: str = ""


_PATTERNS = {
    "placement": "^(" + "|".join(PLACEMENTS) + ")$",
    "limit": "^[1-9][0-9]?$",
    "customer": ACCOUNT_ID_PATTERN,
    "anonymous_id": ANONYMOUS_ID_PATTERN,
    "session": ANONYMOUS_ID_PATTERN,
    "cart": CART_ID_PATTERN,
    "sku": SKU_PATTERN,
    "market": MARKET_PATTERN,
    "currency": CURRENCY_PATTERN,
}
_is_fit = {name: re.compile(whole(pattern)).match for name, pattern in _PATTERNS.items()}


def common_wanted(query: str) -> Wanted | None:
    """The parameters of a query in its common form: each once, nothing escaped, all within bounds; else None."""
    if "%" in query or "+" in query:
        return None
    given: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        fits = _is_fit.get(name)
        if fits is None or name in given or fits(value) is None:
            return None
        given[name] = value
    if not given:
        return Wanted()
    limit = int(given.pop("limit", DEFAULT_LIMIT))
    return Wanted(limit=limit, **given) if limit <= MAX_RECOMMENDATIONS else None


class ShownReason(msgspec.Struct, frozen=True, gc=False):
    type: str
    sku: str | None
    text: str


class ShownMoney(msgspec.Struct, frozen=True, gc=False):
    amount: int
    currency: str


class ShownItem(msgspec.Struct, frozen=True, gc=False):
    """`schemas.recommendations.RecommendedItem` is the same for OpenAPI."""

    sku: str
    title: str
    price: ShownMoney
    compare_at_price: ShownMoney | None
    image: str | None
    vendor: str
    reason: ShownReason


class ShownList(msgspec.Struct, frozen=True, gc=False):
    """All of an answer but the list's id and the chances of the variant, which differ from visitor to visitor."""

    placement: str
    variant: str
    model: str
    version: str
    fallback: str | None
    items: list[ShownItem]


class _Noted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What has to be known of a list that is kept, to note that it was shown."""

    variant: str
    model: str
    version: str
    fallback: str
    skus: tuple[str, ...]


_encode = msgspec.json.Encoder().encode
_encode_noted = msgspec.msgpack.Encoder().encode
_decode_noted = msgspec.msgpack.Decoder(_Noted).decode
NOTED = b"x-noted"
"""The header under which a kept list carries what is noted of it; it never leaves the process so."""

Kept = Cache[HttpAnswer]


async def recommend(
    shop: Shop, wanted: Wanted, principal: Principal, *, unlinked: bool = False, kept: Kept | None = None
) -> HttpAnswer:
    """The answer. `unlinked`: the shopper doesn't want to be known by a device. Raises ProblemError for whoever may not
    ask."""
    customer = _customer_of(wanted, principal)
    _admit_to_cart(shop, wanted.cart, principal)
    groups = groups_of(shop, customer)
    basket = await _basket(shop, wanted.cart) if wanted.cart else ()
    device = "" if unlinked else wanted.anonymous_id or wanted.session
    asked = Asked(
        wanted.placement,
        wanted.limit,
        wanted.market,
        customer,
        device,
        wanted.session if wanted.anonymous_id or customer else "",
        wanted.sku,
        basket,
        wanted.placement in TOGETHER,
    )
    list_id = ID_PREFIX + shop.new_id()
    if kept is not None and not (asked.visitor or basket or groups or unlinked):
        return await _of_all(shop, wanted, asked, list_id, kept)
    chosen = await shop.recommendations.choose(asked, list_id, _price(shop, wanted.currency, groups))
    shown = shown_list(asked.placement, chosen)
    noted = asked._replace(customer="", anonymous_id="", session="") if unlinked else asked
    shop.recommendations.shown(noted, list_id, chosen, tuple(item.product.sku for item in chosen.items))
    return answer(200, with_id(list_id, chosen.propensity, _encode(shown)))


async def _of_all(shop: Shop, wanted: Wanted, asked: Asked, list_id: str, kept: Kept) -> HttpAnswer:
    """As somebody asks of whom nothing is known: within a second the same list for all of them, by either variant."""
    begun = time.perf_counter()
    service = shop.recommendations
    market = service.asking.market_of(asked.market)
    drawn = service.asking.draw(market, list_id)
    made_here = False

    async def make() -> Made[HttpAnswer]:
        nonlocal made_here
        made_here = True
        chosen = await service.choose(asked, list_id, _price(shop, wanted.currency, ()))
        body = _encode(shown_list(asked.placement, chosen))
        skus = tuple(item.product.sku for item in chosen.items)
        noted = _encode_noted(_Noted(chosen.variant, chosen.model, chosen.version, chosen.fallback, skus))
        # It depends on nothing by name: no sale shall have to look for the lists that show what was sold. A list that
        # is at most a second old is good enough.
        return Made(HttpAnswer(200, [(NOTED, noted)], body), len(body) + len(noted), frozenset())

    key = f"recommendations?{drawn.variant}&{'&'.join(map(str, wanted))}"
    found = await kept.get(key, make, share=True)
    noted = _decode_noted(found.headers[0][1])
    chosen = Chosen(Variant(noted.variant), noted.model, noted.version, noted.fallback, drawn.propensity, ())
    if not made_here:
        service.figures.heard(market, chosen.variant, chosen.fallback, time.perf_counter() - begun)
    service.shown(asked, list_id, chosen, noted.skus)
    return answer(200, with_id(list_id, drawn.propensity, found.body))


def with_id(list_id: str, propensity: float, rest: bytes) -> bytes:
    """The whole answer."""
    return b'{"recommendation_id":"%b","propensity":%.6g,%b' % (list_id.encode(), propensity, rest[1:])


def shown_list(placement: str, chosen: Chosen) -> ShownList:
    """The list as shoppers see it."""
    items = [_shown(item) for item in chosen.items]
    return ShownList(placement, chosen.variant, chosen.model, chosen.version, chosen.fallback or None, items)


def _shown(item: Item) -> ShownItem:
    product, price, reason = item
    money, compare_at = price.money, price.compare_at
    return ShownItem(
        product.sku,
        product.title,
        ShownMoney(money.amount, money.currency),
        ShownMoney(compare_at, money.currency) if compare_at else None,
        product.images[0] if product.images else None,
        product.vendor,
        ShownReason(reason.type, reason.sku or None, reason.text),
    )


class _Prices(Protocol):
    def __call__(self, product: ProductView) -> Price | None: ...


def _price(shop: Shop, currency: str, groups: tuple[str, ...]) -> _Prices:
    def price(product: ProductView) -> Price | None:
        return shelf_price(shop, product, currency, groups)

    return price


def _customer_of(wanted: Wanted, principal: Principal) -> str:
    """The customer for whom it is: whoever asks, or one whom the staff names."""
    if not wanted.customer or wanted.customer == principal.account_id:
        return principal.account_id
    if principal is ANONYMOUS:
        raise unauthorized()
    if not principal.may(Scope.MERCHANT):
        raise forbidden(Scope.MERCHANT)
    return wanted.customer


def _admit_to_cart(shop: Shop, cart_id: str, principal: Principal) -> None:
    """A guest's cart opens to whoever knows its id, a customer's to that customer."""
    if not cart_id.startswith(OWN_CART):
        return
    if principal is ANONYMOUS:
        raise unauthorized()
    if not is_own_cart(shop.secret, cart_id, principal.account_id):
        raise ProblemError(_NOT_FOUND)


async def _basket(shop: Shop, cart_id: str) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(KNOWN_WITHIN_S):
            cart = await cart_of(shop, cart_id)
    except (ActorsError, TimeoutError):
        # Recommendations do without it.
        return ()
    return tuple(dict.fromkeys(line.sku for line in cart.lines))
