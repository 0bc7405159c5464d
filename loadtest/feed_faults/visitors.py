"""Visitors' events at a steady rate beside the buyers; each batch is sent again until it is acknowledged."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from ..behaviour import EVENTS_PATH, Visitors
from ..buyer import REQUEST_TIMEOUT
from ..shop import Shop

ACCEPTED = 202
PAUSE_S = 0.2
PATIENCE_S = 60.0
BATCH_EVENTS = 50
VISITORS = 500
HEADERS = {"Content-Type": "application/json"}


class SteadyVisitors:
    """Tells `per_second` events, in batches. What is never acknowledged may be in the lake, but not twice."""

    def __init__(self, shop: Shop, skus: Sequence[str], per_second: float) -> None:
        self._url = shop.url + EVENTS_PATH
        self._batches = Visitors(
            shop.url, skus, per_second=round(per_second), batch_events=BATCH_EVENTS, visitors=VISITORS
        )
        self._pause_s = BATCH_EVENTS / per_second
        self._number = 0
        self.run = self._batches.run
        self.acknowledged: set[int] = set()
        self.repeated = 0
        """Requests that had to be made again."""
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "SteadyVisitors":
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=REQUEST_TIMEOUT)
        self._sending = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Send no more, and wait until the last batch was acknowledged, or its sender has lost patience."""
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        await asyncio.gather(*self._running)
        await self._session.close()

    async def _send_all(self) -> None:
        due = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._tell(self._number))
            self._number += 1
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            due += self._pause_s

    async def _tell(self, number: int) -> None:
        body, until = self._batches.body(number), time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                async with self._session.post(self._url, data=body, headers=HEADERS) as answer:
                    await answer.read()
                    if answer.status == ACCEPTED:
                        self.acknowledged.add(number)
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.repeated += 1
            await asyncio.sleep(PAUSE_S)
