"""The feed's process: what it is started with, and how its work goes on in a thread that yields to who buys."""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..errors import Unavailable

NICENESS = 15
"""Where the processor is short, who buys comes first: it has 3 % of each core then, else whatever nobody uses. With a
niceness of 10 it had 10 %, and a rush felt it."""
TRIES_AGAIN_S = 5.0

T = TypeVar("T")

logger = logging.getLogger("doorbuster.actors")


class FeedWork(Protocol):
    """What the feed process does once it is composed."""

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> Any: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class FeedSpec:
    """What the feed process is started with. It is pickled into its process."""

    compose: Callable[[], Awaitable[FeedWork]]
    """Composes and starts it, however long the journal takes to answer."""
    version: str


class FeedActor:
    """What reads the journals, in a process of its own. It goes on by itself after a restart, of which nobody tells it:
    Ray runs this constructor then, and nothing else."""

    def __init__(self, spec: FeedSpec) -> None:
        # Of this thread and those that it starts; Ray's own stay as they are.
        os.nice(NICENESS)
        self._spec = spec
        self._work: FeedWork | None = None
        # Not Ray's loop, which runs only when the constructor is done; and a long page holds up no call to the actor.
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="feed", daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop)

    async def _start(self) -> None:
        while self._work is None:
            try:
                self._work = await self._spec.compose()
            except Exception:
                logger.exception("The feed could not start, and tries again")
                await asyncio.sleep(TRIES_AGAIN_S)

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> Any:
        if self._work is None:
            raise Unavailable("the feed process is starting")
        return await self._there(self._work.ask(method, arguments))

    async def stop(self) -> None:
        """Write down how far it has come. Whoever calls this ends the process then."""
        if (work := self._work) is not None:
            await self._there(work.close())

    async def version(self) -> str:
        return self._spec.version

    async def pid(self) -> int:
        """The process, for whoever looks at it from outside."""
        return os.getpid()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
