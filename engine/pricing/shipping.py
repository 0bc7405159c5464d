"""Shipping methods: where to, and for how much, by the weight or the amount of the goods."""

import msgspec

from ..kernel import Event
from .goods import Context, Goods


class ShippingTier(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """From this weight (g) or amount (minor units) on, bringing it costs `price` minor units."""

    starts_at: int
    price: int


class ShippingMethod(Event, frozen=True):
    """The method is now this: the highest tier that is reached tells the price; before the first, it isn't offered.

    `regions` empty: everywhere. With `free_from`, goods of that amount (after discounts) are brought for nothing.
    """

    title: str
    currency: str
    tiers: tuple[ShippingTier, ...]
    by_weight: bool = False
    regions: tuple[str, ...] = ()
    free_from: int = 0
    tax_class: str = ""
    most_weight_g: int = 0
    """Heavier goods aren't taken; 0: no limit."""
    enabled: bool = True


def price_of(method: ShippingMethod, goods: list[Goods], goods_left: int, context: Context) -> int | None:
    """What the method costs for goods that cost `goods_left` after discounts, or None where it isn't offered."""
    if not method.enabled or method.currency != context.currency or not reaches(method, context.region):
        return None
    weight_g = sum(one.weight_g * one.quantity for one in goods)
    if method.most_weight_g and weight_g > method.most_weight_g:
        return None
    measure = weight_g if method.by_weight else goods_left
    reached = [tier for tier in method.tiers if tier.starts_at <= measure]
    if not reached:
        return None
    if method.free_from and goods_left >= method.free_from:
        return 0
    return max(reached, key=lambda tier: tier.starts_at).price


def reaches(method: ShippingMethod, region: str) -> bool:
    """Whether the method goes to a region: `us-ny` is part of `us`."""
    return not method.regions or any(region == each or region.startswith(f"{each}-") for each in method.regions)
