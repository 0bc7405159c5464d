"""Visitors' newest events in a Redis, for programs that don't ask the shop: a sorted set for each visitor.

Whatever is written may be written again: an event is a member of its set once, and to forget is to delete. So reading
entries twice after a crash changes nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from actors.codec import KindCodec
from actors.feed.consumer import Held
from actors.feed.feed import Feed
from actors.journals.port import Entry
from engine.visitor import (
    MOST_RECENT,
    UNLINKED_PREFIX,
    VISITOR,
    Behaved,
    BehaviourForgotten,
    BehaviourHandedOver,
    BehaviourRecorded,
    BehaviourTakenIn,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

NAME = "recent-visits"
KEY_PREFIX = "doorbuster:visitor:"
"""Before the visitor's key: `acc_...` for a customer, `anon_...` for anybody else."""
KEPT_S = 30 * 86_400
"""How long after the last event of a visitor."""
ANSWER_TIMEOUT_S = 5.0

_encode = msgspec.json.Encoder().encode


class RecentVisits:
    """A consumer of the feed, and its section."""

    name = NAME

    def __init__(self, feed: Feed, url: str) -> None:
        self._url = url
        self._codec = KindCodec(VISITOR)
        self._client: Redis | None = None
        feed.read_for(self, "start")

    async def start(self) -> None:
        """It reads already."""

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def take(self, _shard: int, entries: Sequence[Entry]) -> None:
        """Write what visitors did into their sets. Raises `Held` while Redis is away."""
        visits = [
            entry for entry in entries if entry.kind == VISITOR.name and not entry.key.startswith(UNLINKED_PREFIX)
        ]
        if not visits:
            return
        from redis.exceptions import RedisError

        try:
            async with self._connected().pipeline(transaction=False) as pipeline:
                for entry in visits:
                    for event in self._codec.decode_events(entry.events):
                        _write(pipeline, KEY_PREFIX + entry.key, event)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            await self.close()
            raise Held(f"Redis is away: {type(error).__name__}") from error

    def _connected(self) -> "Redis":
        if self._client is None:
            # Imported where it is wanted, and by nobody else.
            from redis.asyncio import Redis

            self._client = Redis.from_url(
                self._url, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=ANSWER_TIMEOUT_S
            )
        return self._client


def _write(pipeline: Any, key: str, event: object) -> None:
    match event:
        case BehaviourRecorded(events=told) | BehaviourTakenIn(recent=told):
            if told:
                pipeline.zadd(key, {member_of(behaved): behaved.at for behaved in told})
                pipeline.zremrangebyrank(key, 0, -MOST_RECENT - 1)
                pipeline.expire(key, KEPT_S)
        case BehaviourHandedOver() | BehaviourForgotten():
            pipeline.delete(key)


def member_of(behaved: Behaved) -> bytes:
    """The event as JSON, the same whenever it is written."""
    told = {
        "id": behaved.id,
        "type": behaved.action,
        "at": behaved.at,
        "sku": behaved.sku,
        "query": behaved.query,
        "placement": behaved.placement,
        "position": behaved.rank,
        "recommendation_id": behaved.list_id,
        "session_id": behaved.session,
        "quantity": behaved.quantity,
    }
    return _encode({name: value for name, value in told.items() if value})
