"""`doorbuster import orders`: order history from a table of invoice lines into the running shop."""

import csv
import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ..order_csv.arranging import arrange
from ..order_csv.mapping import PRESETS, ColumnMapping, MappingError, parse_codes, parse_pairs
from ..order_csv.plan import Plan
from ..order_csv.reading import LineReader
from ..order_csv.rules import MEANING, REFUSED, Outcome
from ..shopify_csv.reading import CsvError
from .bulk import BulkError, admin_client, ensure_there, post
from .files import open_text
from .history import send_plan
from .options import config_option, resolve_or_exit

PLANS = "imports"
"""The directory, in the data directory, of imports under way."""
DIGEST_CHUNK_BYTES = 1 << 20


@click.command("orders", context_settings={"max_content_width": 120})
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="A known table: its columns, codes and countries.")
@click.option("--map", "columns", metavar="FIELD=COLUMN,...", help="Columns of order, sku, quantity, date, price, ...")
@click.option("--source", metavar="NAME", help="What the shop calls where it comes from; by default the preset.")
@click.option("--currency", help="Currency of the prices (ISO 4217).")
@click.option("--timezone", help="Of dates without an offset, such as Europe/London; by default UTC.")
@click.option(
    "--returns-prefix", help="What numbers of returns begin with; by default a negative quantity is a return."
)
@click.option("--codes", metavar="CODE=USE,...", help="SKUs that are no goods: shipping, discount or none.")
@click.option("--keep-duplicates", is_flag=True, help="Lines that are the same in every column all count.")
@click.option("--refused", type=click.Path(path_type=Path, dir_okay=False), help="Write refused lines and why here.")
@click.option("--url", help="Address of the shop; by default the one of the settings.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File of the admin key; by default of the settings.")
@click.option("--data", metavar="DIR", help="Data directory of the shop; an import under way is kept there.")
@config_option
def orders(
    file: Path,
    refused: Path | None,
    url: str | None,
    key_file: Path | None,
    data: str | None,
    config: Path | None,
    **choices: Any,
) -> None:
    """Load order history from a table (CSV, also gzipped) with one row for each line of an invoice.

    Orders, returns and customers keep their own dates; nothing is reserved, charged or mailed. Every line is imported
    or refused with a reason. Running it twice imports nothing twice; one that was stopped goes on where it was.
    """
    settings = resolve_or_exit({"data": data}, config).settings
    started_at = time.monotonic()
    console = Console(stderr=True)
    try:
        mapping = mapping_of(**choices)
        with Plan(_plan_file(settings.data / PLANS, file, mapping, url or settings.url)) as plan:
            with _bars(console) as bar:
                if not plan.is_made:
                    make_plan(plan, file, mapping, bar)
                _send(plan, mapping, url or settings.url, key_file or settings.admin_key_file, bar)
            if refused is not None:
                write_refused(plan, file, refused)
            _report(plan, Console(), time.monotonic() - started_at)
            failed = plan.counts().get(Outcome.REFUSED_BY_SHOP, 0)
            plan.remove()
    except (BulkError, CsvError, MappingError) as error:
        raise click.ClickException(str(error)) from error
    if failed:
        raise SystemExit(1)


def mapping_of(
    *,
    preset: str | None = None,
    columns: str | None = None,
    source: str | None = None,
    currency: str | None = None,
    timezone: str | None = None,
    returns_prefix: str | None = None,
    codes: str | None = None,
    keep_duplicates: bool = False,
) -> ColumnMapping:
    """The mapping that the options ask for: the preset, and what is said beside it. Raises `MappingError`."""
    if preset is None and columns is None:
        raise MappingError(
            "name a --preset, or the columns with --map order=...,sku=...,quantity=...,date=...,price=..."
        )
    known = PRESETS.get(preset or "")
    if known is None and currency is None:
        raise MappingError("name the --currency of the prices, such as USD")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise MappingError(f"{currency!r} is no currency: three capital letters, such as USD")
    said: dict[str, Any] = {"source": source, "currency": currency, "returns_prefix": returns_prefix}
    said["columns"] = {**(known.columns if known else {}), **parse_pairs(columns, "column")} if columns else None
    said["codes"] = {**(known.codes if known else {}), **parse_codes(codes)} if codes else None
    said["timezone"] = _zone(timezone) if timezone else None
    said["keep_duplicates"] = keep_duplicates or None
    given = {name: value for name, value in said.items() if value is not None}
    if known is not None:
        return dataclasses.replace(known, **given)
    return ColumnMapping(**{"source": "import", **given})


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"{name!r} is no time zone, such as Europe/London") from error


