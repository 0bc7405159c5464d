"""All consumers of one process: their readers, how they stand, and what the journal must keep for them."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from ..journals.port import Journal, JournalError
from .beginning import Begin
from .consumer import Consumer, Held, UnknownConsumer
from .pages import Pages
from .positions import Positions
from .reader import Reader, Standing
from .spare import Spare

FEED = "feed"
"""The name under which the journal keeps what any of them has yet to read."""
GUARD_EVERY_S = 60.0
"""How often the journal is told: it only has to know before it is trimmed."""

logger = logging.getLogger("doorbuster.feed")


class Feed:
    """Readers by their consumers' names.

    The journal knows them as one consumer, at the position of the slowest; without `guards` it doesn't know of them.
    With `spare` they rest where others need the machine.
    """

    def __init__(
        self,
        journal: Journal,
        positions: Positions,
        now: Callable[[], int],
        *,
        guards: bool = True,
        spare: Spare | None = None,
    ) -> None:
        self.journal = journal
        self.now = now
        self.readers: dict[str, Reader] = {}
        self._positions = positions
        self._guards = guards
        self._spare = spare
        self._pages = Pages(journal)
        self._tasks: list[asyncio.Task[None]] = []

    def read_for(self, consumer: Consumer, begin: Begin = "newest") -> Reader:
        """Have a consumer read; one that never was begins there."""
        assert consumer.name not in self.readers, f"two consumers are called {consumer.name}"
        reader = Reader(self.journal, self._pages, consumer, self._positions, self.now, begin, self._spare)
        self.readers[consumer.name] = reader
        return reader

    def start(self) -> None:
        """Read from now on, beside everything else."""
        self._tasks = [asyncio.create_task(reader.run()) for reader in self.readers.values()]
        if self._guards:
            self._tasks.append(asyncio.create_task(self._keep_guarding()))

    async def close(self) -> None:
        """Stop reading and write down how far everybody has come."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for reader in self.readers.values():
            try:
                await reader.save()
            except Exception as error:
                logger.info("The position of %s could not be stored: %s", reader.consumer.name, error)

    async def catch_up(self) -> None:
        """Read everything that is recorded by now, where nobody reads by himself. Raises `Held`."""
        for reader in self.readers.values():
            while await reader.read_once():
                pass

    async def standings(self) -> Sequence[Standing]:
        """How each consumer stands."""
        return [await reader.standing() for reader in self.readers.values()]

    async def replay(self, consumer: str, begin: Begin) -> None:
        """Have a consumer read again from there. Raises `UnknownConsumer`, `CannotReplay`."""
        if (reader := self.readers.get(consumer)) is None:
            raise UnknownConsumer(consumer)
        await reader.replay(begin)
        await self.guard()

    async def guard(self) -> None:
        """Tell the journal up to where no consumer needs anything; forget the consumers that are gone."""
        for name in await self._positions.consumers():
            if name not in self.readers:
                await self._positions.forget(name)
        durable: list[Mapping[int, int]] = []
        silent = False
        for reader in self.readers.values():
            try:
                durable.append(await reader.durable())
            except Held:
                # It can't say how far it is, and has not gone back: for it what the journal keeps now stays.
                silent = True
        # At once, so that a journal in files commits once for all of them.
        shards = await self.journal.shards()
        await asyncio.gather(*(self._guard_shard(shard, durable, silent=silent) for shard in shards))

    async def _guard_shard(self, shard: int, durable: Sequence[Mapping[int, int]], *, silent: bool) -> None:
        known = (await self.journal.consumers(shard)).get(FEED)
        needed = [positions.get(shard, 0) for positions in durable] + ([known or 0] if silent else [])
        least = min(needed, default=None)
        if known is not None and (least is None or least < known):
            # It never goes back by advancing.
            await self.journal.forget(FEED, shard)
        if least is not None and least != known:
            await self.journal.advance(FEED, shard, least)

    async def _keep_guarding(self) -> None:
        while True:
            try:
                await self.guard()
            except JournalError as error:
                logger.info("The journal could not be told how far the feed is: %s", error)
            except Exception:
                logger.exception("The journal could not be told how far the feed is")
            await asyncio.sleep(GUARD_EVERY_S)
