"""Taxes of an amount by class and region, rounded half up for each line: what a receipt must be able to show."""

import msgspec

from .allocation import PPM, allocate, half_up
from .values import Tax


class TaxRate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rate for the goods of one tax class; a class can have several (state and county)."""

    tax_class: str
    name: str
    rate_ppm: int
    """Parts per million: 190,000 is 19 %."""


class TaxRules(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The rates of one region. `included`: prices contain the tax. Classes without a rate take the standard ones."""

    region: str = ""
    included: bool = False
    rates: tuple[TaxRate, ...] = ()
    taxes_shipping: bool = True


def taxes_of(amount: int, tax_class: str, rules: TaxRules) -> tuple[Tax, ...]:
    """The taxes of an amount that was charged: on top of it, or contained in it."""
    rates = [rate for rate in rules.rates if rate.tax_class == tax_class]
    if not rates:
        rates = [rate for rate in rules.rates if not rate.tax_class]
    if not rates or not amount:
        return ()
    if not rules.included:
        return tuple(Tax(rate.name, rate.rate_ppm, amount, half_up(amount * rate.rate_ppm, PPM)) for rate in rates)
    together = sum(rate.rate_ppm for rate in rates)
    contained = half_up(amount * together, PPM + together)
    shares = allocate(contained, {f"{index:03}": rate.rate_ppm for index, rate in enumerate(rates)})
    return tuple(
        Tax(rate.name, rate.rate_ppm, amount - contained, share, included=True)
        for rate, share in zip(rates, shares.values(), strict=True)
    )


def added(taxes: tuple[Tax, ...]) -> int:
    """What the taxes add to the amount."""
    return sum(tax.amount for tax in taxes if not tax.included)