def _plan_file(directory: Path, file: Path, mapping: ColumnMapping, url: str) -> Path:
    """The plan of this very import: the same file, read in the same way, into the same shop."""
    digest = blake2b(repr((mapping, url)).encode(), digest_size=16)
    with file.open("rb") as content:
        while chunk := content.read(DIGEST_CHUNK_BYTES):
            digest.update(chunk)
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{digest.hexdigest()}.sqlite"


Bar = Callable[[str, int], Callable[[int], None]]
"""Begins a bar of so many steps; what it returns moves it on."""


@contextmanager
def _bars(console: Console) -> Iterator[Bar]:
    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def begin(doing: str, total: int) -> Callable[[int], None]:
            task = progress.add_task(doing, total=total)
            return lambda steps: progress.advance(task, steps)

        yield begin


def make_plan(plan: Plan, file: Path, mapping: ColumnMapping, bar: Bar) -> None:
    """Read the file and find out what each line is. Raises `CsvError`, `MappingError`."""
    reader = LineReader(mapping)
    plan.begin()
    with open_text(file) as (text, raw):
        advance, at = bar("Reading", file.stat().st_size), 0

        def watched() -> Iterator[Any]:
            nonlocal at
            for row in reader.read(text):
                if (position := raw.tell()) != at:
                    advance(position - at)
                    at = position
                yield row

        plan.stage(watched())
    advance = bar("Arranging", plan.open_rows())
    for lines in arrange(plan, keep_duplicates=mapping.keep_duplicates):
        advance(lines)
    plan.note("unknown countries", ", ".join(sorted(reader.unknown_countries)))
    plan.note("made", "yes")


def _send(plan: Plan, mapping: ColumnMapping, url: str, key_file: Path, bar: Bar) -> None:
    advance = bar("Importing", plan.open_lines())
    with admin_client(url, key_file) as client:
        ensure_there(client)
        for lines in send_plan(plan, mapping, partial(post, client)):
            advance(lines)


def write_refused(plan: Plan, file: Path, target: Path) -> None:
    """The refused lines as they stand in the file, each with its row, the reason and what more is to be said."""
    refused = plan.refused()
    following = next(refused, None)
    with open_text(file) as (text, _), target.open("w", encoding="utf-8", newline="") as out:
        rows, writer = csv.reader(text), csv.writer(out)
        writer.writerow([*next(rows, []), "row", "reason", "detail"])
        for number, cells in enumerate(rows, 2):
            if following is None:
                return
            if number == following[0]:
                writer.writerow([*cells, number, following[1], following[2] or MEANING[following[1]]])
                following = next(refused, None)


def _report(plan: Plan, console: Console, seconds: float) -> None:
    counts, tasks = plan.counts(), plan.tasks()
    table = Table("lines", "what became of them", title=f"{sum(counts.values()):,} lines", title_justify="left")
    table.columns[0].justify = "right"
    for outcome in Outcome:
        if count := counts.get(outcome):
            word = "[yellow]refused[/] " if outcome in REFUSED else ""
            table.add_row(f"{count:,}", f"{word}{outcome}: {MEANING[outcome]}")
    console.print(table)
    parts = []
    for kind in ("order", "return", "credit"):
        new, known, failed = (tasks.get((kind, status), 0) for status in ("imported", "unchanged", "error"))
        more = [f"{known:,} there already"] if known else []
        more += [f"{failed:,} refused by the shop"] if failed else []
        parts.append(f"{new:,} {kind}s" + (f" ({', '.join(more)})" if more else ""))
    console.print(f"{', '.join(parts)} in {seconds:.1f} s", highlight=False, soft_wrap=True)
    if unknown := plan.fact("unknown countries"):
        console.print(f"Countries that nobody knows here stay empty: {unknown}", highlight=False)
