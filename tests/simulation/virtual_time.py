"""Virtual time: processes that each have an event loop of their own, run by one scheduler in one thread.

Production code meets an ordinary asyncio loop. Nothing ever sleeps: when no process has anything ready, the clock jumps
to the next timer. A process can be killed at any instant (nothing of it runs again, not even a `finally`) and stopped
and continued, like a real one.
"""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

MOST_STEPS_AT_ONE_INSTANT = 200_000
"""More callbacks than that without time moving on: something spins."""

T = TypeVar("T")


class Spinning(Exception):
    """The code under test runs on and on while no time passes."""

    def __init__(self, process: str, at: float) -> None:
        super().__init__(process, at)


class Process(asyncio.AbstractEventLoop):
    """A process of the simulated world, as the event loop that its code sees. Its clock starts at `booted_at`."""

    def __init__(self, scheduler: "Scheduler", name: str, booted_at: float = 0.0) -> None:
        self.name = name
        self.dead = False
        self.stopped = False
        self.failures: list[str] = []
        """What its event loop was told of exceptions that nobody caught."""
        self._scheduler = scheduler
        self._booted_at = booted_at
        self._held: list[asyncio.Handle] = []
        self._tasks: list[asyncio.Task[Any]] = []

    # -- what happens to it

    def kill(self) -> None:
        """Nothing of it runs from now on."""
        self.dead = True
        self._held = []

    def stop(self) -> None:
        """As SIGSTOP: its timers fall due and its messages arrive, and wait."""
        self.stopped = True

    def cont(self) -> None:
        """As SIGCONT."""
        self.stopped = False
        held, self._held = self._held, []
        for handle in held:
            self._scheduler.add_ready(self, handle)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin work in this process, from outside of it."""
        return self.create_task(work)

    def hold(self, handle: asyncio.Handle) -> None:
        """Keep what falls due while the process is stopped."""
        self._held.append(handle)

    def bury(self) -> None:
        """Close what never ended, at the end of the world: pending work is no mistake there."""
        self.dead = True
        for task in self._tasks:
            coroutine = task.get_coro()
            if not task.done() and coroutine is not None:
                try:
                    coroutine.close()
                except RuntimeError:
                    # It awaits in a `finally`; it ends with the garbage collector.
                    continue

    # -- what asyncio asks of a loop

    def time(self) -> float:
        return self._scheduler.time + self._booted_at

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._scheduler.add_ready(self, handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._scheduler.add_timer(when - self._booted_at, self, timer)
        return timer

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[T]":
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        # A killed process leaves pending tasks behind, and must.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.append(task)
        if len(self._tasks) % 1_000 == 0:
            self._tasks = [each for each in self._tasks if not each.done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are thrown away when their time comes."""


class Scheduler:
    """The only thing that moves time. Ready callbacks run in the order in which they became ready."""

    def __init__(self) -> None:
        self.time = 0.0
        self.steps = 0
        self._ready: deque[tuple[Process, asyncio.Handle]] = deque()
        self._timers: list[tuple[float, int, Process, asyncio.TimerHandle]] = []
        self._numbers = count()
        self._processes: list[Process] = []

    def process(self, name: str, booted_at: float = 0.0) -> Process:
        """A new process."""
        process = Process(self, name, booted_at)  # type: ignore[abstract] # what nobody here asks of a loop it lacks
        self._processes.append(process)
        return process

    @property
    def failures(self) -> list[str]:
        """Exceptions that nobody caught, in any process."""
        return [f"{process.name}: {failure}" for process in self._processes for failure in process.failures]

    def add_ready(self, process: Process, handle: asyncio.Handle) -> None:
        self._ready.append((process, handle))

    def add_timer(self, when: float, process: Process, timer: asyncio.TimerHandle) -> None:
        heappush(self._timers, (when, next(self._numbers), process, timer))

    def run(self, work: "asyncio.Task[T]") -> T:
        """Run everything until the work is done."""
        before = events._get_running_loop()
        try:
            while not work.done():
                self._run_ready(work)
                if not work.done():
                    self._to_next_timer()
        finally:
            events._set_running_loop(before)
        return work.result()

    def close(self) -> None:
        """The end of the world."""
        self._ready.clear()
        self._timers.clear()
        for process in self._processes:
            process.bury()

    def _run_ready(self, work: "asyncio.Task[Any]") -> None:
        ready, running, steps = self._ready, None, 0
        while ready:
            process, handle = ready.popleft()
            if process.dead or handle.cancelled():
                continue
            if process.stopped:
                process.hold(handle)
                continue
            if process is not running:
                events._set_running_loop(process)
                running = process
            handle._run()
            steps += 1
            if steps > MOST_STEPS_AT_ONE_INSTANT:
                raise Spinning(process.name, self.time)
            if work.done():
                break
        self.steps += steps

    def _to_next_timer(self) -> None:
        timers, ready = self._timers, self._ready
        assert timers, "somebody always has a timer: otherwise the world would stand still for ever"
        # Timers of one instant stay in the order in which they were set.
        self.time = max(self.time, timers[0][0])
        while timers and timers[0][0] <= self.time:
            _, _, process, timer = heappop(timers)
            if not timer.cancelled() and not process.dead:
                ready.append((process, timer))
