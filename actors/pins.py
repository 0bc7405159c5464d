"""Pinning, for whoever holds a client: give a hot entity a shard of its own, and take it back."""

from typing import Protocol

from engine.kernel import Command

from .client import Client
from .host import Host
from .journals.port import Journal


class Shards(Protocol):
    """Where shards for pinned entities come from."""

    async def add_exclusive(self) -> int:
        """A new shard that runs, on a host of its own where there are enough of them."""
        ...

    async def share(self, shard: int) -> None:
        """The shard is empty again: its host may do other work."""
        ...


class LocalShards:
    """The shards of a process whose one host runs everything."""

    def __init__(self, host: Host, journal: Journal, shards: int) -> None:
        self._host = host
        self._journal = journal
        self._shards = shards

    async def add_exclusive(self) -> int:
        shard = max([self._shards - 1, *await self._journal.shards()]) + 1
        await self._host.own([shard])
        return shard

    async def share(self, shard: int) -> None:
        """The only host does all work anyway."""


class Pins:
    """Pins and unpins entities while they are in use: their commands wait for some milliseconds, none is lost."""

    def __init__(self, client: Client, shards: Shards) -> None:
        self._client = client
        self._shards = shards

    async def pin(self, kind: str, key: str, look: Command) -> int:
        """Give the entity a shard of its own, unless it has one; returns its number. `look` reads the entity."""
        # Reading it finds out where it lives.
        await self._client.send(kind, key, look)
        shard = self._client.shard_of(kind, key)
        if shard == self._client.home_of(key):
            shard = await self._shards.add_exclusive()
            await self._client.move(kind, key, shard)
        return shard

    async def unpin(self, kind: str, key: str, look: Command) -> None:
        """Have the entity live in its home shard again."""
        await self._client.send(kind, key, look)
        shard, home = self._client.shard_of(kind, key), self._client.home_of(key)
        if shard != home:
            await self._client.move(kind, key, home)
            await self._shards.share(shard)
