"""What a purchase costs, line by line, and why: discounts, shipping and tax of lines at their prices.

A pure calculation in whole minor units: the same arguments give the same quote, in whatever order the lines come, and
its parts add up exactly. Whether a coupon or a card can still be used is decided by its entity, when it is reserved.
"""

from .goods import Context, Goods
from .promotion import Benefit, Promotion
from .quote import adds_up, quote
from .shipping import ShippingMethod, ShippingTier
from .tax import TaxRate, TaxRules
from .values import Discount, Quote, QuotedLine, QuotedShipping, Tax, UnusedCoupon

__all__ = [
    "Benefit",
    "Context",
    "Discount",
    "Goods",
    "Promotion",
    "Quote",
    "QuotedLine",
    "QuotedShipping",
    "ShippingMethod",
    "ShippingTier",
    "Tax",
    "TaxRate",
    "TaxRules",
    "UnusedCoupon",
    "adds_up",
    "quote",
]
