"""Runs the readers in one process of the shop at a time: whoever has the lease. If it dies, another takes over."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from actors.errors import ActorsError
from engine.kernel import Rejected
from engine.lease import LEASE, AcquireLease, GiveLeaseBack

from ..shop import Client
from .reader import Leaving, Reader

LEASE_NAME = "feed"
LEASE_MS = 30_000
RENEW_EVERY_S = 10.0
"""Three times in a lease: one that is lost or late takes nothing away."""

logger = logging.getLogger("doorbuster.feed")


class Keeper:
    """Takes the lease when it can, keeps it, and has the readers run meanwhile."""

    def __init__(
        self,
        client: Client,
        holder: str,
        readers: Callable[[], Sequence[Reader | Leaving]],
        *,
        lease_ms: int = LEASE_MS,
        renew_every_s: float = RENEW_EVERY_S,
    ) -> None:
        self._client = client
        self._holder = holder
        self._readers = readers
        self._lease_ms = lease_ms
        self._renew_every_s = renew_every_s
        self._running: list[tuple[Reader | Leaving, asyncio.Task[None]]] = []
        self._ours_until = 0.0

    @property
    def reads(self) -> bool:
        """Whether this process reads now."""
        return bool(self._running)

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                await self._renew()
                await asyncio.sleep(self._renew_every_s)
        finally:
            await self._stop()

    async def close(self) -> None:
        """Stop reading and give the lease back, so that another need not wait."""
        await self._stop()
        try:
            await self._client.send(LEASE.name, LEASE_NAME, GiveLeaseBack(self._holder), deadline_s=2.0)
        except ActorsError as error:
            logger.info("The lease could not be given back: %s", error)

    async def _renew(self) -> None:
        asked_at = time.monotonic()
        try:
            reply = await self._client.send(LEASE.name, LEASE_NAME, AcquireLease(self._holder, self._lease_ms))
        except ActorsError as error:
            logger.info("The lease could not be asked for: %s", error)
            if time.monotonic() >= self._ours_until:
                await self._stop()
            return
        if isinstance(reply, Rejected):
            await self._stop()
            return
        # Counted from before the question: here it ends earlier than there, never later.
        self._ours_until = asked_at + self._lease_ms / 1_000
        if not self._running:
            self._running = [(reader, asyncio.create_task(reader.run())) for reader in self._readers()]

    async def _stop(self) -> None:
        running, self._running = self._running, []
        for _, task in running:
            task.cancel()
        await asyncio.gather(*(task for _, task in running), return_exceptions=True)
        for reader, _ in running:
            try:
                await reader.store()
            except Exception as error:
                logger.info("A position could not be stored: %s", error)
