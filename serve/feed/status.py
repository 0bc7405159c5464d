"""The feed's own section: who reads, how far everybody is, and reading again from elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.errors import FeedRefused
from actors.feed.beginning import Begin
from actors.feed.consumer import CannotReplay, UnknownConsumer
from actors.feed.feed import Feed
from actors.feed.reader import Standing

from ..metrics.metrics import Metrics


class FeedStatus:
    """Asked as `feed.status`, `feed.replay` and `feed.metrics`."""

    def __init__(self, feed: Feed, metrics: Metrics) -> None:
        self._feed = feed
        self._metrics = metrics
        self._seen: Sequence[Standing] = ()
        tell = metrics.reads_each
        tell("feed_lag_entries", "Entries that it has yet to read.", "consumer", self._each(_lag_entries))
        tell("feed_lag_seconds", "Age of the oldest of them.", "consumer", self._each(_lag_seconds))
        tell("feed_held", "1 while it can't go on.", "consumer", self._each(_held))
        tell("feed_entries", "Entries that it has read.", "consumer", self._each(_taken), grows=True)

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
            raise FeedRefused("not-found", f"No consumer is called {consumer}.") from error
        except CannotReplay as error:
            raise FeedRefused("not-replayable", f"{consumer} keeps its position with its data.") from error

    async def metrics(self) -> str:
        """The figures of this process, in the Prometheus text format."""
        self._seen = await self._feed.standings()
        return self._metrics.text()

    def _each(self, read: Callable[[Standing], float]) -> Callable[[], Mapping[str, float]]:
        return lambda: {standing.name: read(standing) for standing in self._seen}


def _lag_entries(standing: Standing) -> float:
    return standing.lag.entries


def _lag_seconds(standing: Standing) -> float:
    return standing.lag.ms / 1_000


def _held(standing: Standing) -> float:
    return float(bool(standing.complaint))


def _taken(standing: Standing) -> float:
    return standing.taken
