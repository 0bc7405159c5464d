"""Questions to one model that come about the same time go to it in one call: a call costs more than an answer.

One call is under way at a time. What comes meanwhile waits for it, and a few milliseconds after the last call at least:
so calls are at most so many a second, however many ask. Nobody waits for longer than the deadline.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from .port import Answered, ModelBroken, ModelBusy, ModelsFail, ModelSlow, Query, Suggestion

DEADLINE_S = 0.030
"""A shopper's page waits so long for a model; then it gets what is popular."""
BETWEEN_CALLS_S = 0.005
"""From the start of one call to the next: what comes meanwhile goes together."""
MOST_IN_A_CALL = 128
MOST_WAITING = 512
"""Of whom most would wait for longer than the deadline anyway."""
GIVEN_UP_AFTER_S = 20.0
"""A call that takes so long is cancelled: the process at the other end hangs, or was started on a machine that had none
yet."""

Ask = Callable[[Sequence[Query]], "asyncio.Future[Answered] | asyncio.Task[Answered]"]


class Found:
    """What one asker gets: the model, its version and the list."""

    __slots__ = ("items", "model", "version")

    def __init__(self, model: str, version: str, items: tuple[Suggestion, ...]) -> None:
        self.model = model
        self.version = version
        self.items = items


class _Waiting:
    __slots__ = ("answer", "query", "until")

    def __init__(self, query: Query, answer: "asyncio.Future[Found]", until: float) -> None:
        self.query = query
        self.answer = answer
        self.until = until


class Gatherer:
    """The questions to one model of one market. `ask` begins a call; it is called on the event loop."""

    def __init__(self, ask: Ask, *, deadline_s: float = DEADLINE_S, between_s: float = BETWEEN_CALLS_S) -> None:
        self._ask = ask
        self._deadline_s = deadline_s
        self._between_s = between_s
        self._waiting: deque[_Waiting] = deque()
        self._call: asyncio.Future[Answered] | None = None
        self._called_at = float("-inf")
        self._next: asyncio.Handle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._out: list[_Waiting] = []
        self.calls = 0
        self.asked = 0

    async def recommend(self, query: Query) -> Found:
        """The model's list. Raises ModelsFail, ModelSlow at the deadline."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._call is not None and now - self._called_at > self._deadline_s:
            # Whoever waits behind a call that is late already would be late as well.
            if now - self._called_at > GIVEN_UP_AFTER_S:
                self._call.cancel()
            raise ModelSlow("a call is late")
        if len(self._waiting) >= MOST_WAITING:
            raise ModelBusy(f"{MOST_WAITING} wait already")
        self.asked += 1
        waiting = _Waiting(query, loop.create_future(), now + self._deadline_s)
        self._waiting.append(waiting)
        if self._expiry is None:
            self._expiry = loop.call_at(waiting.until, self._expire, loop)
        if self._call is None and self._next is None:
            due = self._called_at + self._between_s
            # Not at once: what became known of several visitors by one answer is asked in one call.
            self._next = loop.call_soon(self._begin, loop) if due <= now else loop.call_at(due, self._begin, loop)
        return await waiting.answer

    def close(self) -> None:
        """Nobody is answered any more."""
        for timer in (self._next, self._expiry):
            if timer is not None:
                timer.cancel()
        if self._call is not None:
            self._call.cancel()
        _fail([*self._waiting, *self._out], ModelBroken("the shop ends"))

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = None
        taken: list[_Waiting] = []
        while self._waiting and len(taken) < MOST_IN_A_CALL:
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                taken.append(waiting)
        if not taken:
            return
        self.calls += 1
        self._out, self._called_at = taken, loop.time()
        self._call = self._ask([waiting.query for waiting in taken])
        self._call.add_done_callback(self._ended)

    def _ended(self, call: "asyncio.Future[Answered]") -> None:
        taken, self._out, self._call = self._out, [], None
        if call.cancelled():
            _fail(taken, ModelSlow("the call was given up"))
        elif (error := call.exception()) is not None:
            _fail(taken, error if isinstance(error, ModelsFail) else ModelBroken(f"{type(error).__name__}: {error}"))
        else:
            answered = call.result()
            for place, (waiting, items) in enumerate(zip(taken, answered.lists, strict=False)):
                if not waiting.answer.done() and place not in answered.failed:
                    waiting.answer.set_result(Found(answered.model, answered.version, items))
            _fail(taken, ModelBroken("no list for this query"))
        if self._waiting and self._next is None:
            loop = call.get_loop()
            self._next = loop.call_at(max(loop.time(), self._called_at + self._between_s), self._begin, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever has waited to the deadline hears so; one timer serves all, as they wait in order."""
        now, self._expiry = loop.time(), None
        for queue in (self._out, self._waiting):
            for waiting in queue:
                if waiting.answer.done():
                    continue
                if waiting.until > now:
                    self._expiry = loop.call_at(waiting.until, self._expire, loop)
                    return
                waiting.answer.set_exception(ModelSlow("no answer by the deadline"))


def _fail(taken: Sequence[_Waiting], error: ModelsFail) -> None:
    for waiting in taken:
        if not waiting.answer.done():
            # One for each: an exception that is raised twice grows by a traceback each time.
            waiting.answer.set_exception(type(error)(*error.args))
