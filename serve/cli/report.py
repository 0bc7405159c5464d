"""`doorbuster report NAME`: a report of the running shop, as a table, as CSV, Parquet or JSON, or as a picture."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engine.money import Money

from ..mail.amounts import shown_amount
from .report_verify import verify
from .shop_api import api_options, checked, connected

VERIFY = "verify"
FORMATS = ("table", "csv", "parquet", "json", "png")


@click.command("report", context_settings={"max_content_width": 120})
@click.argument("name", default="")
@click.option("--from", "first", metavar="DAY", default="", help="First day, such as 2026-11-01; by default 30 days.")
@click.option("--to", "last", metavar="DAY", default="", help="Last day, which is in it; by default today.")
@click.option("--timezone", default="", help="Where days begin, such as Europe/London; by default UTC.")
@click.option("--currency", default="", help="Only this one, such as EUR.")
@click.option("--interval", default="", help="hour, day, week or month.")
@click.option("--by", default="", help="product, category, vendor, country or group.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="Most rows.")
@click.option("--format", "wanted", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File; by default NAME.FORMAT.")
@api_options
def command(
    name: str,
    first: str,
    last: str,
    wanted: str,
    output: Path | None,
    url: str | None,
    key_file: Path | None,
    data: str | None,
    config: Path | None,
    **cut: Any,
) -> None:
    """Ask the running shop for a report; without NAME, which reports there are.

    A table and JSON go to the terminal, CSV, too, unless there is an --output; Parquet and PNG go to a file.
    `doorbuster report verify` folds the journals anew and compares every total with the lake.
    """
    if name == VERIFY:
        verify(data, config)
        return
    query = {key: value for key, value in {"from": first, "to": last, **cut}.items() if value}
    with connected(url=url, key_file=key_file, data=data, config=config) as client:
        if not name:
            _list(checked(client.get("/v1/reports"))["items"])
            return
        answer = client.get(f"/v1/reports/{name}", params={**query, "format": "json" if wanted == "table" else wanted})
        if not answer.is_success or wanted == "table":
            _show(checked(answer))
            return
    if output is None and wanted in ("json", "csv"):
        click.echo(answer.content, nl=False)
        return
    output = output or Path(f"{name}.{wanted}")
    output.write_bytes(answer.content)
    click.echo(f"{output}: {len(answer.content):,} bytes")


def _list(reports: list[dict[str, Any]]) -> None:
    table = Table("report", "tells", "by time", "by")
    for report in reports:
        table.add_row(report["name"], report["about"], ", ".join(report["intervals"]), ", ".join(report["dimensions"]))
    Console().print(table)


def _show(report: dict[str, Any]) -> None:
    table = Table(title=f"{report['title']}, {report['from']} to {report['to']} ({report['timezone']})")
    for column in report["columns"]:
        table.add_column(column["name"], justify="left" if column["unit"] in ("text", "period") else "right")
    for row in report["rows"]:
        currency = row.get("currency") or ""
        table.add_row(*(_cell(row[column["name"]], column["unit"], currency) for column in report["columns"]))
    Console().print(table)
    if not report["rows"]:
        click.echo("There is nothing in this period.")


def _cell(value: Any, unit: str, currency: str) -> str:
    match value, unit:
        case None, _:
            return "-"
        case int(), "money" if currency:
            return shown_amount(Money(value, currency))
        case _, "share":
            return f"{value:.1%}"
        case float(), _:
            return f"{value:,.2f}"
        case int(), _:
            return f"{value:,}"
    return str(value)
