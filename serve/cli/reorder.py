"""`doorbuster reorder`: drafts purchase orders for what is about to run out."""

from pathlib import Path
from typing import Any

import click

from .shop_api import api_options, post

COLUMNS = ("SKU", "supplier", "per day", "lead days", "reorder point", "position", "to order")


@click.command("reorder", context_settings={"max_content_width": 120})
@click.option("--location", default="default", show_default=True, help="Whose stock to look at.")
@click.option("--supplier", help="Only what this supplier offers.")
@click.option(
    "--service-level",
    type=click.FloatRange(0.5, 0.9999),
    default=0.95,
    show_default=True,
    help="Probability that a lead time passes without running out.",
)
@click.option("--window-days", type=click.IntRange(1, 365), default=28, show_default=True, help="Days of demand.")
@click.option("--coverage-days", type=click.IntRange(0, 365), default=14, show_default=True, help="Days on top.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be drafted.")
@api_options
def command(url: str | None, key_file: Path | None, data: str | None, config: Path | None, **wish: Any) -> None:
    """Draft purchase orders for every SKU that is at its reorder point. Running it again drafts nothing twice.

    A SKU is ordered when what is available and incoming is no more than d*L + z*sqrt(L*sd_d^2 + d^2*sd_L^2), with the
    demand of the stock's own ledger and the supplier's lead time.
    """
    told = post("/v1/admin/reorder", wish, url=url, key_file=key_file, data=data, config=config)
    rows = [COLUMNS]
    for line in told["lines"]:
        figures = (line["demand_per_day"], line["lead_time_days"], line["reorder_point"], line["position"])
        rows.append((line["sku"], line["supplier"], *(f"{figure:g}" for figure in figures), str(line["quantity"])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows if told["lines"] else ():
        click.echo("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
    for draft in told["drafts"]:
        click.echo(f"drafted {draft['id']}: {len(draft['lines'])} lines from {draft['supplier']}")
    if not told["drafts"]:
        click.echo("Nothing is drafted.")
