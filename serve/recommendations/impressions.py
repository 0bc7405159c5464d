"""What was shown to whom, by which model: what clicks are later held against. Told in the background, once a second."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec

from actors.errors import ActorsError

TOLD_EVERY_S = 1.0
MOST_BUFFERED = 5_000
"""Seconds of the largest rush; what comes on top is counted and let go."""
MOST_IN_A_BATCH = 1_000

logger = logging.getLogger("doorbuster.recommendations")


class Impression(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One list that was shown, or, of a shadow, would have been. `visitor` is empty for whoever is not to be known."""

    list_id: str
    at: int
    variant: str
    model: str
    version: str
    placement: str
    visitor: str
    skus: tuple[str, ...]
    propensity: float
    fallback: str = ""
    session: str = ""


class Ledger(Protocol):
    """Where impressions are kept for good."""

    async def record(self, impressions: Sequence[Impression]) -> None:
        """All of them; safe to repeat."""
        ...


class NoLedger:
    """Where nobody keeps them."""

    async def record(self, impressions: Sequence[Impression]) -> None:
        """Let go."""


class Impressions:
    """The buffer of one process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer: list[Impression] = []
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
        while batch := self._buffer[:MOST_IN_A_BATCH]:
            try:
                await self._ledger.record(batch)
            except ActorsError as error:
                logger.debug("Impressions are told later: %s", error)
                return
            except Exception:
                logger.exception("Impressions could not be told")
                return
            del self._buffer[: len(batch)]
            self.recorded += len(batch)
