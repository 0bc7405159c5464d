"""A named consumer of the journal: every shard in order, at least once, with a bounded share of the processor.

It rests after what it did, and the longer the more the process has to do: those who buy come first. What the consumer
passes by costs next to nothing, so an entry is some seconds old at most, unless the process is saturated.
How far it has come is kept in the journal, so another process goes on where this one was, with some entries read twice.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actors.feed.consumer import Consumer, Held
from actors.feed.pages import by_shard, by_volume
from actors.journals.port import Entry, Journal, JournalError

from .pace import LONGEST_REST_S, SHORTEST_REST_S, Pace

PAGE = 128
"""Entries read at a time: whoever buys meanwhile waits for them, a third of a millisecond."""
SLICE = 8
"""Entries that the consumer gets at a time, about one order: between them others have their turn."""
LOOK_EVERY_S = 0.5
SHARDS_EVERY_S = 10.0
"""How often shards are looked for that came later, for pinned entities."""
ADVANCE_EVERY_S = 2.0
"""How often the positions are written down: what is read twice after a crash is at most so much."""
TRY_AGAIN_S = 5.0

logger = logging.getLogger("doorbuster.feed")


class Reader:
    """Reads for one consumer, in one process at a time (see `serve.feed.keeper`)."""

    def __init__(self, journal: Journal, consumer: Consumer, pace: Pace) -> None:
        self._journal = journal
        self._consumer = consumer
        self._pace = pace
        self._owed_s = 0.0
        """Rest that others are owed, but that was too short to be taken yet."""
        self._positions: dict[int, int] = {}
        self._stored: dict[int, int] = {}
        self._stored_at = 0.0
        self._shards_at = 0.0

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                if await self.read_once():
                    continue
                pause_s = LOOK_EVERY_S
            except Held as error:
                logger.info("%s waits: %s", self._consumer.name, error)
                pause_s = TRY_AGAIN_S
            except JournalError as error:
                logger.warning("%s can't read the journal: %s", self._consumer.name, error)
                pause_s = TRY_AGAIN_S
            except Exception:
                logger.exception("%s failed and tries again", self._consumer.name)
                pause_s = TRY_AGAIN_S
            await asyncio.sleep(pause_s)

    async def begin(self) -> None:
        """Find out how far the consumer has come; one that never was begins with what comes from now on."""
        newest = await self._journal.last_positions()
        known = {shard: (await self._journal.consumers(shard)).get(self._consumer.name) for shard in newest}
        is_new = all(position is None for position in known.values())
        for shard, position in known.items():
            if position is None:
                # A shard that came later is read from its first entry.
                position = newest[shard] if is_new else 0
                await self._journal.advance(self._consumer.name, shard, position)
            self._positions[shard] = self._stored[shard] = position

    async def read_once(self) -> bool:
        """Read a page of each volume that has something new; whether there was any."""
        if not self._positions or time.monotonic() >= self._shards_at + SHARDS_EVERY_S:
            self._shards_at = time.monotonic()
            if set(await self._journal.shards()) - self._positions.keys():
                await self.begin()
        found = False
        for after in by_volume(self._journal, self._positions).values():
            with self._paid():
                # Not asked first whether there is anything: that is a consistent cut of all files, which stops writers.
                page = await self._journal.read_on(after, PAGE)
            found = found or page.upto != after
            for shard, entries in by_shard(page.entries).items():
                await self._take(shard, entries)
            # Also of shards in which there was nothing: the next look begins behind what was passed over.
            self._positions.update(page.upto)
        await self._rest()
        await self._store_now_and_then()
        return found

    async def _take(self, shard: int, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), SLICE):
            piece = entries[start : start + SLICE]
            with self._paid():
                await self._consumer.take(shard, piece)
            self._positions[shard] = piece[-1].position
            await self._rest()

    @contextmanager
    def _paid(self) -> Iterator[None]:
        """What is done inside is owed to the others."""
        began, cpu = time.monotonic(), time.thread_time()
        try:
            yield
        finally:
            # What other tasks did while this one waited is counted, too: under load it rests even longer.
            spent_s = min(time.thread_time() - cpu, time.monotonic() - began)
            self._owed_s += self._pace.rest_for(spent_s)

    async def _rest(self) -> None:
        """Leave the processor to the others, once it is owed to them for long enough."""
        if self._owed_s >= SHORTEST_REST_S:
            rest_s, self._owed_s = min(self._owed_s, LONGEST_REST_S), 0.0
            await asyncio.sleep(rest_s)

    async def store(self) -> None:
        """Write down how far it has come."""
        self._stored_at = time.monotonic()
        moved = {shard: at for shard, at in self._positions.items() if at > self._stored.get(shard, -1)}
        # At once, so that a journal can record them together.
        await asyncio.gather(*(self._journal.advance(self._consumer.name, shard, at) for shard, at in moved.items()))
        self._stored |= moved

    async def _store_now_and_then(self) -> None:
        if time.monotonic() >= self._stored_at + ADVANCE_EVERY_S:
            await self.store()


class Leaving:
    """In the place of a reader whose consumer is not wanted: the journal keeps nothing for it any more."""

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name

    async def run(self) -> None:
        """Forget the consumer; there is nothing to read."""
        for shard in await self._journal.shards():
            if self._name in await self._journal.consumers(shard):
                await self._journal.forget(self._name, shard)

    async def store(self) -> None:
        """There is no position."""
