"""Relays into a Redis Stream: one entry for each event, in pipelines; consumers read it by consumer groups."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from engine.kernel import Instant

from ..contract.envelope import CloudEvent, encode
from .address import RelayAddress
from .port import BrokerAway

if TYPE_CHECKING:
    from redis.asyncio import Redis

AT_ONCE = 200
"""Entries in one round trip: the server does nothing else for about a millisecond."""
ANSWER_TIMEOUT_S = 5.0
HOUR_MS = 3_600_000


class RedisStream:
    """Implements `Broker`. A stream keeps about so many entries, or those of so many hours: the oldest go."""

    def __init__(self, address: RelayAddress, now: Callable[[], Instant]) -> None:
        self._address = address
        self._now = now
        self._client: Redis | None = None

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        from redis.exceptions import RedisError

        left = iter(events)
        try:
            while batch := list(islice(left, AT_ONCE)):
                await self._add(batch)
        except (RedisError, OSError, TimeoutError) as error:
            await self.close()
            raise BrokerAway(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _add(self, events: Sequence[CloudEvent]) -> None:
        address, oldest = self._address, self._oldest()
        # No transaction: after a failure the same entries are added again, and told apart by their ids.
        async with self._connected().pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.xadd(
                    address.channel,
                    {"id": event.id, "type": event.type, "subject": event.subject, "event": encode(event)},
                    maxlen=address.maxlen or None if oldest is None else None,
                    minid=oldest,
                    approximate=True,
                )
            await pipeline.execute()

    def _oldest(self) -> str | None:
        hours = self._address.keep_hours
        return f"{self._now() - hours * HOUR_MS}-0" if hours else None

    def _connected(self) -> "Redis":
        if self._client is None:
            # Imported by whoever relays into Redis, and by nobody else.
            from redis.asyncio import Redis

            self._client = Redis.from_url(
                self._address.servers, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=ANSWER_TIMEOUT_S
            )
        return self._client
