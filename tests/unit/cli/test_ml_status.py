"""What `doorbuster ml status` makes of the shop's answer."""

from io import StringIO

from rich.console import Console

from serve.cli.ml_status import show_shop


def test_the_shop_tells_what_it_serves() -> None:
    answer = {
        "market": "",
        "variant": "challenger",
        "version": "8",
        "model": "ease",
        "since": "2026-11-23T12:00:00.000Z",
        "mode": "canary",
        "share": 0.1,
        "quarantined": True,
        "answers": 1_200,
        "fallbacks": 3,
    }
    terminal = Console(width=160, record=True, file=StringIO())
    champion = {**answer, "variant": "champion", "version": "7"}
    show_shop(terminal, {"variants": [champion, answer, {**answer, "market": "de", "version": "99"}]}, "")
    told = terminal.export_text()
    assert "champion (set aside: it ended its process" in told
    assert "challenger (asked no more: it failed)" in told
    assert "1,200" in told
    assert "99" not in told
