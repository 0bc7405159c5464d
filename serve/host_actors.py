"""Starts the shop's hosts as Ray actors. Apart from `hosting`: whoever imports this imports Ray, which then reads its
environment."""

import asyncio
from functools import partial

from actors import on_ray
from engine.kinds import KINDS

from .hosting import all_shards, compose_host, find_shards, journal_of
from .settings import Settings


def start_hosts(settings: Settings) -> None:
    """Start the host actors and the directory in the Ray that this process is connected to."""

    async def try_journal() -> None:
        # Here first: what is wrong with the journal is told to whoever starts the shop.
        journal = journal_of(settings)
        try:
            await all_shards(settings, journal)
        finally:
            await journal.close()

    asyncio.run(try_journal())
    on_ray.start_hosts(
        settings.hosts, partial(compose_host, settings), KINDS, settings.shards, partial(find_shards, settings)
    )
