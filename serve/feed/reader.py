"""A named consumer of the journal: every shard in order, at least once, with a bounded share of the processor.

While it is behind, it rests between pages, and the longer the more the process has to do: those who buy come first.
How far it has come is kept in the journal, so another process goes on where this one was, with some entries read twice.
"""

import asyncio
import logging
import time

from actors.feed.consumer import Consumer, Held
from actors.journals.port import Journal, JournalError

DUTY = 0.005
"""Share of a core that it takes of a process that is busy; of one with little else to do it takes `LEISURE`. A mail is
a millisecond or two: in a rush some leave every second, and the others as soon as it is over."""
LEISURE = 0.3
BUSY = 0.2
"""Share of a core from which on a process is busy: one buyer after the other uses as much."""
LONGEST_REST_S = 30.0
PAGE = 8
"""Entries read at a time, about one order: whoever buys meanwhile waits for them, a millisecond or two."""
LOOK_EVERY_S = 0.5
SHARDS_EVERY_S = 10.0
"""How often shards are looked for that came later, for pinned entities."""
ADVANCE_EVERY_S = 2.0
"""How often the positions are written down: what is read twice after a crash is at most so much."""
TRY_AGAIN_S = 5.0

logger = logging.getLogger("doorbuster.feed")


class Reader:
    """Reads for one consumer, in one process at a time (see `serve.feed.keeper`)."""

    def __init__(self, journal: Journal, consumer: Consumer, duty: float = DUTY) -> None:
        self._journal = journal
        self._consumer = consumer
        self._duty = duty
        self._positions: dict[int, int] = {}
        self._stored: dict[int, int] = {}
        self._stored_at = 0.0
        self._shards_at = 0.0
        self._busy = 1.0
        """The share of a core that the process used while this rested; at first nobody knows."""

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
        """Read a page of each shard that has something new; whether there was any."""
        if not self._positions or time.monotonic() >= self._shards_at + SHARDS_EVERY_S:
            self._shards_at = time.monotonic()
            if set(await self._journal.shards()) - self._positions.keys():
                await self.begin()
        found = False
        for shard, position in self._positions.items():
            began, cpu = time.monotonic(), time.thread_time()
            # Not asked first whether there is anything: that is a consistent cut of all files, which stops writers.
            entries = await self._journal.read(shard, position, PAGE)
            if entries:
                found = True
                await self._consumer.take(shard, entries)
                self._positions[shard] = entries[-1].position
                await self._rest(time.thread_time() - cpu, time.monotonic() - began)
        await self._store_now_and_then()
        return found

    async def _rest(self, spent_s: float, took_s: float) -> None:
        """Leave the processor to the others: for long where they use it, else for as long as the page took."""
        share = self._duty if self._busy > BUSY else max(self._duty, LEISURE)
        busy_s, began = time.process_time(), time.monotonic()
        # What other tasks did while the page was waited for is in `spent_s`, too: under load it rests even longer.
        await asyncio.sleep(min(LONGEST_REST_S, min(spent_s, took_s) * (1 / share - 1)))
        rested_s = time.monotonic() - began
        if rested_s > 0:
            self._busy = min(1.0, (time.process_time() - busy_s) / rested_s)

    async def store(self) -> None:
        """Write down how far it has come."""
        self._stored_at = time.monotonic()
        for shard, position in self._positions.items():
            if position > self._stored.get(shard, -1):
                await self._journal.advance(self._consumer.name, shard, position)
                self._stored[shard] = position

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
