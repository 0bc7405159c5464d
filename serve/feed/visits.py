"""Keeps the journal from growing with every click and every list of recommendations: old entries of visitors, and of
what they were shown, become one state each, once they were read."""

import asyncio
import logging
from collections.abc import Callable

from actors.feed.feed import FEED, Feed
from actors.journals.port import Journal, JournalError
from actors.journals.trimming import Trimmed, trim_journal
from engine.impressions import IMPRESSIONS
from engine.kernel import Instant
from engine.kinds import KINDS
from engine.visitor import VISITOR

TRIM_EVERY_S = 300.0
REST_S = 0.05
"""After a hundred visitors, so that whoever buys never waits for more than one exchange."""
HOUR_MS = 3_600_000

logger = logging.getLogger("doorbuster.feed")


class AllVisitors:
    """The addresses of visitors and of what was shown, whichever there are."""

    def __contains__(self, address: object) -> bool:
        return isinstance(address, tuple) and address[0] in _KINDS


_KINDS = (VISITOR.name, IMPRESSIONS.name)


class VisitTrimming:
    """Implements `Section`. Nothing is trimmed that a consumer of the feed, the lake before all, has yet to read."""

    def __init__(self, feed: Feed, journal: Journal, keep_hours: int, now: Callable[[], Instant]) -> None:
        self._feed = feed
        self._journal = journal
        self._keep_ms = keep_hours * HOUR_MS
        self._now = now
        self._reached: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_trimming())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def trim(self) -> Trimmed:
        """Trim what may go by now."""
        await self._feed.guard()
        for shard in await self._journal.shards():
            if FEED not in await self._journal.consumers(shard):
                # The lake has yet to begin with it: nothing would hold its entries.
                return Trimmed(0, 0)
        before = self._now() - self._keep_ms
        return await trim_journal(
            self._journal,
            KINDS,
            before,
            lambda _doing, _done, _total: None,
            only=AllVisitors(),
            reached=self._reached,
            rest_s=REST_S,
        )

    async def _keep_trimming(self) -> None:
        while True:
            await asyncio.sleep(TRIM_EVERY_S)
            try:
                trimmed = await self.trim()
                if trimmed.removed:
                    logger.info("%d entries of visitors are one state for each now", trimmed.removed)
            except JournalError as error:
                logger.info("Visitors' entries could not be trimmed: %s", error)
            except Exception:
                logger.exception("Visitors' entries could not be trimmed")
