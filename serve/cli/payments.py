"""`doorbuster payments reconcile`: do the books of payment providers agree with the orders?"""

import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click
import httpx
from rich.console import Console

from .journal_source import bar
from .shop_api import api_options, checked, connected

PATH = "/v1/payments/reconciliation"
SETTLING = timedelta(minutes=15)
"""What is younger may be under way: it is looked at the next time."""
SHORTEST_STEP = timedelta(hours=1)
LONGEST_STEP = timedelta(days=1)
STEPS = 50
"""About as many requests are made, so that progress is seen and none takes long."""
ATTEMPTS = 5
FINDINGS_SHOWN = 200
COLUMNS = ("what", "provider", "order", "payment", "order says", "provider says", "")

_SPAN = re.compile(r"(\d{1,5})([mhd])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Instant(click.ParamType[datetime]):
    """An instant as RFC 3339 writes it, or so long ago: 90m, 12h, 7d."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if span := _SPAN.match(value):
            return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither an instant, such as 2026-11-22T00:00:00Z, nor a span, such as 7d")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class Step(NamedTuple):
    since: datetime
    until: datetime


@click.group("payments")
def command() -> None:
    """Compare the books of payment providers with the orders."""


@command.command("reconcile", context_settings={"max_content_width": 120})
@click.option("--since", type=Instant(), default="7d", show_default=True, help="From when on: an instant or a span.")
@click.option("--until", type=Instant(), default="15m", show_default=True, help="Up to when.")
@click.option("--repair", is_flag=True, help="Put right what is safe: tell orders, give back, release.")
@api_options
def reconcile(since: datetime, until: datetime, repair: bool, **shop: Any) -> None:
    """Compare what providers took and gave back with what orders say, both ways. Works while the shop sells.

    Every payment made in that time is held against its order, and every order placed in it against its payment. With
    --repair, orders are told of payments they missed, money that no order wants goes back, and what is held for orders
    that ended is released; money that is missing, differs, or has no order is only reported. Ends with status 1 if
    anything is left open.
    """
    steps = list(steps_of(since, min(until, datetime.now(UTC) - SETTLING)))
    if not steps:
        raise click.BadParameter("the window ends before it begins; the last 15 minutes are left out")
    console, tally = Console(soft_wrap=True), Tally()
    with connected(**shop) as client, bar(console) as report:
        for done, step in enumerate(steps):
            report("comparing", done, len(steps))
            tally.add(compared(client, step, repair=repair))
        report("comparing", len(steps), len(steps))
    tally.show(console)
    if tally.open:
        sys.exit(1)


class Tally:
    """What all steps came to."""

    def __init__(self) -> None:
        self.methods: set[str] = set()
        self.payments = 0
        self.orders = 0
        self._unlisted = 0
        self.findings: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, told: dict[str, Any]) -> None:
        """A step's answer. A payment and its order may lie in two steps: a difference counts once."""
        self.methods.update(told["methods"])
        self.payments += told["payments"]
        self.orders += told["orders"]
        # One answer lists only so many differences, but counts all.
        self._unlisted += told["open"] - sum(not finding["mended"] for finding in told["findings"])
        for finding in told["findings"]:
            self.findings[finding["kind"], finding["payment_id"]] = finding

    @property
    def open(self) -> int:
        """Differences that are left."""
        return sum(not finding["mended"] for finding in self.findings.values()) + self._unlisted

    def show(self, console: Console) -> None:
        """Each difference in a line, and the sum."""
        if not self.methods:
            console.print("This shop has no payment provider: there is nothing to compare.")
            return
        rows = [COLUMNS]
        for finding in list(self.findings.values())[:FINDINGS_SHOWN]:
            says = (f"{finding[side]:,} {finding['currency']}" for side in ("expected", "found"))
            end = "mended" if finding["mended"] else "open"
            rows.append(
                (finding["kind"], finding["method"], finding["order_id"] or "-", finding["payment_id"], *says, end)
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows if self.findings else ():
            line = "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True))
            console.print(line.rstrip(), highlight=False, markup=False)
        asked = " and ".join(sorted(self.methods))
        mended = sum(finding["mended"] for finding in self.findings.values())
        console.print(
            f"{self.payments:,} payments of {asked} and {self.orders:,} orders compared: {mended:,} mended, "
            f"{self.open:,} open.",
            highlight=False,
        )


def steps_of(since: datetime, until: datetime) -> Iterator[Step]:
    """The window in steps of equal length."""
    length = min(max((until - since) / STEPS, SHORTEST_STEP), LONGEST_STEP)
    while since < until:
        end = min(since + length, until)
        yield Step(since, end)
        since = end


def compared(client: httpx.Client, step: Step, *, repair: bool) -> dict[str, Any]:
    """The shop's comparison of one step; a provider that is away for a moment is waited for."""
    window = {"since": _written(step.since), "until": _written(step.until)}
    for attempt in range(ATTEMPTS):
        answer = client.request("POST" if repair else "GET", PATH, params=window)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or attempt == ATTEMPTS - 1:
            break
        time.sleep(0.2 * 2**attempt)
    told: dict[str, Any] = checked(answer)
    return told


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
