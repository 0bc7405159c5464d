"""Which promotions apply, in which order, and what each takes off every line and the shipping."""

from collections.abc import Iterable, Mapping, Sequence

from .allocation import BASIS_POINTS, allocate, half_up
from .goods import Context, Goods
from .promotion import Benefit, Promotion, chosen, is_on, reaches_thresholds
from .values import Discount, UnusedCoupon

SHIPPING = ""
"""The name of the shipping among the lines: no SKU is empty."""


class Reductions:
    """What has been taken off so far, and what is left of each line and of the shipping."""

    def __init__(self, goods: Sequence[Goods], shipping: int) -> None:
        self.goods = sorted(goods, key=lambda one: one.sku)
        self.left = {one.sku: one.amount for one in self.goods}
        self.left[SHIPPING] = shipping
        self.discounts: dict[str, list[Discount]] = {name: [] for name in self.left}
        self.coupons: list[str] = []
        self.unused: list[UnusedCoupon] = []

    def take(self, promotion_id: str, promotion: Promotion, coupon: str, off: Mapping[str, int]) -> None:
        for name, amount in off.items():
            if amount:
                self.left[name] -= amount
                self.discounts[name].append(Discount(promotion_id, promotion.title, amount, coupon))


def reduce(goods: Sequence[Goods], shipping: int, promotions: Mapping[str, Promotion], context: Context) -> Reductions:
    """Apply the promotions to the goods and to a shipping price."""
    reductions = Reductions(goods, shipping)
    codes = {promotion_id: code for code, promotion_id in sorted(context.coupons.items(), reverse=True)}
    applied: list[Promotion] = []
    for promotion_id, promotion in _by_priority(promotions, codes):
        coupon = codes.get(promotion_id, "") if promotion.needs_coupon else ""
        off = _taken_off(promotion, reductions) if is_on(promotion, context) else {}
        if not any(off.values()):
            _note_unused(reductions, coupon, "not-applicable")
        elif _is_excluded(promotion, applied):
            _note_unused(reductions, coupon, "excluded")
        else:
            reductions.take(promotion_id, promotion, coupon, off)
            applied.append(promotion)
            if coupon:
                reductions.coupons.append(coupon)
    known = {*reductions.coupons, *(unused.code for unused in reductions.unused)}
    for code in sorted(set(context.coupons) - known):
        # Two codes of one promotion: one of them is enough.
        _note_unused(reductions, code, "excluded" if context.coupons[code] in promotions else "not-applicable")
    return reductions


def _by_priority(promotions: Mapping[str, Promotion], codes: Mapping[str, str]) -> list[tuple[str, Promotion]]:
    """Automatic ones and those whose code was given."""
    wanted = [(key, each) for key, each in promotions.items() if not each.needs_coupon or key in codes]
    return sorted(wanted, key=lambda item: (-item[1].priority, item[0]))


def _is_excluded(promotion: Promotion, applied: Iterable[Promotion]) -> bool:
    return any(
        other.exclusive or promotion.exclusive or (promotion.stacking and other.stacking == promotion.stacking)
        for other in applied
    )


def _note_unused(reductions: Reductions, coupon: str, why: str) -> None:
    if coupon:
        reductions.unused.append(UnusedCoupon(coupon, why))


def _taken_off(promotion: Promotion, reductions: Reductions) -> dict[str, int]:
    about = chosen(reductions.goods, promotion.products, promotion.categories)
    if not reaches_thresholds(promotion, about):
        return {}
    match promotion.benefit:
        case Benefit.FREE_SHIPPING:
            return _off_shipping(promotion, reductions.left[SHIPPING])
        case Benefit.BUY_X_GET_Y:
            return _got(promotion, reductions, about)
        case Benefit.AMOUNT if promotion.each:
            return {one.sku: min(reductions.left[one.sku], promotion.amount * one.quantity) for one in about}
    left = {one.sku: reductions.left[one.sku] for one in about}
    together = sum(left.values())
    if promotion.benefit is Benefit.PERCENTAGE:
        return allocate(half_up(together * promotion.percent_bp, BASIS_POINTS), left)
    return allocate(min(promotion.amount, together), left)


def _off_shipping(promotion: Promotion, price: int) -> dict[str, int]:
    off = half_up(price * promotion.percent_bp, BASIS_POINTS)
    return {SHIPPING: min(off, promotion.amount) if promotion.amount else off}


def _got(promotion: Promotion, reductions: Reductions, about: list[Goods]) -> dict[str, int]:
    """What is off the units that are got: always the cheapest, as the law of most places has it understood."""
    others = bool(promotion.get_products or promotion.get_categories)
    to_get = chosen(reductions.goods, promotion.get_products, promotion.get_categories) if others else about
    if others:
        got_skus = {one.sku for one in to_get}
        bought = sum(one.quantity for one in about if one.sku not in got_skus)
        times = bought // promotion.buy
    else:
        times = sum(one.quantity for one in about) // (promotion.buy + promotion.get)
    units = min(times, promotion.most_times or times) * promotion.get
    off: dict[str, int] = {}
    for one in sorted(to_get, key=lambda one: (one.price.amount, one.sku)):
        free = min(units, one.quantity)
        units -= free
        price = half_up(one.price.amount * free * promotion.percent_bp, BASIS_POINTS)
        off[one.sku] = min(reductions.left[one.sku], price)
    return off
