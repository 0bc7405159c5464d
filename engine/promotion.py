"""The promotions and shipping methods that a merchant puts: documents that every replica quotes with."""

from .document import document_kind
from .kernel import Instant, Rejected, invalid
from .money import MOST_AMOUNT
from .pricing import Benefit, Promotion, ShippingMethod
from .pricing.allocation import BASIS_POINTS

LONGEST_TITLE = 255
"""Characters."""

MOST_NAMED = 1_000
"""SKUs, categories, groups or regions in one list."""

MOST_UNITS = 10_000

MOST_TIERS = 100


def check_promotion(_key: str, promotion: Promotion, _now: Instant) -> Rejected | None:
    """Why this can't be a promotion."""
    if not 0 < len(promotion.title) <= LONGEST_TITLE or len(promotion.stacking) > LONGEST_TITLE:
        return invalid("title", f"have 1 to {LONGEST_TITLE} characters, stacking at most as many")
    for field in ("products", "categories", "get_products", "get_categories", "groups"):
        if len(getattr(promotion, field)) > MOST_NAMED:
            return invalid(field, f"have at most {MOST_NAMED} items")
    for field in ("amount", "min_amount"):
        if not 0 <= getattr(promotion, field) <= MOST_AMOUNT:
            return invalid(field, f"be 0 to {MOST_AMOUNT} minor units")
    if (promotion.amount or promotion.min_amount) and len(promotion.currency) != 3:
        return invalid("currency", "be told where there is an amount")
    for field in ("buy", "get", "most_times", "min_quantity"):
        if not 0 <= getattr(promotion, field) <= MOST_UNITS:
            return invalid(field, f"be 0 to {MOST_UNITS}")
    if promotion.ends_at and promotion.ends_at <= promotion.starts_at:
        return invalid("ends_at", "be after starts_at")
    return _check_benefit(promotion)


def _check_benefit(promotion: Promotion) -> Rejected | None:
    if promotion.benefit is Benefit.AMOUNT:
        return None if promotion.amount else invalid("amount", "be more than 0")
    if not 0 < promotion.percent_bp <= BASIS_POINTS:
        return invalid("percent_bp", f"be 1 to {BASIS_POINTS}")
    if promotion.benefit is Benefit.BUY_X_GET_Y and not (promotion.buy and promotion.get):
        return invalid("buy", "be 1 or more, like get")
    return None


def check_shipping_method(_key: str, method: ShippingMethod, _now: Instant) -> Rejected | None:
    """Why this can't be a shipping method."""
    if not 0 < len(method.title) <= LONGEST_TITLE:
        return invalid("title", f"have 1 to {LONGEST_TITLE} characters")
    if not 0 < len(method.tiers) <= MOST_TIERS or len(method.regions) > MOST_NAMED:
        return invalid("tiers", f"be 1 to {MOST_TIERS}, and regions at most {MOST_NAMED}")
    if not all(0 <= tier.price <= MOST_AMOUNT and 0 <= tier.starts_at <= MOST_AMOUNT for tier in method.tiers):
        return invalid("tiers", f"start at and cost 0 to {MOST_AMOUNT}")
    if len(method.currency) != 3:
        return invalid("currency", "be an ISO 4217 currency")
    return None


PROMOTION = document_kind("promotion", Promotion, check_promotion)
SHIPPING_METHOD = document_kind("shipping-method", ShippingMethod, check_shipping_method)

__all__ = ["PROMOTION", "SHIPPING_METHOD", "Promotion", "ShippingMethod", "check_promotion", "check_shipping_method"]
