"""The second level: a Redis that all replicas share. Away, it is left alone for a while, and nobody waits for it."""

import asyncio
import logging
import time
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

KEY_PREFIX = "doorbuster:cache:"
ANSWERS_WITHIN_S = 0.05
"""Making a page takes less than waiting longer."""
LEFT_ALONE_S = 2.0
MOST_WRITES = 64
"""Under way at a time; whatever else was made meanwhile stays in the replica that made it."""

logger = logging.getLogger("doorbuster.cache")


class SharedLevel:
    """Values by key, each with its own end. Raises nothing: what can't be read isn't there."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S, retry=None
        )
        self._away_until = 0.0
        self._writes: set[asyncio.Task[None]] = set()
        self.failures = 0

    async def get(self, key: str) -> bytes | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                return cast("bytes | None", await self._redis.get(KEY_PREFIX + key))
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return None

    def put(self, key: str, value: bytes, for_ms: int) -> None:
        """Keep it for so long; nobody waits until that is done."""
        if time.monotonic() < self._away_until or len(self._writes) >= MOST_WRITES:
            return
        write = asyncio.create_task(self._put(key, value, for_ms))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        for write in list(self._writes):
            write.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._redis.aclose()

    async def written(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._writes)

    async def _put(self, key: str, value: bytes, for_ms: int) -> None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._redis.set(KEY_PREFIX + key, value, px=for_ms)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        if time.monotonic() >= self._away_until:
            logger.warning("The cache in Redis is left alone for %g s: %s", LEFT_ALONE_S, error)
        self._away_until = time.monotonic() + LEFT_ALONE_S
