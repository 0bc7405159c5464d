"""What a purchase costs and why, as plain structs: the same words in quotes, answers to purchases and orders.

`schemas.quote` is the same contract for OpenAPI.
"""

from collections.abc import Iterable

import msgspec

from engine.order import Claim
from engine.pricing import Discount, Quote, QuotedLine, QuotedShipping, Tax

ROUNDING = "half-up, for each line and tax"


class AmountOut(msgspec.Struct, frozen=True, gc=False):
    amount: int
    currency: str


class DiscountOut(msgspec.Struct, frozen=True, gc=False):
    promotion_id: str
    why: str
    coupon: str | None
    amount: AmountOut


class TaxOut(msgspec.Struct, frozen=True, gc=False):
    name: str
    rate_ppm: int
    base: AmountOut
    amount: AmountOut
    included: bool


class ChargedLineOut(msgspec.Struct, frozen=True, gc=False):
    sku: str
    quantity: int
    price: AmountOut
    discounts: list[DiscountOut]
    taxes: list[TaxOut]
    total: AmountOut


class ShippingOut(msgspec.Struct, frozen=True, gc=False):
    method: str
    title: str
    price: AmountOut
    discounts: list[DiscountOut]
    taxes: list[TaxOut]
    total: AmountOut


class TenderOut(msgspec.Struct, frozen=True, gc=False):
    """What pays beside the payment provider: `gift-card` or `store-credit`."""

    kind: str
    name: str
    amount: AmountOut


class ChargesOut(msgspec.Struct, frozen=True, gc=False):
    lines: list[ChargedLineOut]
    shipping: ShippingOut | None
    subtotal: AmountOut
    discount: AmountOut
    tax: AmountOut
    total: AmountOut
    tenders: list[TenderOut]
    due: AmountOut
    coupons: list[str]
    region: str
    rounding: str = ROUNDING


def charges_of(quote: Quote, claims: Iterable[Claim]) -> ChargesOut:
    """The quote in the words of the contract, with what claims pay of it."""
    tenders = [
        TenderOut(claim.kind, claim.name, AmountOut(claim.quantity, quote.currency)) for claim in claims if claim.pays
    ]
    due = quote.total - sum(tender.amount.amount for tender in tenders)
    return ChargesOut(
        lines=[_line(line, quote.currency) for line in quote.lines],
        shipping=_shipping(quote.shipping, quote.currency) if quote.shipping else None,
        subtotal=AmountOut(quote.goods_price, quote.currency),
        discount=AmountOut(quote.discount, quote.currency),
        tax=AmountOut(quote.tax, quote.currency),
        total=AmountOut(quote.total, quote.currency),
        tenders=tenders,
        due=AmountOut(due, quote.currency),
        coupons=list(quote.coupons),
        region=quote.region,
    )


def _line(line: QuotedLine, currency: str) -> ChargedLineOut:
    return ChargedLineOut(
        line.sku,
        line.quantity,
        AmountOut(line.price, currency),
        _discounts(line.discounts, currency),
        _taxes(line.taxes, currency),
        AmountOut(line.total, currency),
    )


def _shipping(shipping: QuotedShipping, currency: str) -> ShippingOut:
    return ShippingOut(
        shipping.method_id,
        shipping.name,
        AmountOut(shipping.price, currency),
        _discounts(shipping.discounts, currency),
        _taxes(shipping.taxes, currency),
        AmountOut(shipping.total, currency),
    )


def _discounts(discounts: tuple[Discount, ...], currency: str) -> list[DiscountOut]:
    return [
        DiscountOut(each.promotion_id, each.why, each.coupon or None, AmountOut(each.amount, currency))
        for each in discounts
    ]


def _taxes(taxes: tuple[Tax, ...], currency: str) -> list[TaxOut]:
    return [
        TaxOut(
            each.name, each.rate_ppm, AmountOut(each.base, currency), AmountOut(each.amount, currency), each.included
        )
        for each in taxes
    ]
