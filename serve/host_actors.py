"""Starts the shop's hosts as Ray actors. Apart from `hosting`: whoever imports this imports Ray, which then reads its
environment."""

import asyncio
from functools import partial

from actors import on_ray
from engine.kinds import KINDS

from .hosting import all_shards, compose_host, journal_of
from .settings import Settings


def start_hosts(settings: Settings) -> None:
    """Start the host actors and the directory in the Ray that this process is connected to."""

    async def find_shards() -> list[int]:
        journal = journal_of(settings)
        try:
            return await all_shards(settings, journal)
        finally:
            await journal.close()

    shards = asyncio.run(find_shards())
    on_ray.start_hosts(settings.hosts, partial(compose_host, settings), KINDS, settings.shards, shards)
