"""`doorbuster export products`: the running shop's catalogue as a file."""

import os
from pathlib import Path

import click
import httpx

from .bulk import BulkError, admin_client
from .options import resolve_or_exit
from .shop_api import api_options


@click.group("export")
def command() -> None:
    """Write data of the running shop into files."""


@command.command("products", context_settings={"max_content_width": 120})
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option("--currency", default="USD", show_default=True, help="Currency of the price columns (ISO 4217).")
@click.option("--with-stock", is_flag=True, help="With units on hand, to be received where the file goes.")
@api_options
def products(
    file: Path,
    url: str | None,
    key_file: Path | None,
    currency: str,
    with_stock: bool,
    data: str | None,
    config: Path | None,
) -> None:
    """Write all products and their pages as a Shopify product export (CSV) to FILE, or to the terminal.

    Loading it again with `doorbuster import products` changes nothing.
    """
    settings = resolve_or_exit({"data": data}, config).settings
    query = {"currency": currency, "with_stock": "true" if with_stock else "false"}
    try:
        with admin_client(url or settings.url, key_file or settings.admin_key_file) as client:
            _write(client, query, file)
    except BulkError as error:
        raise click.ClickException(str(error)) from error
    except httpx.TransportError as error:
        raise click.ClickException(f"The shop does not answer ({error}). Does it run?") from error


def _write(client: httpx.Client, query: dict[str, str], file: Path) -> None:
    with client.stream("GET", "/v1/admin/products.csv", params=query) as answer:
        if answer.status_code != httpx.codes.OK:
            answer.read()
            raise BulkError(f"The shop refuses the export: {answer.status_code} {answer.text[:200]}")
        if str(file) == "-":
            for chunk in answer.iter_bytes():
                click.echo(chunk, nl=False)
            return
        # The file is there as a whole or not at all.
        beside = file.with_name(f".{file.name}.part")
        with beside.open("wb") as target:
            for chunk in answer.iter_bytes():
                target.write(chunk)
        os.replace(beside, file)
