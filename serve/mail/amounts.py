"""Amounts as people read them: from minor units by the currency's own number of decimals (ISO 4217)."""

from engine.money import Money

_NONE = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THREE = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def shown_amount(money: Money | None) -> str:
    """Such as `19.99 USD` or `1200 JPY`; nothing for none."""
    if money is None:
        return ""
    decimals = 0 if money.currency in _NONE else 3 if money.currency in _THREE else 2
    if not decimals:
        return f"{money.amount} {money.currency}"
    whole, rest = divmod(money.amount, 10**decimals)
    return f"{whole}.{rest:0{decimals}} {money.currency}"
