"""A quote and its parts: what an order records and what people are shown. Amounts are minor units of its currency."""

import msgspec

from ..kernel import Instant


class Discount(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a promotion takes off, and why; `coupon` is the code that brought it, or empty."""

    promotion_id: str
    why: str
    amount: int
    coupon: str = ""


class Tax(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`rate_ppm` of `base`, rounded half up to `amount`; an `included` one is part of the price already."""

    name: str
    rate_ppm: int
    """Parts per million: 190,000 is 19 %."""
    base: int
    amount: int
    included: bool = False


class QuotedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line: quantity x price, without its discounts, with the taxes that aren't included, is its total."""

    sku: str
    quantity: int
    price: int
    """Of one unit."""
    total: int
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()


class QuotedShipping(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The charge for bringing the goods."""

    method_id: str
    name: str
    price: int
    total: int
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()


class UnusedCoupon(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A code that was given but takes nothing off: it isn't used up."""

    code: str
    why: str
    """A stable identifier: `not-applicable`, `excluded`, `unknown`, `ended`, ..."""


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything that a purchase costs at an instant; all totals add up from the lines and the shipping."""

    currency: str
    lines: tuple[QuotedLine, ...]
    total: int
    shipping: QuotedShipping | None = None
    coupons: tuple[str, ...] = ()
    """Codes that take something off: each is used up by the order."""
    unused: tuple[UnusedCoupon, ...] = ()
    region: str = ""
    at: Instant = 0

    @property
    def goods_price(self) -> int:
        """The lines without discounts."""
        return sum(line.quantity * line.price for line in self.lines)

    @property
    def discount(self) -> int:
        """What is taken off, of lines and shipping."""
        off = sum(discount.amount for line in self.lines for discount in line.discounts)
        return off + sum(discount.amount for discount in (self.shipping.discounts if self.shipping else ()))

    @property
    def tax(self) -> int:
        """All taxes, included and added ones."""
        taxes = sum(tax.amount for line in self.lines for tax in line.taxes)
        return taxes + sum(tax.amount for tax in (self.shipping.taxes if self.shipping else ()))
