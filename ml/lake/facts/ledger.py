"""What an order stands for in the ledger at one instant: units and money of each line, and of what belongs to none.

The ledger's rows are the differences between two of these, so summed over all rows of an order they are what its state
says, whatever happened in between: nothing can be counted twice, and nothing is forgotten.
"""

from collections.abc import Mapping
from typing import NamedTuple

from engine.order import Order
from engine.order.aftersale.records import EditPayment, EditStatus
from engine.order.aftersale.state import AfterSale, payments_of
from engine.order.messages import Status
from engine.pricing.values import QuotedLine, QuotedShipping

NO_LINE = -1
"""Where shipping stands, and money that was given back for no line in particular."""


class Amounts(NamedTuple):
    """Units, and minor units of the order's currency; `total` = `net` + `tax`."""

    units: int = 0
    gross: int = 0
    discount: int = 0
    tax: int = 0
    net: int = 0
    total: int = 0

    def less(self, other: "Amounts") -> "Amounts":
        return Amounts(*(mine - others for mine, others in zip(self, other, strict=True)))

    def plus(self, other: "Amounts") -> "Amounts":
        return Amounts(*(mine + others for mine, others in zip(self, other, strict=True)))


NOTHING = Amounts()

Standing = Mapping[int, Amounts]
"""By the line's index, or `NO_LINE`; lines that stand for nothing may be missing."""


def standing_of(order: Order) -> Standing:
    """What the order is worth to the shop: nothing before its confirmation and after its cancellation as a whole."""
    settlement = order.settlement
    if settlement is None or settlement.status is not Status.CONFIRMED or order.status is Status.CANCELLED:
        return {}
    assert order.total is not None, "a confirmed order has a total"
    # A quote has the order's lines in their order; what an edit added later has none.
    quoted = order.quote.lines if order.quote is not None else ()
    shipping = order.quote.shipping if order.quote is not None else None
    standing: dict[int, Amounts] = {}
    if order.after is None or order.after.untouched:
        for index, line in enumerate(order.lines):
            price = line.price.amount * line.quantity
            part = quoted[index] if quoted else None
            paid = part.total if part is not None else price
            standing[index] = _part(part, line.quantity, line.quantity, paid, 0)
        kept, left = True, order.total.amount
    else:
        after = order.after
        for index, item in enumerate(after.items):
            part = quoted[index] if index < len(quoted) else None
            bought = item.line.quantity
            standing[index] = _part(part, bought - item.credited, bought, item.paid, item.refunded)
        kept, left = any(item.kept for item in after.items), _taken(order, after)
    rest = left - sum(amounts.total for amounts in standing.values())
    if shipping is not None or rest:
        standing[NO_LINE] = _rest(shipping, rest, kept=kept)
    return standing


def _taken(order: Order, after: AfterSale) -> int:
    """What was taken for the order and not given back. What an edit took counts once the edit is done."""
    if order.source:
        assert order.total is not None, "an imported order has a total"
        # Other systems gave back more than an order had cost, now and then: that, too, is what happened.
        return order.total.amount - sum(known.credit for known in after.returns.values())
    under_way = {
        edit.payment_id
        for edit in after.edits.values()
        if edit.payment is EditPayment.CAPTURED and edit.status is not EditStatus.DONE
    }
    payments = payments_of(order, after)
    return sum(paid.captured - paid.refunded for paid in payments if paid.payment_id not in under_way)


def _part(quoted: QuotedLine | None, units: int, bought: int, paid: int, refunded: int) -> Amounts:
    """A line of which `units` of those `bought` are left, and `refunded` of what was `paid` went back.

    Discount and tax go back in proportion to the money, rounded so that all of it together is what was taken.
    """
    if quoted is None:
        kept = paid - refunded
        return Amounts(units, kept, 0, 0, kept, kept)
    off = sum(discount.amount for discount in quoted.discounts)
    taxes = sum(tax.amount for tax in quoted.taxes)
    on_top = sum(tax.amount for tax in quoted.taxes if not tax.included)
    whole, part = (paid, paid - refunded) if paid else (bought, units)
    return _scaled(units, off, taxes, on_top, paid - refunded, part, whole)


def _rest(shipping: QuotedShipping | None, rest: int, *, kept: bool) -> Amounts:
    """Shipping, and beyond it money that has no tax: given back for no line, it is taken from the shipping first."""
    if shipping is None:
        return Amounts(0, rest, 0, 0, rest, rest)
    off = sum(discount.amount for discount in shipping.discounts)
    taxes = sum(tax.amount for tax in shipping.taxes)
    on_top = sum(tax.amount for tax in shipping.taxes if not tax.included)
    whole, part = shipping.total, min(max(rest, 0), shipping.total)
    if not whole:
        # It was free: the discount goes with the last unit.
        whole, part = 1, int(kept)
    return _scaled(0, off, taxes, on_top, rest, part, whole)


def _scaled(units: int, off: int, taxes: int, on_top: int, total: int, part: int, whole: int) -> Amounts:
    off, taxes, on_top = (_share(amount, part, whole) for amount in (off, taxes, on_top))
    return Amounts(units, total - on_top + off, off, taxes, total - taxes, total)


def _share(amount: int, part: int, whole: int) -> int:
    """`amount` x `part` / `whole`, rounded half up."""
    return amount if part == whole else (2 * amount * part + whole) // (2 * whole)
