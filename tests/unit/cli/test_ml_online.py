"""What `doorbuster ml status` says of variants in the shop."""

from io import StringIO
from typing import Any

from rich.console import Console

from serve.cli.ml_online import show_online

VARIANT = {
    "market": "", "variant": "challenger", "model": "ease", "version": "8", "day": "", "visits": 200, "visitors": 150,
    "lists": 400, "fallbacks": 3, "clicked_lists": 50, "clicked_visits": 40, "added_visits": 20, "bought_visits": 10,
    "orders": 12, "revenue": 123_400.0,
}  # fmt: skip


def difference(measure: str, value: float, p: float | None) -> dict[str, Any]:
    return {
        "measure": measure, "champion": 1.0, "challenger": 1.0 + value, "difference": value, "low": value - 1,
        "high": value + 1, "p": p,
    }  # fmt: skip


def said(told: dict[str, Any], market: str = "") -> str:
    sink = StringIO()
    show_online(Console(width=160, file=sink), told, market)
    return sink.getvalue()


def test_a_difference_is_told_with_its_chance_and_judged_only_if_it_is_sure() -> None:
    differences = [
        difference("click_through", 0.05, 0.004),
        difference("add_to_cart", -0.02, 0.03),
        difference("purchase", 0.01, 0.4),
        difference("revenue", -150.0, None),
    ]
    trial = {"market": "", "champion": "7", "challenger": "8", "visitors": [150, 150], "differences": differences}
    text = said({"currency": "EUR", "variants": [VARIANT], "trials": [trial]})
    assert "12.50%" in text
    assert "6.17 EUR" in text
    assert "8 against 7" in text
    clicks, carts, purchases, revenue = [line.rstrip() for line in text.splitlines() if " to " in line]
    assert "+5.00%" in clicks
    assert "p = 0.004" in clicks
    assert clicks.endswith("better")
    assert carts.endswith("worse")
    assert purchases.endswith("p = 0.400")
    assert "-1.50 EUR" in revenue
    assert revenue.endswith("too few visitors")


def test_a_market_without_recommendations_says_so() -> None:
    assert "nothing was recommended" in said({"currency": "", "variants": [VARIANT], "trials": []}, "berlin")
