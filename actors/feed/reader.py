"""Reads every shard for one consumer, in order, at least once, and knows how far it is behind."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..journals.port import Journal, JournalError
from .beginning import Begin, positions_at
from .consumer import CannotReplay, Consumer, Held, KeepsPositions
from .pages import Pages, by_shard, by_volume
from .positions import Positions
from .spare import Spare

LOOK_EVERY_S = 0.1
"""How often something new is looked for: one query for each volume."""
SHARDS_EVERY_S = 10.0
"""How often shards are looked for that came later, for pinned entities."""
SAVE_EVERY_S = 2.0
"""How often the positions are written down: what is read twice after a crash is at most so much."""
TRY_AGAIN_S = 1.0
LONGEST_PAUSE_S = 15.0
"""A consumer that is held is offered the same after 1, 2, 4 ... seconds."""

logger = logging.getLogger("doorbuster.feed")


class Lag(NamedTuple):
    """How far a consumer is behind what is recorded."""

    entries: int
    """Positions of volumes that it has yet to pass: about as many entries."""
    ms: int
    """The age of the oldest entry that it has yet to take."""


class Standing(NamedTuple):
    """What one consumer's reader tells an operator."""

    name: str
    positions: Mapping[int, int]
    lag: Lag
    taken: int
    """Entries that it took since this process began."""
    complaint: str
    """Why it waits; empty while it reads."""
    replayable: bool


class Reader:
    """Reads for one consumer, in one process at a time."""

    def __init__(
        self,
        journal: Journal,
        pages: Pages,
        consumer: Consumer,
        positions: Positions,
        now: Callable[[], int],
        begin: Begin = "newest",
        spare: Spare | None = None,
    ) -> None:
        self.consumer = consumer
        self._spare = spare
        self._journal = journal
        self._pages = pages
        self._kept = positions
        self._now = now
        self._begin = begin
        self._positions: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._offered: dict[int, int] = {}
        """The last entry of each shard that the consumer was given."""
        self._taken = 0
        self._complaint = "it has not begun"
        self._saved_at = 0.0
        self._shards_at = -SHARDS_EVERY_S
        # Of reading on and of going back, one at a time.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Read for ever."""
        pause_s = TRY_AGAIN_S
        while True:
            try:
                if not await self.read_once():
                    await asyncio.sleep(LOOK_EVERY_S)
                pause_s = TRY_AGAIN_S
                continue
            except (Held, JournalError) as error:
                # Told once, however long it lasts.
                news = logging.WARNING if str(error) != self._complaint else logging.DEBUG
                logger.log(news, "%s waits: %s", self.consumer.name, error)
                self._complaint = str(error)
            except Exception as error:
                self._complaint = f"{type(error).__name__}: {error}"
                logger.exception("%s failed and tries again", self.consumer.name)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def read_once(self) -> bool:
        """Read a page of each volume that has something new; whether there was any."""
        async with self._turn:
            await self._look_for_shards()
            found = False
            for after in by_volume(self._journal, self._positions).values():
                if await self._read_volume(after):
                    found = True
                    if self._spare is not None:
                        await self._spare.rest()
            self._complaint = ""
            if time.monotonic() >= self._saved_at + SAVE_EVERY_S:
                await self._save()
            return found

    async def save(self) -> None:
        """Write down how far it has come."""
        async with self._turn:
            await self._save()

    async def replay(self, begin: Begin) -> None:
        """Read again from there. Raises `CannotReplay`."""
        if isinstance(self.consumer, KeepsPositions):
            raise CannotReplay(self.consumer.name)
        async with self._turn:
            await self._look_for_shards()
            positions = await positions_at(self._journal, self._positions, begin)
            await self._kept.reset(self.consumer.name, positions)
            self._positions = positions
            self._saved = dict(positions)

    async def durable(self) -> Mapping[int, int]:
        """Up to where nothing will be read again, whatever is killed; empty before it has begun."""
        if not isinstance(self.consumer, KeepsPositions):
            return dict(self._saved)
        own = await self.consumer.positions() or {}
        # A shard in which nothing came for it is as far as it was read.
        return {
            shard: position if own.get(shard, 0) >= self._offered.get(shard, 0) else own.get(shard, 0)
            for shard, position in self._positions.items()
        }

    async def standing(self) -> Standing:
        """How it stands now."""
        replayable = not isinstance(self.consumer, KeepsPositions)
        positions = dict(self._positions)
        return Standing(self.consumer.name, positions, await self.lag(), self._taken, self._complaint, replayable)

    async def lag(self) -> Lag:
        """How far it is behind now."""
        entries = ms = 0
        for after in by_volume(self._journal, self._positions).values():
            if not (behind := await self._journal.behind(after)):
                continue
            entries += behind
            if unread := (await self._pages.read_on(after)).entries:
                ms = max(ms, self._now() - unread[0][1].at)
        return Lag(entries, ms)

    async def _read_volume(self, after: Mapping[int, int]) -> bool:
        page = await self._pages.read_on(after)
        for shard, entries in by_shard(page.entries).items():
            self._offered[shard] = entries[-1].position
            await self.consumer.take(shard, entries)
            self._positions[shard] = entries[-1].position
            self._taken += len(entries)
        # Also of shards in which there was nothing: the next look begins behind what was passed over.
        self._positions.update(page.upto)
        return page.upto != after

    async def _look_for_shards(self) -> None:
        if time.monotonic() < self._shards_at + SHARDS_EVERY_S:
            return
        # Those of the layout from the start on: a volume is read as a whole.
        shards = {*range(self._journal.base_shards), *await self._journal.shards()}
        if new := shards - self._positions.keys():
            await self._begin_with(new)
        self._shards_at = time.monotonic()

    async def _begin_with(self, new: set[int]) -> None:
        known = await self._within_the_journal(await self._known_positions())
        # A consumer that was there before reads a shard that came later from its first entry.
        first = await positions_at(self._journal, new, "start" if known or self._positions else self._begin)
        self._positions |= {shard: known.get(shard, first[shard]) for shard in new}
        self._saved_at = -SAVE_EVERY_S

    async def _known_positions(self) -> Mapping[int, int]:
        if isinstance(self.consumer, KeepsPositions):
            return await self.consumer.positions() or {}
        return await self._kept.load(self.consumer.name)

    async def _within_the_journal(self, known: Mapping[int, int]) -> Mapping[int, int]:
        """The positions, where the journal reaches so far. One that was restored doesn't: what comes next is new."""
        if not known:
            return known
        ends: dict[int, int] = defaultdict(int)
        for shard, last in (await self._journal.last_positions()).items():
            volume = self._journal.volume_of(shard)
            ends[volume] = max(ends[volume], last)
        beyond = {shard: ends[volume] for shard, volume in self._volumes(known) if known[shard] > ends[volume]}
        if beyond:
            logger.warning("%s had read further than the journal reaches now: was it restored?", self.consumer.name)
        return {**known, **beyond}

    def _volumes(self, shards: Iterable[int]) -> list[tuple[int, int]]:
        return [(shard, self._journal.volume_of(shard)) for shard in shards]

    async def _save(self) -> None:
        self._saved_at = time.monotonic()
        moved = {shard: at for shard, at in self._positions.items() if at != self._saved.get(shard)}
        if moved and not isinstance(self.consumer, KeepsPositions):
            await self._kept.save(self.consumer.name, moved)
        self._saved |= moved
