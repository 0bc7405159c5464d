"""A promotion: what it takes off, of which goods, under which conditions, and what it goes together with."""

from collections.abc import Iterable
from enum import StrEnum

from ..kernel import Event, Instant
from .goods import Context, Goods


class Benefit(StrEnum):
    """What a promotion does."""

    PERCENTAGE = "percentage"
    """`percent_bp` off the goods."""
    AMOUNT = "amount"
    """`amount` off the goods together, or with `each` off every unit."""
    BUY_X_GET_Y = "buy-x-get-y"
    """For every `buy` units, `get` of the cheapest are `percent_bp` off."""
    FREE_SHIPPING = "free-shipping"
    """`percent_bp` off the shipping, up to `amount` if there is one."""


class Promotion(Event, frozen=True):
    """The promotion is now this. Amounts are minor units of `currency`; 0 or empty: no such condition.

    `products` and `categories` choose the goods it is about (none: all). Goods to get may be others than those to buy.
    An `exclusive` one applies alone; of those with one `stacking` class only one applies; all others add up. They are
    tried by `priority`, the highest first, then by id, each on what the ones before it left.
    """

    title: str
    benefit: Benefit
    percent_bp: int = 0
    """Basis points: 1,500 is 15 %."""
    amount: int = 0
    currency: str = ""
    each: bool = False
    buy: int = 0
    get: int = 0
    most_times: int = 0
    """How often in one order buying X gets Y."""
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    get_products: tuple[str, ...] = ()
    get_categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    min_amount: int = 0
    """The goods it is about cost at least this, before any discount."""
    min_quantity: int = 0
    starts_at: Instant = 0
    ends_at: Instant = 0
    needs_coupon: bool = False
    stacking: str = ""
    exclusive: bool = False
    priority: int = 0
    enabled: bool = True


def is_on(promotion: Promotion, context: Context) -> bool:
    """Whether it holds at this instant for this customer, whatever is bought."""
    if not promotion.enabled or context.now < promotion.starts_at:
        return False
    if promotion.ends_at and context.now >= promotion.ends_at:
        return False
    if promotion.groups and not set(promotion.groups).intersection(context.groups):
        return False
    return promotion.currency in ("", context.currency)


def chosen(goods: Iterable[Goods], products: tuple[str, ...], categories: tuple[str, ...]) -> list[Goods]:
    """Those that are named by SKU or category; all where nothing is named."""
    if not products and not categories:
        return list(goods)
    return [one for one in goods if one.sku in products or not set(categories).isdisjoint(one.categories)]


def reaches_thresholds(promotion: Promotion, about: list[Goods]) -> bool:
    """Whether enough is bought of what the promotion is about."""
    if not about or sum(one.amount for one in about) < promotion.min_amount:
        return False
    return sum(one.quantity for one in about) >= promotion.min_quantity
