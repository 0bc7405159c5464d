"""Prices as people write them, and as spreadsheets read them."""

import re

WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
WITH_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
"""ISO 4217 currencies whose minor unit is not a hundredth."""

PRICE = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?", re.ASCII)


def parse_price(text: str, currency: str) -> int:
    """Minor units of a price as people write it: `1,299.5` is 129950 cents. Raises ValueError with a sentence."""
    match = PRICE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no price" if text.strip() else "the price is missing")
    decimals = _decimals(currency)
    whole, fraction = match[1].replace(",", ""), (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"the price {text.strip()} has more decimals than {currency} has ({decimals})")
    return int(whole + fraction.ljust(decimals, "0"))


def format_price(amount: int, currency: str) -> str:
    """Minor units as a decimal number: 129950 cents are `1299.50`."""
    decimals = _decimals(currency)
    if not decimals:
        return str(amount)
    whole, fraction = divmod(amount, 10**decimals)
    return f"{whole}.{fraction:0{decimals}}"


def _decimals(currency: str) -> int:
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE_DECIMALS else 2
