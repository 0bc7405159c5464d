"""`doorbuster payments reconcile` against a small server that answers as the shop does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serve.cli.payments import LONGEST_STEP, SHORTEST_STEP, command, steps_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SURPLUS = {
    "kind": "surplus",
    "method": "stripe",
    "order_id": "ord_1",
    "payment_id": "pi_1",
    "expected": 0,
    "found": 1_999,
    "currency": "USD",
    "mended": False,
}


def told(*findings: dict[str, Any], methods: tuple[str, ...] = ("stripe",), more: int = 0) -> tuple[int, Any]:
    left = sum(not finding["mended"] for finding in findings) + more
    return 200, {"methods": methods, "payments": 3, "orders": 2, "open": left, "findings": findings}


class Shop:
    """Gives these answers, the last of them for good, and remembers what it was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def answer(self, asked: str) -> tuple[int, Any]:
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @contextmanager
    def running(self) -> Iterator[str]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = shop.answer(f"{self.command} {self.path}")
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Not told."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


def reconciled(shop: Shop, directory: Path, *arguments: str) -> Result:
    (directory / "admin.key").write_text("key")
    with shop.running() as url:
        options = ["--url", url, "--key-file", str(directory / "admin.key"), *arguments]
        return CliRunner().invoke(command, ["reconcile", *options])


def test_books_that_agree_end_well(tmp_path: Path) -> None:
    result = reconciled(Shop(told()), tmp_path, "--since", "90m")
    assert result.exit_code == 0, result.output
    assert "6 payments of stripe and 4 orders compared: 0 mended, 0 open." in result.output


def test_what_is_open_is_listed_once_and_told_by_the_status(tmp_path: Path) -> None:
    result = reconciled(Shop(told(SURPLUS)), tmp_path, "--since", "90m")
    assert result.exit_code == 1
    assert result.output.count("ord_1") == 1
    assert "0 mended, 1 open." in result.output


def test_what_was_mended_leaves_nothing_open(tmp_path: Path) -> None:
    shop = Shop(told({**SURPLUS, "mended": True}))
    result = reconciled(shop, tmp_path, "--since", "60m", "--repair")
    assert result.exit_code == 0, result.output
    assert "1 mended, 0 open." in result.output
    assert {asked.partition(" ")[0] for asked in shop.asked} == {"POST"}


def test_differences_that_do_not_fit_into_an_answer_count_too(tmp_path: Path) -> None:
    result = reconciled(Shop(told(SURPLUS, more=7), told()), tmp_path, "--since", "90m")
    assert result.exit_code == 1
    assert "8 open." in result.output


def test_a_provider_that_is_away_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    away = (503, {"title": "Temporarily unavailable"})
    assert reconciled(Shop(away, told()), tmp_path, "--since", "60m").exit_code == 0


def test_a_shop_without_providers_says_so(tmp_path: Path) -> None:
    result = reconciled(Shop(told(methods=())), tmp_path)
    assert result.exit_code == 0
    assert "no payment provider" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "neither an instant"),
        (("--since", "5m"), "ends before it begins"),
        (("--since", "2026-11-22T12:00:00Z", "--until", "2026-11-21"), "ends before it begins"),
    ],
)
def test_a_window_that_is_none_is_refused(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = reconciled(Shop(told()), tmp_path, *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("days", "length"), [(0.1, SHORTEST_STEP), (1, SHORTEST_STEP), (7, timedelta(days=7) / 50), (90, LONGEST_STEP)]
)
def test_a_window_is_covered_by_steps_without_gaps(days: float, length: timedelta) -> None:
    since = NOON - timedelta(days=days)
    steps = list(steps_of(since, NOON))
    assert (steps[0].since, steps[-1].until) == (since, NOON)
    assert all(one.until == other.since for one, other in pairwise(steps))
    assert {step.until - step.since for step in steps[:-1]} <= {length}
