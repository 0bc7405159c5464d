"""`doorbuster import`: files into the running shop; here `products`, in `import_orders` what was sold elsewhere."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..shopify_csv.reading import CsvError, FamilyRow, ImportRow, Parsed, RowError, parse
from .bulk import BulkError, bring_in, bring_in_families
from .files import open_text
from .import_orders import orders
from .options import resolve_or_exit
from .shop_api import api_options

PAGES = "pages "
ERRORS_SHOWN = 50
"""Rows at fault that are listed; a file that has more has one mistake many times."""


@click.group("import")
def command() -> None:
    """Load data from files into the running shop."""


command.add_command(orders)


@command.command("products", context_settings={"max_content_width": 120})
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--currency", default="USD", show_default=True, help="Currency of the prices (ISO 4217).")
@click.option("--strict", is_flag=True, help="Check all rows first; if one is at fault, import none.")
@api_options
def products(
    file: Path,
    url: str | None,
    key_file: Path | None,
    currency: str,
    strict: bool,
    data: str | None,
    config: Path | None,
) -> None:
    """Load products and their stock from a Shopify product export (CSV, also gzipped).

    Rows of one handle that differ in options are variants on one page; drafts come in as drafts. What `doorbuster
    export products` wrote comes back exactly. Running it twice changes nothing: products that are the same stay as
    they are, and each SKU's opening stock is received once. Rows at fault are listed by their number; the good ones go
    in, unless --strict is given.
    """
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise click.BadParameter("three capital letters, such as USD", param_hint="--currency")
    settings = resolve_or_exit({"data": data}, config).settings
    started_at = time.monotonic()
    tally = Tally()
    console = Console(stderr=True)
    try:
        if strict:
            check_all(file, currency, tally, console)
        if not tally.errors:
            send_all(file, currency, url or settings.url, key_file or settings.admin_key_file, tally, console)
    except (BulkError, CsvError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        tally.show_errors(console)
    tally.show_counts(Console(), time.monotonic() - started_at)
    if tally.errors:
        raise SystemExit(1)


class Tally:
    """What became of the rows so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: list[tuple[int, str]] = []

    def refuse(self, row: int, detail: str) -> None:
        """The row is at fault."""
        self.errors.append((row, detail))

    def show_errors(self, console: Console) -> None:
        """List rows at fault by their number."""
        if not self.errors:
            return
        table = Table("row", "what is wrong", title=f"{len(self.errors)} rows at fault", title_justify="left")
        for row, detail in sorted(self.errors)[:ERRORS_SHOWN]:
            table.add_row(str(row), detail)
        if len(self.errors) > ERRORS_SHOWN:
            table.add_row("...", f"and {len(self.errors) - ERRORS_SHOWN} more")
        console.print(table)

    def show_counts(self, console: Console, seconds: float) -> None:
        """One line that sums up."""
        parts = [f"{self.counts[name]} {name}" for name in ("created", "updated", "unchanged")]
        if pages := sum(count for name, count in self.counts.items() if name.startswith(PAGES)):
            parts.append(f"{pages} pages")
        console.print(f"{', '.join(parts)}, {len(self.errors)} refused in {seconds:.1f} s", highlight=False)


def check_all(file: Path, currency: str, tally: Tally, console: Console) -> None:
    """Hold every row to the API's own contract, without sending any."""
    with open_text(file) as (text, raw), progress_bar(console, file, "Checking") as advance:
        for parsed in parse(text, currency):
            if isinstance(parsed, RowError):
                tally.refuse(parsed.row, parsed.detail)
            elif fault := fault_of(parsed):
                tally.refuse(parsed.row, fault)
            advance(raw.tell())


def send_all(file: Path, currency: str, url: str, key_file: Path, tally: Tally, console: Console) -> None:
    """Send the good rows, note the others."""
    families: list[FamilyRow] = []
    with open_text(file) as (text, raw), progress_bar(console, file, "Importing") as advance:
        for result in bring_in(_good_rows(parse(text, currency), tally, families), url, key_file):
            if result.status == "error":
                tally.refuse(result.row, f"{result.sku}: {result.error}")
            else:
                tally.counts[result.status] += 1
            advance(raw.tell())
    # A page whose variants are there already is whole from its first moment on.
    for page in bring_in_families([family.to_json() for family in families], url, key_file):
        if page.status == "error":
            tally.refuse(page.row, f"{page.sku}: {page.error}")
        else:
            tally.counts[PAGES + page.status] += 1


def fault_of(row: ImportRow | FamilyRow) -> str | None:
    """What the API's contract would refuse about the row."""
    from pydantic import ValidationError

    from ..api.schemas import imports as contract

    try:
        if isinstance(row, ImportRow):
            contract.ImportRow.model_validate(row.to_json())
        else:
            contract.FamilyRow.model_validate({**row.fields, "handle": row.handle})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = row.sku if isinstance(row, ImportRow) else row.handle
        return f"{name}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return None


def _good_rows(rows: Iterator[Parsed], tally: Tally, families: list[FamilyRow]) -> Iterator[dict[str, Any]]:
    for parsed in rows:
        if isinstance(parsed, RowError):
            tally.refuse(parsed.row, parsed.detail)
        elif isinstance(parsed, FamilyRow):
            families.append(parsed)
        else:
            yield parsed.to_json()


@contextmanager
def progress_bar(console: Console, file: Path, doing: str) -> Iterator[Any]:
    """A bar over the file's bytes; nothing where there is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=file.stat().st_size)
        yield lambda position: bar.update(task, completed=position)
        bar.update(task, completed=file.stat().st_size)
