"""Purchases that were refused before they became an order: counted by each replica, told to the feed process.

They are in no journal: most are answered from memory, at a rate that nothing should write down.
"""

import asyncio
import logging
from collections import Counter

from actors.errors import ActorsError

from .feed.desk import FeedDesk

TOLD_EVERY_S = 1.0

logger = logging.getLogger("doorbuster.serve")


class Refusals:
    """How many this process has refused since it began, by the name of the problem that it answered."""

    def __init__(self) -> None:
        self.since_start: Counter[str] = Counter()

    def note(self, reason: str) -> None:
        """One more; only a refusal costs this, no sale."""
        self.since_start[reason] += 1


class RefusalTeller:
    """Tells the feed process when there are more. It tells sums, so a word that is lost or comes twice does no harm."""

    def __init__(self, desk: FeedDesk, refusals: Refusals, replica: str) -> None:
        self._desk = desk
        self._refusals = refusals
        self._replica = replica
        self._told: dict[str, int] | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.tell()
            await asyncio.sleep(TOLD_EVERY_S)

    async def tell(self) -> None:
        """If there is news. The first word is how many there were: whoever hears it counts from there."""
        told = dict(self._refusals.since_start)
        if told == self._told:
            return
        try:
            await self._desk.ask("reports.refused", {"replica": self._replica, "since_start": told})
        except ActorsError as error:
            logger.debug("Refusals are told later: %s", error)
        except Exception:
            # Figures of the running minute are nothing that a shop should fail for.
            logger.exception("Refusals could not be told")
        else:
            self._told = told
