"""From lines and wishes to a quote and the claims of an order: coupons looked up, cards shared out, prices held to what
was seen.

Here is only looked: whether a coupon can still be used and a card still pays is decided by its entity, when the order
reserves it.
"""

from asyncio import gather
from collections.abc import Iterable, Mapping

import msgspec

from engine.cart import Line
from engine.category_tree import Taxonomy
from engine.coupon import CouponView, LookCoupon
from engine.gift_card import CardView, LookCard, store_credit_key
from engine.kernel import Rejected, invalid
from engine.money import MOST_TOTAL
from engine.order import Claim
from engine.pricing import Context, Goods, Promotion, Quote, ShippingMethod, UnusedCoupon, quote
from engine.product import ProductView
from engine.reasons import Reason

from ..shop import Shop
from .assortment import taxonomy_of
from .charges import charges_of
from .problems import ProblemError, refused
from .wishes import ExpectedTotal, Wishes


class Charged(msgspec.Struct, frozen=True):
    """What a purchase costs, and what it claims beside its goods."""

    quote: Quote
    claims: tuple[Claim, ...]
    options: tuple[tuple[str, str, int], ...] = ()
    """Shipping methods: id, title, price."""


async def charged(
    shop: Shop,
    wishes: Wishes,
    lines: Iterable[Line],
    products: Mapping[str, ProductView | None],
    *,
    account_id: str = "",
    binding: bool = True,
) -> Charged:
    """What the lines cost now. A `binding` one is for a purchase: raises ProblemError for whatever the shopper would
    have to decide first."""
    goods = _goods(lines, products, taxonomy_of(shop))
    if sum(one.amount for one in goods) > MOST_TOTAL:
        raise refused(invalid("lines", f"cost at most {MOST_TOTAL} minor units together"))
    currency, region = goods[0].price.currency, wishes.region
    coupons, unusable = await _coupons_of(shop, wishes.coupons)
    context = Context(
        currency,
        shop.now(),
        region,
        account_id,
        shop.offers.groups_of(account_id) if account_id else (),
        coupons={code: coupon.promotion_id for code, coupon in coupons.items()},
    )
    promotions = _promotions(shop, context)
    method = _method_of(shop, wishes)
    if binding:
        _require_choices(shop, wishes, currency)
    quoted = quote(goods, promotions, context, shop.offers.tax_rules(region), wishes.method, method)
    if quoted is None:
        raise ProblemError("shipping-unavailable")
    quoted = msgspec.structs.replace(quoted, unused=(*unusable, *quoted.unused))
    claims = [Claim("coupon", code, 1, terms=context.coupons[code], name=code) for code in quoted.coupons]
    claims += await _tenders(shop, wishes, account_id, quoted)
    if binding:
        _hold_to_what_was_seen(quoted, claims, wishes.expected_total)
        return Charged(quoted, tuple(claims))
    return Charged(quoted, tuple(claims), _options(shop, goods, promotions, context))


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each SKU, at the first price: as an order has them."""
    found: dict[str, Line] = {}
    for line in lines:
        first = found.get(line.sku)
        found[line.sku] = msgspec.structs.replace(first, quantity=first.quantity + line.quantity) if first else line
    return tuple(found.values())


def _goods(lines: Iterable[Line], products: Mapping[str, ProductView | None], tree: Taxonomy) -> list[Goods]:
    goods = []
    for line in lines:
        product = products[line.sku]
        assert product is not None, "only what is sold is quoted"
        categories = _categories_of(product, tree)
        goods.append(Goods(line.sku, line.quantity, line.price, categories, product.tax_class, product.weight_g))
    return goods


def _categories_of(product: ProductView, tree: Taxonomy) -> tuple[str, ...]:
    """Its categories and all above them by id, and the names on its path."""
    ids = list(product.categories)
    if (main := tree.id_at(product.category)) is not None:
        ids.append(main)
    above = (category.id for one in ids for category in tree.path_to(one))
    return tuple(dict.fromkeys((*product.category, *ids, *above)))


async def _coupons_of(shop: Shop, codes: Iterable[str]) -> tuple[dict[str, CouponView], tuple[UnusedCoupon, ...]]:
    """Coupons by code, and codes that can't be used as far as is known here."""
    keys = list(codes)
    replies = await gather(*(shop.client.send("coupon", key, LookCoupon()) for key in keys))
    found: dict[str, CouponView] = {}
    unusable = []
    for key, reply in zip(keys, replies, strict=True):
        if not isinstance(reply, CouponView):
            unusable.append(UnusedCoupon(key, str(Reason.COUPON_UNKNOWN)))
        elif not reply.enabled or (reply.ends_at and shop.now() >= reply.ends_at):
            unusable.append(UnusedCoupon(key, str(Reason.COUPON_ENDED)))
        elif reply.limit and reply.used >= reply.limit:
            unusable.append(UnusedCoupon(key, str(Reason.COUPON_EXHAUSTED)))
        else:
            found[key] = reply
    return found, tuple(unusable)


