"""`doorbuster journal`: the group of commands, and the one that tells what happened to an entity."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from actors.codec import KindCodec
from actors.journals.port import Entry, Journal
from engine.kernel import Event, tag_of
from engine.kinds import KINDS
from engine.money import Money
from engine.stock import STOCK, stock_key

from ..settings import display
from .journal_copy import backup, copy, restore
from .journal_redact import redact
from .journal_source import opened, settings_of, source_options
from .journal_trim import trim
from .journal_verify import verify

PAGE = 1_000
"""Entries read at a time."""


@click.group("journal")
def command() -> None:
    """Look into the journal, check it, copy it, back it up."""


@command.command("inspect", context_settings={"max_content_width": 120})
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.argument("key")
@source_options
def inspect(kind: str, key: str, data: str | None, journal: str | None, config: Path | None) -> None:
    """Show an entity's events as a table, oldest first. Works while the shop runs.

    KEY is a SKU for product and stock (SKU@LOCATION for another location's stock), the id for cart and order.
    """
    if kind == STOCK.name and tag_of(key) == key:
        key = stock_key(key)
    settings = settings_of(data, journal, config)
    trimmed, entries = asyncio.run(history_of(settings.journal, kind, key))
    if not entries and not trimmed:
        raise click.ClickException(f"The journal {display(settings, 'journal')} knows no {kind} {key}.")
    if trimmed:
        click.echo(f"Versions up to {trimmed} were trimmed; what they came to is kept.", err=True)
    # Not cut to the terminal's width where the output is piped into another program.
    console = Console()
    (console if console.is_terminal else Console(width=1_000)).print(events_table(kind, entries))


async def history_of(url: str, kind: str, key: str) -> tuple[int, list[Entry]]:
    """The version up to which the entity was trimmed, and all entries that are left, in whichever shards it lived.

    A hot SKU may have moved to a shard of its own.
    """
    trimmed, found = 0, []
    async with opened(url) as journal:
        for shard in await journal.shards():
            for base in await journal.bases(shard, [(kind, key)]):
                trimmed = max(trimmed, base.version if base is not None else 0)
            found += await _in_shard(journal, shard, kind, key)
    return trimmed, sorted(found, key=lambda entry: entry.version)


async def _in_shard(journal: Journal, shard: int, kind: str, key: str) -> list[Entry]:
    entries: list[Entry] = []
    while page := await journal.history(
        shard, kind, key, after_version=entries[-1].version if entries else 0, limit=PAGE
    ):
        entries += page
    return entries


def events_table(kind: str, entries: Sequence[Entry]) -> Table:
    """One line per event; events that were recorded together share time and version."""
    codec = KindCodec(KINDS[kind])
    table = Table("time (UTC)", "version", "event", "fields", box=None, pad_edge=False)
    for entry in entries:
        time = datetime.fromtimestamp(entry.at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for position, event in enumerate(codec.decode_events(entry.events)):
            first = position == 0
            table.add_row(
                time if first else "", str(entry.version) if first else "", type(event).__name__, _fields(event)
            )
    return table


def _fields(event: Event) -> str:
    """The fields that say something: what is at its default is left out."""
    said = []
    for field in msgspec.structs.fields(event):
        value = getattr(event, field.name)
        if value != field.default and value not in ((), {}, [], ""):
            said.append(f"{field.name}={_plain(value)}")
    return " ".join(said)


def _plain(value: Any) -> str:
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_plain(item) for item in value)}]"
    if isinstance(value, msgspec.Struct):
        inner = (f"{field.name}={_plain(getattr(value, field.name))}" for field in msgspec.structs.fields(value))
        return f"{type(value).__name__}({' '.join(inner)})"
    return str(value)


for _command in (verify, copy, backup, restore, trim, redact):
    command.add_command(_command)
