"""A steady load of purchases at a fixed rate, whatever becomes of them; buyers behave as the API asks them to."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from ..buyer import CONFIRMED, FINAL_STATUSES, PENDING, REQUEST_TIMEOUT, Attempt, buy
from ..shop import Shop, order_body
from .shards import shard_of

ORDERS = "/v1/orders"
PAUSE_S = 0.1
"""Before a purchase is sent again, where the answer named no other time."""
PATIENCE_S = 60.0


@dataclass
class Purchase:
    """One purchase and every answer to it, in order: a status, or the name of what came instead of an answer."""

    sku: str
    sent_at: float
    attempt: Attempt
    answers: list[str] = field(default_factory=list)
    ended_at: float | None = None

    @property
    def bought(self) -> bool:
        return self.attempt.status == CONFIRMED

    @property
    def shards(self) -> frozenset[int]:
        """Where its stock lives, and its order, as far as that is known."""
        of_order = [shard_of(self.attempt.order_id)] if self.attempt.order_id else []
        return frozenset([shard_of(self.sku), *of_order])


class SteadyLoad:
    """Sends `rate_per_s` purchases of the SKUs in turn. The load is open: a stall makes nobody come later."""

    def __init__(self, shop: Shop, skus: Sequence[str], rate_per_s: float) -> None:
        self._shop = shop
        self._skus: Iterator[str] = itertools.cycle(skus)
        self._interval_s = 1 / rate_per_s
        self.purchases: list[Purchase] = []
        self._running: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SteadyLoad":
        # No limit: buyers don't wait for each other's connections.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=REQUEST_TIMEOUT)
        self._sending = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Send no more, and wait until the last purchase has ended, or its buyer has lost patience."""
        assert self._sending is not None
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        await asyncio.gather(*self._running)
        await self._session.close()

    async def _send_all(self) -> None:
        due = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._buy(next(self._skus)))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            due += self._interval_s

    async def _buy(self, sku: str) -> None:
        sent_at = time.monotonic()
        purchase = Purchase(sku, sent_at, Attempt(secrets.token_hex(16), ORDERS, order_body([sku])))
        self.purchases.append(purchase)
        attempt = purchase.attempt
        while time.monotonic() < sent_at + PATIENCE_S:
            pause_s = PAUSE_S
            try:
                attempt = await buy(self._session, self._shop.url, attempt.path, attempt.body, attempt.key)
            except (aiohttp.ClientError, TimeoutError) as error:
                purchase.answers.append(type(error).__name__)
            else:
                purchase.attempt = attempt
                purchase.answers.append(str(attempt.status))
                if attempt.status in FINAL_STATUSES:
                    break
                if attempt.status != PENDING:
                    pause_s = attempt.retry_after_s or PAUSE_S
            await asyncio.sleep(pause_s)
        purchase.ended_at = time.monotonic()
