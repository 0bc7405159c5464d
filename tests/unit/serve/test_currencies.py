"""Amounts as each provider writes them."""

import pytest

from engine.money import Money
from serve.gateways.currencies import from_paypal, from_stripe, to_paypal, to_stripe


@pytest.mark.parametrize(
    ("amount", "stripe", "paypal"),
    [
        (Money(1_999, "USD"), 1_999, "19.99"),
        (Money(5, "EUR"), 5, "0.05"),
        (Money(500, "JPY"), 500, "500"),
        (Money(1_230, "KWD"), 1_230, "1.230"),
        (Money(1_231, "KWD"), None, "1.231"),
        (Money(700, "ISK"), 70_000, "700"),
        (Money(10_000, "HUF"), 10_000, "100"),
        (Money(10_050, "HUF"), 10_050, None),
        (Money(10**15, "USD"), 10**15, "10000000000000.00"),
    ],
)
def test_an_amount_survives_the_way_to_a_provider_and_back(
    amount: Money, stripe: int | None, paypal: str | None
) -> None:
    assert to_stripe(amount) == stripe
    if stripe is not None:
        assert from_stripe(stripe, amount.currency.lower()) == amount
    written = to_paypal(amount)
    assert (written and written["value"]) == paypal
    if written is not None:
        assert from_paypal(written) == amount


@pytest.mark.parametrize("value", ["", "1,5", "0.001", "NaN"])
def test_what_is_no_amount_is_told(value: str) -> None:
    with pytest.raises(ValueError, match=r"amount|fractions|integer|NaN"):
        from_paypal({"currency_code": "USD", "value": value})
