"""The recommendations' section of the feed process: what is popular, what is bought again, how the variants do."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from actors.errors import FeedRefused
from engine.kernel import Instant

POPULAR_EVERY_MS = 50_000
"""Replicas ask once a minute each: whoever asks first has it counted, the others get the same."""
REPEATED_EVERY_MS = 3_600_000
"""Over a year of sales an hour changes nothing."""
NOTHING_EVERY_MS = 4_000
"""While nothing is known yet, it is looked for again so soon: a shop that has just begun has its first figures soon."""
DAY_MS = 86_400_000
MOST_DAYS = 400
ONLINE_KEPT_MS = 30_000

T = TypeVar("T")


class RecommendationSection:
    """Implements `Section`; asked as `recommendations.popular`, `.repeated` and `.online`.

    One question at a time goes to the lake, in a thread of its own with one thread of DuckDB: the machine sells.
    """

    def __init__(self, lake: Path, now: Callable[[], Instant]) -> None:
        self._lake = lake
        self._now = now
        self._turn = asyncio.Lock()
        self._popular = Kept[list[str]](now, POPULAR_EVERY_MS)
        self._repeated = Kept[list[str]](now, REPEATED_EVERY_MS)
        self._online: dict[int, Kept[dict[str, Any]]] = {}

    async def start(self) -> None:
        """It only answers."""

    async def close(self) -> None:
        """It only answers."""

    async def popular(self) -> list[str]:
        """SKUs, the most popular of the last days first."""
        from ml.online.popular import popular_skus

        return await self._popular.get(lambda: self._asked(popular_skus, self._lake, self._now()))

    async def repeated(self) -> list[str]:
        """SKUs that customers buy again and again."""
        from ml.online.popular import repeated_skus

        return await self._repeated.get(lambda: self._asked(repeated_skus, self._lake, self._now()))

    async def online(self, days: int = 7) -> dict[str, Any]:
        """How each variant did in the last days: `ml.online.figures.OnlineFigures` as plain values. Raises FeedRefused
        with `invalid-request`."""
        import msgspec

        from ml.online.figures import online_figures
        from ml.online.visits import Window

        if not 1 <= days <= MOST_DAYS:
            raise FeedRefused("invalid-request", f"days must be 1 to {MOST_DAYS}")
        end = self._now() + 1
        kept = self._online.setdefault(days, Kept(self._now, ONLINE_KEPT_MS))
        window = Window(end - days * DAY_MS, end)
        return await kept.get(
            lambda: self._asked(lambda: dict(msgspec.to_builtins(online_figures(self._lake, window))))
        )

    async def _asked(self, question: Callable[..., T], *arguments: Any) -> T:
        async with self._turn:
            return await asyncio.to_thread(question, *arguments)


class Kept(Generic[T]):
    """An answer that is good for a while; whoever asks meanwhile waits for the one that is on its way."""

    def __init__(self, now: Callable[[], Instant], for_ms: int) -> None:
        self._now = now
        self._for_ms = for_ms
        self._value: T | None = None
        self._until = 0
        self._making = asyncio.Lock()

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        async with self._making:
            if self._value is None or self._now() >= self._until:
                self._value = await make()
                self._until = self._now() + (self._for_ms if self._value else min(self._for_ms, NOTHING_EVERY_MS))
            return self._value
