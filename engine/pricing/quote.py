"""The quote: discounts first, then shipping, then the tax of what is left of each."""

from collections.abc import Mapping, Sequence

from ..cart import Line
from .discounts import SHIPPING, reduce
from .goods import Context, Goods
from .promotion import Promotion
from .shipping import ShippingMethod, price_of
from .tax import TaxRules, added, taxes_of
from .values import Quote, QuotedLine, QuotedShipping


def quote(
    goods: Sequence[Goods],
    promotions: Mapping[str, Promotion],
    context: Context,
    tax: TaxRules | None = None,
    method_id: str = "",
    method: ShippingMethod | None = None,
) -> Quote | None:
    """What the goods cost, brought by the method; None if the method isn't offered for them.

    All goods are priced in the context's currency, and no SKU comes twice.
    """
    assert all(one.price.currency == context.currency for one in goods), "a quote has one currency"
    price = 0
    if method is not None:
        # The shipping price may depend on what the goods cost, never the other way round.
        before = reduce(goods, 0, promotions, context)
        goods_left = sum(left for name, left in before.left.items() if name != SHIPPING)
        found = price_of(method, list(goods), goods_left, context)
        if found is None:
            return None
        price = found
    reductions = reduce(goods, price, promotions, context)
    rules = tax or TaxRules()
    lines = []
    for one in goods:
        left = reductions.left[one.sku]
        taxes = taxes_of(left, one.tax_class, rules)
        discounts = tuple(reductions.discounts[one.sku])
        total = left + added(taxes)
        lines.append(QuotedLine(one.sku, one.quantity, one.price.amount, total, discounts, taxes))
    shipping = None
    if method is not None:
        left = reductions.left[SHIPPING]
        taxes = taxes_of(left, method.tax_class, rules) if rules.taxes_shipping else ()
        discounts = tuple(reductions.discounts[SHIPPING])
        shipping = QuotedShipping(method_id, method.title, price, left + added(taxes), discounts, taxes)
    return Quote(
        context.currency,
        tuple(lines),
        sum(line.total for line in lines) + (shipping.total if shipping else 0),
        shipping,
        tuple(reductions.coupons),
        tuple(reductions.unused),
        context.region,
        context.now,
    )


def adds_up(quoted: Quote, lines: Sequence[Line]) -> bool:
    """Whether this is a quote of these lines whose parts are its total, none of them below zero."""
    if len(quoted.lines) != len(lines):
        return False
    together = 0
    for part, line in zip(quoted.lines, lines, strict=True):
        if (part.sku, part.quantity, part.price) != (line.sku, line.quantity, line.price.amount):
            return False
        if line.price.currency != quoted.currency or not _part_adds_up(part, part.quantity * part.price):
            return False
        together += part.total
    if quoted.shipping is not None:
        if not _part_adds_up(quoted.shipping, quoted.shipping.price):
            return False
        together += quoted.shipping.total
    return together == quoted.total


def _part_adds_up(part: QuotedLine | QuotedShipping, price: int) -> bool:
    off = sum(discount.amount for discount in part.discounts)
    amounts = (*(discount.amount for discount in part.discounts), *(tax.amount for tax in part.taxes))
    return min(amounts, default=0) >= 0 and 0 <= off <= price and part.total == price - off + added(part.taxes)
