"""Price lists: what products cost in another currency, for a group of customers, or for a while; key is the list's id.

A list says when it counts; each product keeps its own price in it. So a price is decided where the product is, and a
list of a million prices costs no more than one of ten.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from .document import document_kind
from .kernel import Event, Instant, Rejected, invalid
from .money import Money
from .product import LONGEST_WORD, ProductView

HIGHEST_PRIORITY = 1_000_000


class PriceListPut(Event, frozen=True):
    """The list counts for orders in `currency`, for customers of `group` (empty: for everyone), from `starts_at` until
    `ends_at` (0: for good). Of several that count, the one with the highest priority does, then the cheapest."""

    name: str
    currency: str
    group: str = ""
    priority: int = 0
    starts_at: Instant = 0
    ends_at: Instant = 0


class Price(NamedTuple):
    """What one unit costs; `compare_at` (minor units, 0: none) is what it is shown beside; `list_id` says why."""

    money: Money
    compare_at: int = 0
    list_id: str = ""


def price_of(
    product: ProductView,
    list_by_id: "ListById",
    currency: str,
    groups: Collection[str],
    now: Instant,
) -> Price | None:
    """The product's price in the currency (empty: its own) for a member of the groups; None: not sold in it."""
    currency = currency or product.price.currency
    best: tuple[int, int] | None = None
    found: Price | None = None
    for price in product.prices:
        prices = list_by_id(price.list_id)
        if prices is None or not counts(prices, currency, groups, now):
            continue
        rank = (-prices.priority, price.amount)
        if best is None or rank < best:
            best, found = rank, Price(Money(price.amount, currency), price.compare_at, price.list_id)
    if found is None and currency == product.price.currency:
        return Price(product.price, product.compare_at)
    return found


def counts(prices: PriceListPut, currency: str, groups: Collection[str], now: Instant) -> bool:
    """Whether the list counts for such an order at `now`."""
    return (
        prices.currency == currency
        and (not prices.group or prices.group in groups)
        and prices.starts_at <= now
        and (not prices.ends_at or now < prices.ends_at)
    )


def _misshapen(key: str, prices: PriceListPut, _now: Instant) -> Rejected | None:
    if not 0 < len(key) <= LONGEST_WORD or not 0 < len(prices.name) <= LONGEST_WORD:
        return invalid("name", f"have 1 to {LONGEST_WORD} characters")
    if not Money(0, prices.currency).is_price():
        return invalid("currency", "be an ISO 4217 currency")
    if len(prices.group) > LONGEST_WORD:
        return invalid("group", f"have at most {LONGEST_WORD} characters")
    if not -HIGHEST_PRIORITY <= prices.priority <= HIGHEST_PRIORITY:
        return invalid("priority", f"be within {HIGHEST_PRIORITY}")
    if prices.ends_at and prices.ends_at <= prices.starts_at:
        return invalid("ends_at", "be after starts_at")
    return None


PRICE_LIST = document_kind("price-list", PriceListPut, _misshapen)

ListById = Callable[[str], PriceListPut | None]
