"""Tax regions: which rates a country, or a state of it, takes; key is `de`, or `us-ca`.

A product has a tax class ("" is the standard one); the region says the classes' rates and whether its prices include
them. What an order owes is computed in one place, from the rates of one region.
"""

from .document import document_kind
from .kernel import Event, Instant, Message, Rejected, invalid

MOST_RATES = 200
"""Rates in one region."""

WHOLE_PPM = 1_000_000
"""Rates are parts per million: 19 % is 190,000, and 8.875 % is whole, too."""

LONGEST_NAME = 255
"""Characters."""


class TaxRate(Message, frozen=True):
    """What products of the class owe: such as ("books", "MwSt. 7 %", 70_000)."""

    tax_class: str
    name: str
    rate_ppm: int


class TaxRegionPut(Event, frozen=True):
    """The region's rates; with `inclusive`, prices have the tax in them, else it comes on top.

    `taxes_shipping` says whether shipping is taxed, at the standard rate.
    """

    name: str
    rates: tuple[TaxRate, ...]
    inclusive: bool = False
    taxes_shipping: bool = True


def _misshapen(key: str, region: TaxRegionPut, _now: Instant) -> Rejected | None:
    if not 0 < len(key) <= LONGEST_NAME or not 0 < len(region.name) <= LONGEST_NAME:
        return invalid("name", f"have 1 to {LONGEST_NAME} characters")
    classes = [rate.tax_class for rate in region.rates]
    if len(classes) > MOST_RATES or len(set(classes)) < len(classes):
        return invalid("rates", f"be at most {MOST_RATES}, each class once")
    for rate in region.rates:
        if not 0 <= rate.rate_ppm <= WHOLE_PPM:
            return invalid("rate_ppm", f"be 0 to {WHOLE_PPM}")
        if max(len(rate.tax_class), len(rate.name)) > LONGEST_NAME:
            return invalid("rates", f"have texts of at most {LONGEST_NAME} characters")
    return None


TAX_REGION = document_kind("tax-region", TaxRegionPut, _misshapen)
