"""Which orders were placed when, read from the journal: by its positions, which grow with time."""

from collections.abc import AsyncIterator, Sequence

from actors.journals.port import Journal
from engine.kernel import Instant
from engine.order.importing import OrderImported

PAGE = 1_000
CLOCKS_APART_MS = 60_000
"""Entries of one shard may stand this much out of the order of their times: owners follow each other, clocks differ."""
_IMPORTED = OrderImported.__name__.encode()
"""As it stands in an entry's bytes: most are never decoded."""


class PlacedOrders:
    """Orders by the time of their placing. Those whose first entries were trimmed, which are long done, are missing."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def between(self, since: Instant, until: Instant) -> AsyncIterator[Sequence[str]]:
        """The ids of orders that were placed from `since` to before `until`, in pages."""
        last = await self._journal.last_positions()
        for shard in range(self._journal.base_shards):
            after = await self._position_before(shard, since - CLOCKS_APART_MS, last.get(shard, 0))
            while entries := await self._journal.read(shard, after, PAGE):
                after = entries[-1].position
                firsts = (entry for entry in entries if entry.kind == "order" and entry.version == 1)
                # What was imported was placed, and paid, somewhere else.
                placed = (entry for entry in firsts if _IMPORTED not in entry.events)
                if found := [entry.key for entry in placed if since <= entry.at < until]:
                    yield found
                if entries[-1].at >= until + CLOCKS_APART_MS:
                    break

    async def _position_before(self, shard: int, at: Instant, last: int) -> int:
        """A position after which nothing older than `at` needs to be looked for: found by halving."""
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            entries = await self._journal.read(shard, middle, 1)
            if entries and entries[0].at < at:
                low = entries[0].position
            else:
                high = middle
        return low
