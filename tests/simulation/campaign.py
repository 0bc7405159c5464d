"""Many seeds over all cores: what they did, what went wrong, and what that met."""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .faults import KINDS, PLANNED
from .world import Result, simulate

STATUSES = (
    "sealing",
    "reserving",
    "awaiting-payment",
    "committing",
    "confirmed",
    "fulfilled",
    "rejected",
    "expired",
    "cancelled",
)
FOREVER = float("inf")
SEEDS_PER_PROCESS = 200
"""A worker is replaced after so many: what a history leaves behind in memory goes with it."""


@dataclass
class Totals:
    """Sums over a campaign."""

    seeds: int = 0
    seconds: float = 0.0
    virtual_s: float = 0.0
    purchases: int = 0
    confirmed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.virtual_s += result.virtual_s
        self.purchases += result.purchases
        self.confirmed += result.confirmed
        self.faults += result.faults
        self.coverage += result.coverage
        self.orders += result.orders
        if result.violations:
            self.failures[result.seed] = result.violations

    @property
    def seeds_per_minute(self) -> float:
        return 60.0 * self.seeds / self.seconds if self.seconds else 0.0


def run_campaign(
    first: int, runs: int, console: Console, *, workers: int | None = None, minutes: float = FOREVER
) -> Totals:
    """Run the seeds from `first` on, as many as the minutes allow; failing ones are printed as they are found."""
    totals, began = Totals(), time.monotonic()
    with Progress(
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task("", total=runs, pace="")
        for result in results_of(range(first, first + runs), workers):
            totals.add(result)
            totals.seconds = time.monotonic() - began
            progress.update(bar, advance=1, pace=f"{totals.seeds_per_minute:.0f} seeds/min")
            if result.violations:
                console.print(f"[red]seed {result.seed}[/]: {result.violations[0]}", highlight=False)
                console.print(f"  make simulate SEED={result.seed}", highlight=False)
            if totals.seconds > minutes * 60.0:
                break
    return totals


def results_of(seeds: range, workers: int | None = None) -> Iterator[Result]:
    """The results of the seeds, in the order in which they are done."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers or os.cpu_count(), maxtasksperchild=SEEDS_PER_PROCESS) as pool:
        yield from pool.imap_unordered(simulate, seeds)


def tell(totals: Totals, console: Console) -> None:
    """Print what came of it."""
    console.print(
        f"{totals.seeds:,} seeds in {totals.seconds:,.0f} s ({totals.seeds_per_minute:,.0f} seeds/min), "
        f"{totals.virtual_s / 3_600:,.1f} simulated hours, {totals.purchases:,} orders, "
        f"{totals.confirmed:,} confirmed, [bold]{len(totals.failures)} seeds failed[/]",
        highlight=False,
    )
    table = Table(title="How often each fault met orders in each status")
    table.add_column("fault")
    table.add_column("times", justify="right")
    for status in STATUSES:
        table.add_column(status, justify="right")
    for kind in (*KINDS, *PLANNED):
        met = (f"{totals.coverage[kind, status]:,}" for status in STATUSES)
        table.add_row(kind, f"{totals.faults[kind]:,}", *met)
    table.add_row("(orders in the end)", f"{totals.purchases:,}", *(f"{totals.orders[each]:,}" for each in STATUSES))
    console.print(table)
    console.print(
        ", ".join(f"{name} {number:,}" for name, number in totals.faults.items() if name not in (*KINDS, *PLANNED)),
        highlight=False,
    )


def write(totals: Totals, path: Path) -> None:
    """Keep the figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "seeds": totals.seeds,
                "seconds": round(totals.seconds, 1),
                "simulated_hours": round(totals.virtual_s / 3_600, 2),
                "orders": dict(totals.orders),
                "confirmed": totals.confirmed,
                "faults": dict(totals.faults),
                "coverage": {
                    f"{kind} x {status}": number for (kind, status), number in sorted(totals.coverage.items())
                },
                "failures": totals.failures,
            },
            indent=2,
        )
    )
