"""The reports' section of the feed process: answers by SQL over the lake, and figures of the running second."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from actors.errors import FeedRefused
from engine.kernel import Instant

from ..feed.lake import LakeSection
from .counters import Counters
from .errors import WrongQuestion
from .formats import Format
from .library import REPORTS
from .question import question_of
from .running import Library
from .writing import written

Asked = tuple[str, frozenset[tuple[str, str]], str]
"""Name, parameters, format."""


class ReportSection:
    """Implements `Section`; asked as `reports.run`, `reports.now` and `reports.refused`."""

    def __init__(self, lake: LakeSection, now: Callable[[], Instant]) -> None:
        self._library = Library(lake.directory, REPORTS)
        self._counters = Counters(lake.directory)
        lake.writer.observe(self._counters.observe)
        self._now = now
        self._making: dict[Asked, asyncio.Task[bytes]] = {}

    async def start(self) -> None:
        await self._counters.load(self._now())

    async def close(self) -> None:
        """It only answers."""

    async def run(self, name: str, given: Mapping[str, str], wanted: str) -> bytes:
        """A report in one of the formats; raises FeedRefused with `invalid-request`.

        Who asks for what is being made waits for that: one that takes longer than anybody waits is not begun anew each
        time that it is asked for again.
        """
        asked = (name, frozenset(given.items()), wanted)
        making = self._making.get(asked)
        if making is None:
            making = self._making[asked] = asyncio.create_task(self._made(name, given, wanted))
            making.add_done_callback(lambda _: self._making.pop(asked))
        return await asyncio.shield(making)

    async def _made(self, name: str, given: Mapping[str, str], wanted: str) -> bytes:
        try:
            answer = await self._library.answer(question_of(name, given, self._now()))
        except WrongQuestion as error:
            raise FeedRefused("invalid-request", f"{error.parameter} {error.detail}") from error
        # A picture takes a second, and this loop reads the feed.
        return await asyncio.to_thread(written, answer, Format(wanted))

    async def now(self, minutes: int, skus: int) -> dict[str, Any]:
        """What the counters say."""
        return self._counters.told(self._now(), minutes, skus)

    async def refused(self, replica: str, since_start: Mapping[str, int]) -> None:
        """A replica tells how many purchases it has refused since it began, by reason."""
        self._counters.refused(replica, since_start, self._now())
