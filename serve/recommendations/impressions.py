"""What was shown to whom, by which model: what clicks are later held against. Told in the background, once a second."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from actors.errors import ActorsError
from engine.impressions import MOST_IMPRESSIONS, Impression

TOLD_EVERY_S = 1.0
MOST_BUFFERED = 5_000
"""Seconds of the largest rush; what comes on top is counted and let go."""

logger = logging.getLogger("doorbuster.recommendations")


class Ledger(Protocol):
    """Where impressions are kept for good."""

    async def record(self, batch_id: str, impressions: Sequence[Impression]) -> bool:
        """All of them, once however often a batch is repeated; False: never, it is none. Raises
        actors.errors.ActorsError."""
        ...


class Impressions:
    """The buffer of one process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer: list[Impression] = []
        self._telling = 0
        self.recorded = 0
        self.lost = 0

    def add(self, impression: Impression) -> None:
        """Tell it with the next batch."""
        if len(self._buffer) < MOST_BUFFERED:
            self._buffer.append(impression)
        else:
            self.lost += 1

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(TOLD_EVERY_S)
            await self.tell()

    async def tell(self) -> None:
        """Tell what is buffered; what could not be told stays."""
        while batch := self._buffer[: self._telling or MOST_IMPRESSIONS]:
            # What may have been heard is told again as it was: a batch counts once by its id.
            self._telling = len(batch)
            try:
                taken = await self._ledger.record(batch_id_of(batch), batch)
            except ActorsError as error:
                logger.debug("Impressions are told later: %s", error)
                return
            except Exception:
                logger.exception("Impressions could not be told")
                return
            del self._buffer[: len(batch)]
            self._telling = 0
            self.recorded += len(batch) if taken else 0
            self.lost += 0 if taken else len(batch)


def batch_id_of(batch: Sequence[Impression]) -> str:
    """Each list is in one batch only, so its first one names it."""
    return f"{batch[0].list_id}/{batch[0].variant}"