def _promotions(shop: Shop, context: Context) -> dict[str, Promotion]:
    promotions = dict(shop.offers.automatic())
    for promotion_id in context.coupons.values():
        if (promotion := shop.offers.promotion(promotion_id)) is not None:
            promotions[promotion_id] = promotion
    return promotions


def _method_of(shop: Shop, wishes: Wishes) -> ShippingMethod | None:
    method = shop.offers.method(wishes.method) if wishes.method else None
    if wishes.method and method is None:
        raise ProblemError("shipping-unavailable")
    return method


def _require_choices(shop: Shop, wishes: Wishes, currency: str) -> None:
    if shop.offers.taxes and not wishes.region:
        raise ProblemError("region-required")
    if not wishes.method and any(True for _ in shop.offers.methods(currency)):
        raise ProblemError("shipping-required")


def _options(
    shop: Shop, goods: list[Goods], promotions: Mapping[str, Promotion], context: Context
) -> tuple[tuple[str, str, int], ...]:
    options = []
    for method_id, method in shop.offers.methods(context.currency):
        quoted = quote(goods, promotions, context, None, method_id, method)
        if quoted is not None and quoted.shipping is not None:
            options.append((method_id, method.title, quoted.shipping.total))
    return tuple(options)


async def _tenders(shop: Shop, wishes: Wishes, account_id: str, quoted: Quote) -> list[Claim]:
    """Gift cards in the order in which they were given, then the account's credit, until nothing is left to pay."""
    sources = [("gift-card", key, hint) for key, hint in wishes.cards.items()]
    if wishes.store_credit:
        if not account_id:
            raise ProblemError("unauthorized", "Store credit belongs to an account: log in to use it.")
        sources.append(("store-credit", store_credit_key(account_id, quoted.currency), "store credit"))
    claims, left = [], quoted.total
    for kind, key, name in sources:
        reply = await shop.client.send(kind, key, LookCard())
        if isinstance(reply, CardView):
            amount = min(left, _usable(reply, kind, name, quoted))
        elif kind == "gift-card":
            raise refused(Rejected(Reason.GIFT_CARD_UNKNOWN, {"gift_card": name}))
        else:
            amount = 0
        if amount:
            claims.append(Claim(kind, key, amount, pays=True, terms=quoted.currency, name=name))
            left -= amount
    return claims


def _usable(card: CardView, kind: str, name: str, quoted: Quote) -> int:
    """What the card can pay now; raises ProblemError for one that can't pay at all."""
    details = {"gift_card": name}
    if card.blocked:
        raise refused(Rejected(Reason.GIFT_CARD_BLOCKED, details))
    if card.expires_at and quoted.at >= card.expires_at:
        raise refused(Rejected(Reason.GIFT_CARD_EXPIRED, details))
    if card.currency != quoted.currency:
        raise refused(Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted((card.currency, quoted.currency))}))
    if kind == "gift-card" and not card.available:
        raise refused(Rejected(Reason.GIFT_CARD_INSUFFICIENT, {**details, "requested": 1, "available": 0}))
    return card.available


def _hold_to_what_was_seen(quoted: Quote, claims: list[Claim], expected: ExpectedTotal | None) -> None:
    if quoted.unused:
        unused = [{"code": each.code, "why": each.why} for each in quoted.unused]
        raise ProblemError("coupon-unused", members={"coupons": unused})
    if expected is None:
        return
    if expected.currency != quoted.currency or quoted.total > expected.amount:
        charges = msgspec.to_builtins(charges_of(quoted, claims))
        raise ProblemError("price-changed", members={"charges": charges})
