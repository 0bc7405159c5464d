"""How long reports take over many order lines: `python -m serve.measure.reports --lines 10000000`.

The lines are made up, with a seed, and laid out in the lake as its compaction leaves them: a file for each month.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ml.lake.manifest import LakeFile, Manifest
from ml.lake.parquet import write
from ml.lake.tables import Sale, schema_of

from ..reports.library import REPORTS
from ..reports.question import question_of
from ..reports.running import Library

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MONTHS = 24
LINES_PER_ORDER = 4
SKUS = 20_000
CUSTOMERS = 500_000
COUNTRIES = ("GB", "DE", "FR", "NL", "IE", "ES", "US", "SE")
ASKED: Sequence[tuple[str, dict[str, str]]] = (
    ("sales", {"interval": "day"}),
    ("sales", {"interval": "month"}),
    ("sales", {"interval": "hour", "timezone": "Europe/London"}),
    ("sales", {"interval": "month", "by": "category"}),
    ("sales", {"interval": "month", "by": "country"}),
    ("sales", {"interval": "month", "by": "vendor"}),
    ("sales", {"by": "product"}),
    ("best-sellers", {"limit": "100"}),
    ("cohorts", {}),
    ("customers", {"limit": "1000"}),
    ("demand-forecast", {"limit": "1000"}),
)


@click.command()
@click.option("--lines", default=10_000_000, show_default=True, help="Order lines.")
@click.option("--lake", type=click.Path(path_type=Path, file_okay=False), help="Directory to keep them in.")
@click.option("--rounds", default=3, show_default=True, help="Times that each is asked; the first is cold.")
def main(lines: int, lake: Path | None, rounds: int) -> None:
    """Make the lines, ask the reports, print seconds."""
    with TemporaryDirectory() as temporary:
        directory = lake or Path(temporary)
        if not (directory / "manifest.sqlite").exists():
            began = time.perf_counter()
            fill(directory, lines)
            click.echo(f"{lines:,} lines made and written in {time.perf_counter() - began:.0f} s")
        table = Table("report", "cold s", "warm s", "rows")
        for name, cut in ASKED:
            took, rows = ask(directory, name, cut, rounds)
            shown = f"{name} {' '.join(cut.values())}"
            table.add_row(shown, f"{took[0]:.2f}", f"{min(took[1:] or took):.2f}", f"{rows:,}")
        Console().print(table)


def ask(lake: Path, name: str, cut: dict[str, str], rounds: int) -> tuple[list[float], int]:
    """The seconds of each round, and how many rows the answer has."""
    library = Library(lake, REPORTS)
    given = {"from": "2025-01-01", "to": "2026-12-31", **cut}
    question = question_of(name, given, int(FIRST.timestamp() * 1_000))
    took, rows = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        rows = len(library.run(REPORTS[name], question).rows)
        took.append(time.perf_counter() - began)
    return took, rows


def fill(lake: Path, lines: int) -> None:
    """Write a lake with so many order lines over two years; a thirtieth of them came back."""
    lake.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(lake, create=True)
    manifest.take_over("measure")
    per_month = lines // MONTHS
    files = [_month(lake, month, per_month) for month in track(range(MONTHS), "Making order lines")]
    manifest.commit("measure", files, {0: lines})
    manifest.close()


def _month(lake: Path, month: int, lines: int) -> LakeFile:
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(month)
    begins = datetime(2025 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    first = int(begins.timestamp() * 1_000)
    order = np.arange(lines) // LINES_PER_ORDER
    placed = np.sort(random.integers(0, 28 * 86_400_000, order[-1] + 1)) + first
    sku = (random.pareto(1.2, lines) * 50).astype(np.int64) % SKUS
    back = random.random(lines) < 1 / 30
    units = np.where(back, -1, random.integers(1, 4, lines))
    gross = units * (500 + sku % 97 * 100)
    tax = gross // 6
    customer = random.integers(0, CUSTOMERS, order[-1] + 1)[order]
    values: dict[str, Any] = {
        "shard": np.zeros(lines),
        "position": np.arange(lines) + month * lines,
        "index": np.arange(lines) % LINES_PER_ORDER,
        "happened_at": placed[order],
        "ordered_at": placed[order],
        "kind": _texts(back.astype(np.int64), ("sale", "return")),
        "order_id": pa.array([f"ord_{month:02}{number:028x}" for number in range(order[-1] + 1)]).take(pa.array(order)),
        "sku": _texts(sku, [f"SKU-{number}" for number in range(SKUS)]),
        "category": _texts(sku % 40, [f"Category {number}" for number in range(40)]),
        "vendor": _texts(sku % 300, [f"Vendor {number}" for number in range(300)]),
        "units": units,
        "gross": gross,
        "discount": np.zeros(lines),
        "tax": tax,
        "net": gross - tax,
        "total": gross,
        "currency": _texts(np.zeros(lines, np.int64), ("EUR",)),
        "customer": _texts(customer, [f"acc_{number}" for number in range(CUSTOMERS)]),
        "country": _texts(customer % len(COUNTRIES), COUNTRIES),
    }
    nothing = {pa.string(): _texts(np.zeros(lines, np.int64), ("",))}
    schema = schema_of(Sale)
    columns = [
        _column(values[field.name], field.type)
        if field.name in values
        else nothing.get(field.type, pa.array(np.zeros(lines, np.int64)).cast(pa.int64())).cast(field.type)
        for field in schema
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    return write(lake, "sales", table, int(placed[0]), int(placed[-1]))


def _column(values: Any, wanted: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(wanted)
    return pa.array(values.astype("int64")).cast(wanted)


def _texts(numbers: Any, names: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), pa.array(list(names))).cast(pa.string())


if __name__ == "__main__":
    main()
