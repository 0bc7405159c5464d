"""What people looked for and didn't find, and what took long: for the merchant, who knows what it should have found.

Noted in memory by each replica, and told to the one entity that counts for all of them; nothing tells who asked.
"""

import asyncio
import logging
from collections import OrderedDict
from enum import StrEnum

from actors.client import Client
from actors.errors import ActorsError
from engine.kernel import Instant, Rejected
from engine.search_log import (
    LONGEST_TEXT,
    MOST_TOLD,
    QUESTIONS_KEPT,
    SEARCH_LOG,
    THE_SEARCH_LOG,
    LookSearchLog,
    NotedQuestion,
    NoteSearches,
    SearchLogView,
)

SLOW_MS = 50.0
TOLD_EVERY_S = 60.0
LAST_WORD_S = 2.0
"""For telling the rest before the end."""

logger = logging.getLogger("doorbuster.search")


class Noted(StrEnum):
    """Why a question is kept."""

    ZERO_RESULTS = "zero_results"
    SLOW = "slow"


class QueryLog:
    """Questions worth a look, until they are told; the one that was asked longest ago is forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Noted, str], NotedQuestion] = OrderedDict()
        self._searches = 0

    def note(self, text: str, total: int, took_ms: float, now: Instant) -> None:
        """A search was made."""
        self._searches += 1
        question = " ".join(text.lower().split())[:LONGEST_TEXT]
        if question and total == 0:
            self._keep(Noted.ZERO_RESULTS, question, took_ms, now)
        if question and took_ms >= SLOW_MS:
            self._keep(Noted.SLOW, question, took_ms, now)

    def take(self) -> tuple[int, tuple[NotedQuestion, ...]]:
        """Searches since it was last asked, and as many questions as can be told at a time; they are forgotten here."""
        searches, self._searches = self._searches, 0
        return searches, tuple(self._kept.popitem(last=False)[1] for _ in range(min(len(self._kept), MOST_TOLD)))

    def _keep(self, why: Noted, text: str, took_ms: float, now: Instant) -> None:
        known = self._kept.pop((why, text), None)
        times, slowest_us = (known.times, known.slowest_us) if known else (0, 0)
        took_us = round(took_ms * 1_000)
        self._kept[why, text] = NotedQuestion(why, text, times + 1, now, max(slowest_us, took_us))
        if len(self._kept) > QUESTIONS_KEPT:
            self._kept.popitem(last=False)


class Reporter:
    """Tells the shop's log what this process noted; a word that may be lost is said again, and counts once."""

    def __init__(self, client: Client, log: QueryLog, writer: str, every_s: float = TOLD_EVERY_S) -> None:
        self._client = client
        self._log = log
        self._writer = writer
        self._every_s = every_s
        self._unsaid: NoteSearches | None = None
        self._number = 0
        self._speaking = asyncio.Lock()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.tell_if_possible()

    async def tell_if_possible(self, within_s: float = TOLD_EVERY_S) -> None:
        """As `tell`; what can't be told now is told the next time."""
        try:
            await asyncio.wait_for(self.tell(), within_s)
        except (ActorsError, TimeoutError) as error:
            logger.info("What people looked for could not be told: %s", error)

    async def tell(self) -> None:
        """Tell what was noted since the last time. Raises `Unavailable`."""
        async with self._speaking:
            if self._unsaid is None:
                searches, noted = self._log.take()
                if not searches and not noted:
                    return
                self._number += 1
                self._unsaid = NoteSearches(self._writer, self._number, searches, noted)
            reply = await self._client.send(SEARCH_LOG.name, THE_SEARCH_LOG, self._unsaid)
            assert not isinstance(reply, Rejected), reply
            self._unsaid = None

    async def most_frequent(self, why: Noted, limit: int) -> SearchLogView:
        """What all processes told, and this one until now."""
        await self.tell()
        reply = await self._client.send(SEARCH_LOG.name, THE_SEARCH_LOG, LookSearchLog(why, limit))
        assert isinstance(reply, SearchLogView), reply
        return reply
