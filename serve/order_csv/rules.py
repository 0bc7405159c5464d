"""What becomes of a line: the rules, in the order in which they are asked. docs/importing.md tells them in words."""

from enum import StrEnum

from .mapping import Use
from .reading import Row


class Outcome(StrEnum):
    """Every line of a file has exactly one."""

    SOLD = "sold"
    SHIPPING = "shipping"
    RETURNED = "returned"
    """Its sale was found: it is a return of that order."""
    RETURNED_IN_PART = "returned-in-part"
    """Of so many units no sale is known: these are a credit."""
    CREDITED = "credited"
    """Goods that came back, of which no sale is known."""
    SHIPPING_CREDITED = "shipping-credited"
    DISCOUNT_CREDITED = "discount-credited"

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate-line"
    NEGATIVE_PRICE = "negative-price"
    PRICE_TOO_FINE = "price-too-fine"
    NOT_A_SALE = "not-a-sale"
    WRONG_SIGN = "wrong-sign"
    STOCK_CORRECTION = "stock-correction"
    REFUSED_BY_SHOP = "refused-by-shop"


MEANING = {
    Outcome.SOLD: "a line of an order",
    Outcome.SHIPPING: "an order's charge for bringing it",
    Outcome.RETURNED: "came back; its sale was found",
    Outcome.RETURNED_IN_PART: "came back; of some units no sale was found: these are a credit",
    Outcome.CREDITED: "came back; no sale was found: a credit",
    Outcome.SHIPPING_CREDITED: "shipping given back: a credit",
    Outcome.DISCOUNT_CREDITED: "a discount given later: a credit",
    Outcome.UNREADABLE: "a number, a date or a code can't be read",
    Outcome.DUPLICATE: "the same in every column as another line of its invoice",
    Outcome.NEGATIVE_PRICE: "a price below zero: bookkeeping",
    Outcome.PRICE_TOO_FINE: "a price with fractions of the smallest coin",
    Outcome.NOT_A_SALE: "a fee, a sample or a correction by hand",
    Outcome.WRONG_SIGN: "taken back on an invoice, or sold on a return",
    Outcome.STOCK_CORRECTION: "no price, and no customer or no units sold: stock was corrected",
    Outcome.REFUSED_BY_SHOP: "the shop refuses it",
}

REFUSED = frozenset(
    (
        Outcome.UNREADABLE,
        Outcome.DUPLICATE,
        Outcome.NEGATIVE_PRICE,
        Outcome.PRICE_TOO_FINE,
        Outcome.NOT_A_SALE,
        Outcome.WRONG_SIGN,
        Outcome.STOCK_CORRECTION,
        Outcome.REFUSED_BY_SHOP,
    )
)


def refusal_of(row: Row, *, duplicate: bool) -> Outcome | None:
    """Why a line that can be read isn't history of a sale; None where it is."""
    if duplicate:
        return Outcome.DUPLICATE
    if row.negative_price:
        return Outcome.NEGATIVE_PRICE
    if row.price is None:
        return Outcome.PRICE_TOO_FINE
    if row.use is Use.NONE or (row.use is Use.DISCOUNT and not row.is_return):
        return Outcome.NOT_A_SALE
    if row.price == 0 and (row.quantity < 0 or not (row.customer or row.email)) and not row.is_return:
        return Outcome.STOCK_CORRECTION
    if (row.quantity < 0) != row.is_return:
        return Outcome.WRONG_SIGN
    return None


def sale_of(row: Row) -> Outcome:
    """What a line of an invoice is that isn't refused."""
    return Outcome.SHIPPING if row.use is Use.SHIPPING else Outcome.SOLD


def credit_of(row: Row) -> Outcome:
    """What a line of a return is, unless its sale is found."""
    return {Use.SHIPPING: Outcome.SHIPPING_CREDITED, Use.DISCOUNT: Outcome.DISCOUNT_CREDITED}.get(
        row.use, Outcome.CREDITED
    )
