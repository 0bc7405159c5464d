"""What is priced, and for whom: lines with what the catalogue says of them, and the circumstances of the purchase."""

import msgspec

from ..kernel import Instant
from ..money import Money


class Goods(msgspec.Struct, frozen=True, gc=False):
    """A line to price. SKUs don't repeat; `categories` are all that promotions may name: the line's own and above."""

    sku: str
    quantity: int
    price: Money
    """Of one unit."""
    categories: tuple[str, ...] = ()
    tax_class: str = ""
    weight_g: int = 0

    @property
    def amount(self) -> int:
        return self.price.amount * self.quantity


class Context(msgspec.Struct, frozen=True, gc=False):
    """Who buys, where to, when and in which currency. `coupons`: the promotion that each code given belongs to."""

    currency: str
    now: Instant
    region: str = ""
    customer: str = ""
    groups: tuple[str, ...] = ()
    coupons: dict[str, str] = {}
