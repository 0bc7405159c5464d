"""What consumers have passed is written with the next append: a commit of its own would hold up whoever sells.

Where no append comes soon, as in a process that only reads, it is written alone, all that has gathered at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from .sqlite_volume import Passed

ALONE_AFTER_S = 0.02
"""How long it waits for an append to go with."""


class Passing:
    """What waits to be written, and who waits for that. It belongs to one event loop."""

    def __init__(self, write_alone: Callable[[Sequence[Passed]], Awaitable[None]]) -> None:
        self._write_alone = write_alone
        self._waiting: dict[Passed, list[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def passed(self, passed: Passed) -> None:
        """Comes back when it is durable. Raises `JournalError`."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(passed, []).append(written)
        if self._task is None:
            self._task = asyncio.create_task(self._alone())
        await written

    def taken(self) -> Sequence[Passed]:
        """What an append may write, too. It goes on waiting until `recorded`: the append may fail."""
        return tuple(self._waiting) if self._waiting else ()

    def recorded(self, passed: Sequence[Passed]) -> None:
        """That is durable; told twice is harmless."""
        for each in passed:
            for written in self._waiting.pop(each, ()):
                if not written.done():
                    written.set_result(None)

    def close(self) -> None:
        """Nobody waits any more."""
        if self._task is not None:
            self._task.cancel()

    async def _alone(self) -> None:
        await asyncio.sleep(ALONE_AFTER_S)
        passed, self._task = self.taken(), None
        if not passed:
            return
        try:
            await self._write_alone(passed)
        except Exception as error:
            for each in passed:
                for written in self._waiting.pop(each, ()):
                    if not written.done():
                        written.set_exception(error)
        else:
            self.recorded(passed)
