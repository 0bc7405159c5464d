"""Starts the shop's hosts as Ray actors. Apart from `hosting`: whoever imports this imports Ray, which then reads its
environment."""

import asyncio
from collections.abc import Callable
from functools import partial

from actors import on_ray
from actors.client import Client
from actors.host import Host
from actors.pins import Pins
from engine.kinds import KINDS

from .hosting import all_shards, compose_host, find_shards, journal_of
from .settings import Settings
from .version import version_of_hosts


def start_hosts(settings: Settings, on_progress: Callable[[int, int], None] = lambda ready, wanted: None) -> None:
    """Have host actors and the directory run in the Ray that this process is connected to, with these settings.

    Hosts that run already are left alone if they were started with the same settings and the same program; else they
    are replaced one after the other, while the shop sells. `on_progress` is called with how many hosts are ready, of
    how many. Raises `JournalError` or `Unavailable` with what kept it from it.
    """

    async def try_journal() -> None:
        # Here first: what is wrong with the journal is told to whoever starts the shop.
        journal = journal_of(settings, nodes=on_ray.nodes_for_hosts())
        try:
            await all_shards(settings, journal)
        finally:
            await journal.close()

    asyncio.run(try_journal())
    spec = on_ray.HostSpec(
        partial(compose_pinning_host, settings), KINDS, settings.shards, settings.hosts, version_of_hosts(settings)
    )
    on_ray.start_hosts(spec, partial(find_shards, settings), on_progress)


async def compose_pinning_host(settings: Settings, client: Client) -> Host:
    """As `compose_host`, by a host that can have entities moved to hosts of their own."""
    # Here: it brings along what the feed process is made of, and whoever starts hosts needs none of it.
    from .feed.actor import RemoteDesk

    return await compose_host(settings, client, pins=Pins(client, on_ray.RayDirectory()), desk=RemoteDesk())
