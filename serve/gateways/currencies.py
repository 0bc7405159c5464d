"""Amounts as providers write them. Ours are whole minor units of ISO 4217, theirs have exceptions."""

from decimal import Decimal, InvalidOperation

from engine.money import Money

_NO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

_STRIPE_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Stripe writes these with two decimals, which must be zero: https://docs.stripe.com/currencies#special-cases."""

_PAYPAL_WHOLE = frozenset({"HUF", "TWD"})
"""PayPal takes no decimals in these: https://developer.paypal.com/reference/currency-codes/."""


def decimals_of(currency: str) -> int:
    """How many decimals the currency's minor unit has by ISO 4217."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def to_stripe(amount: Money) -> int | None:
    """The amount as Stripe counts it; None if Stripe can't take it."""
    if amount.currency in _STRIPE_HUNDREDTHS:
        return amount.amount * 100
    if amount.currency in _THREE_DECIMALS and amount.amount % 10:
        return None
    return amount.amount


def from_stripe(amount: int, currency: str) -> Money:
    """What Stripe says, which writes currencies in small letters."""
    currency = currency.upper()
    return Money(amount // 100 if currency in _STRIPE_HUNDREDTHS else amount, currency)


def to_paypal(amount: Money) -> dict[str, str] | None:
    """The amount as PayPal writes it; None if PayPal can't take it."""
    value = Decimal(amount.amount).scaleb(-decimals_of(amount.currency))
    if amount.currency not in _PAYPAL_WHOLE:
        return {"currency_code": amount.currency, "value": str(value)}
    if value != value.to_integral_value():
        return None
    return {"currency_code": amount.currency, "value": str(int(value))}


def from_paypal(amount: dict[str, str]) -> Money:
    """What PayPal says. Raises `ValueError` for what is no amount."""
    currency = amount["currency_code"]
    try:
        minor = Decimal(amount["value"]).scaleb(decimals_of(currency))
    except InvalidOperation as error:
        raise ValueError(f"{amount['value']!r} is no amount") from error
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount['value']} {currency} has fractions of the minor unit")
    return Money(int(minor), currency)
