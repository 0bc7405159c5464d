"""How each variant does in the running shop, for `doorbuster ml status`."""

from typing import Any

from rich.console import Console
from rich.table import Table

from engine.money import Money

from ..mail.amounts import shown_amount

ONLINE = "/v1/admin/recommendations/online"
SURE = 0.05
WORDS = {
    "click_through": "visits with a click",
    "add_to_cart": "visits that put one into the cart",
    "purchase": "visits that bought",
    "revenue": "revenue per visit",
}


def show_online(console: Console, told: Any, market: str) -> None:
    """Tables of what the shop said of one market."""
    variants = [each for each in told["variants"] if each["market"] == market]
    if not variants:
        console.print("online: nothing was recommended in this window.", highlight=False)
        return
    headings = ("online", "version", "model", "visits", "lists", "clicked", "in cart", "bought", "revenue/visit")
    table = Table(*headings, box=None)
    for each in variants:
        visits = max(each["visits"], 1)
        table.add_row(
            each["variant"],
            each["version"] or "-",
            each["model"],
            f"{each['visits']:,}",
            f"{each['lists']:,}",
            f"{each['clicked_lists'] / max(each['lists'], 1):.2%}",
            f"{each['added_visits'] / visits:.2%}",
            f"{each['bought_visits'] / visits:.2%}",
            _money(each["revenue"] / visits, told["currency"]),
        )
    console.print(table, highlight=False)
    for trial in told["trials"]:
        if trial["market"] == market:
            _show_trial(console, trial, told["currency"])


def _show_trial(console: Console, trial: Any, currency: str) -> None:
    table = Table(f"{trial['challenger']} against {trial['champion']}", "difference", "95 %", "by chance", "", box=None)
    for each in trial["differences"]:
        shown = [_shown(each["measure"], each[name], currency) for name in ("difference", "low", "high")]
        p = each["p"]
        sure = p is not None and p < SURE
        verdict = ("better" if each["difference"] > 0 else "worse") if sure else ""
        chance = "too few visitors" if p is None else f"p = {p:.3f}"
        table.add_row(WORDS[each["measure"]], shown[0], f"{shown[1]} to {shown[2]}", chance, verdict)
    console.print(table, highlight=False)


def _shown(measure: str, value: float, currency: str) -> str:
    return _money(value, currency, signed=True) if measure == "revenue" else f"{value:+.2%}"


def _money(minor: float, currency: str, signed: bool = False) -> str:
    """A mean, to the next minor unit."""
    sign = "-" if round(minor) < 0 else "+" if signed else ""
    return sign + shown_amount(Money(abs(round(minor)), currency)).rstrip()
