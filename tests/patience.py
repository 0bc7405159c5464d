"""An event loop that needs no patience: told so, it skips the time in which nothing would happen.

Its clock then jumps to the next timer, so a wait costs what happens in it and no more.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

Result = TypeVar("Result")


class SkippingSelector(selectors.DefaultSelector):
    """Skips a wait for timers, unless a thread or somebody at the other end of a socket may say something meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.skips = False
        self.in_threads = 0
        self.skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        # The loop itself has one, by which threads wake it.
        connected = len(self.get_map()) > 1
        if not self.skips or self.in_threads or connected or timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.skipped_s += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """Real time, plus all that was skipped."""

    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return super().time() + self._skipping.skipped_s

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._skipping.in_threads += 1
        future.add_done_callback(self._is_back)
        return future

    def run_without_waiting(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Like `run_until_complete`, with the waiting left out."""
        self._skipping.skips = True
        try:
            return self.run_until_complete(work)
        finally:
            self._skipping.skips = False

    def _is_back(self, _: object) -> None:
        self._skipping.in_threads -= 1


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Like `asyncio.run`, with the waiting left out."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SkippingLoop)
        return loop.run_without_waiting(work)
