"""`doorbuster feed`: public events on the terminal or into a broker, and how far those who read have come."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from actors.feed.beginning import Begin, positions_at
from actors.feed.consumer import Held
from actors.feed.feed import Feed
from actors.feed.pages import Pages
from actors.journals.port import Journal

from ..feed.contract.envelope import encode
from ..feed.contract.teller import Teller
from ..feed.process import positions_of
from ..feed.relays.address import begin_of, parse_relay
from ..feed.relays.port import AddressError
from ..feed.relays.relay import Relay
from ..feed.relays.section import broker_of
from ..hosting import now
from ..settings import Settings
from .journal_source import opened, settings_of, source_options
from .shop_api import api_options, checked, connected

LOOK_EVERY_S = 0.2


@click.group("feed")
def command() -> None:
    """What happens in the shop, as public events, and who reads it."""


class _BeginType(click.ParamType[Any]):
    name = "newest|start|INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return begin_of(str(value))
        except AddressError as error:
            self.fail(str(error), param, ctx)


BEGIN = _BeginType()


@command.command("tail", context_settings={"max_content_width": 120})
@click.option("--from", "begin", type=BEGIN, default="newest", show_default=True, help="Where to begin.")
@click.option("--follow/--no-follow", default=True, help="Go on with what happens from now on.")
@click.option("--type", "prefix", metavar="NAME", default="", help="Only types that begin so, such as order.confirmed.")
@source_options
def tail(begin: Begin, follow: bool, prefix: str, data: str | None, journal: str | None, config: Path | None) -> None:
    """Write public events as JSON, one in a line, while the shop sells or stands still. Nothing is remembered of it."""
    settings = settings_of(data, journal, config)

    async def tell() -> None:
        async with opened(settings.journal) as source:
            teller = Teller(source, settings.public_url, settings.low_stock_units)
            await _tail(source, teller, begin, f"doorbuster.{prefix}", follow=follow)

    try:
        asyncio.run(tell())
    except (KeyboardInterrupt, BrokenPipeError):
        # Whoever reads has seen enough; nothing more is written, not even at the end of Python.
        sys.stderr.close()


async def _tail(journal: Journal, teller: Teller, begin: Begin, prefix: str, *, follow: bool) -> None:
    shards = {*range(journal.base_shards), *await journal.shards()}
    positions = await positions_at(journal, shards, begin)
    pages = Pages(journal)
    volumes = {journal.volume_of(shard) for shard in shards}
    while True:
        found = False
        for volume in volumes:
            after = {shard: at for shard, at in positions.items() if journal.volume_of(shard) == volume}
            page = await pages.read_on(after)
            for shard in after:
                entries = [entry for of, entry in page.entries if of == shard]
                for event in await teller.tell(shard, entries) if entries else ():
                    if event.type.startswith(prefix):
                        click.echo(encode(event))
            found = found or page.upto != after
            positions |= page.upto
        if not found:
            if not follow:
                return
            await asyncio.sleep(LOOK_EVERY_S)


@command.command("relay", context_settings={"max_content_width": 120})
@click.argument("url")
@click.option("--until-caught-up", is_flag=True, help="End when everything that is recorded by now has arrived.")
@source_options
def relay(url: str, until_caught_up: bool, data: str | None, journal: str | None, config: Path | None) -> None:
    """Relay public events into the broker at URL, in this process, from where it ended last time.

    A shop that is to relay by itself is started with --relay URL: that one also keeps `journal trim` from taking what
    it has yet to read.
    """
    settings = settings_of(data, journal, config)
    try:
        asyncio.run(_relayed(settings, url, until_caught_up=until_caught_up))
    except AddressError as error:
        raise click.ClickException(f"{url}: {error}.") from error
    except KeyboardInterrupt:
        pass


async def _relayed(settings: Settings, url: str, *, until_caught_up: bool) -> None:
    address = parse_relay(url)
    async with opened(settings.journal) as source:
        feed = Feed(source, positions_of(settings, source, f"{address.name}.sqlite"), now, guards=False)
        teller = Teller(source, settings.public_url, settings.low_stock_units)
        consumer = Relay(address.name, teller, broker_of(address, now))
        feed.read_for(consumer, address.begin)
        try:
            if until_caught_up:
                await _catch_up(feed)
            else:
                feed.start()
                await asyncio.Event().wait()
        finally:
            await feed.close()
            await consumer.close()
            click.echo(f"{consumer.told:,} events arrived at {address.name}.")


async def _catch_up(feed: Feed) -> None:
    try:
        await feed.catch_up()
    except Held as error:
        raise click.ClickException(f"The broker does not take them: {error}") from error


@command.command("status", context_settings={"max_content_width": 120})
@api_options
def status(url: str | None, key_file: Path | None, data: str | None, config: Path | None) -> None:
    """How far each consumer of the running shop's feed has come."""
    with connected(url=url, key_file=key_file, data=data, config=config) as client:
        _show(checked(client.get("/v1/admin/feed"))["items"])


@command.command("replay", context_settings={"max_content_width": 120})
@click.argument("consumer")
@click.option("--from", "begin", required=True, metavar="newest|start|INSTANT", help="Where to begin again.")
@api_options
def replay(
    consumer: str, begin: str, url: str | None, key_file: Path | None, data: str | None, config: Path | None
) -> None:
    """Have a CONSUMER of the running shop read again from there; what is told again has the same ids."""
    with connected(url=url, key_file=key_file, data=data, config=config) as client:
        _show(checked(client.post(f"/v1/admin/feed/{consumer}/replay", json={"begin": begin}))["items"])


def _show(items: list[dict[str, Any]]) -> None:
    if not items:
        click.echo("Nobody reads: the shop was started without --relay.")
        return
    table = Table(box=None)
    # Names are for `replay`: whole, however narrow the terminal is.
    table.add_column("consumer", overflow="fold", min_width=max(len(each["name"]) for each in items))
    for heading in ("read", "behind", "oldest"):
        table.add_column(heading, justify="right")
    table.add_column("waits because")
    for each in items:
        table.add_row(
            each["name"],
            f"{each['taken']:,}",
            f"{each['lag_entries']:,}",
            f"{each['lag_ms'] / 1_000:.1f} s",
            each["waits_because"],
        )
    Console(soft_wrap=True).print(table, highlight=False)
