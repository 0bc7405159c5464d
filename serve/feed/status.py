"""The feed's own section: who reads, how far everybody is, and reading again from elsewhere."""

from typing import Any

from actors.errors import FeedRefused
from actors.feed.beginning import Begin
from actors.feed.consumer import CannotReplay, UnknownConsumer
from actors.feed.feed import Feed


class FeedStatus:
    """Asked as `feed.status` and `feed.replay`."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def start(self) -> None:
        """It only answers."""

    async def close(self) -> None:
        """It only answers."""

    async def status(self) -> list[dict[str, Any]]:
        """Each consumer with its positions and how far it is behind."""
        return [
            {
                "name": standing.name,
                "positions": {str(shard): position for shard, position in sorted(standing.positions.items())},
                "lag_entries": standing.lag.entries,
                "lag_ms": standing.lag.ms,
                "taken": standing.taken,
                "waits_because": standing.complaint,
                "replayable": standing.replayable,
            }
            for standing in await self._feed.standings()
        ]

    async def replay(self, consumer: str, begin: Begin) -> None:
        """Have a consumer read again from there."""
        try:
            await self._feed.replay(consumer, begin)
        except UnknownConsumer as error:
            raise FeedRefused("not-found", f"no consumer is called {consumer}") from error
        except CannotReplay as error:
            raise FeedRefused("not-replayable", f"{consumer} knows by itself how far it is") from error
