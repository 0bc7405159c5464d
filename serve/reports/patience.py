"""When a report that can't be made is tried again: after ten seconds, then twice as long each time, then no more."""

from typing import NamedTuple

from engine.kernel import Instant

FIRST_PAUSE_MS = 10_000
MOST_FAILURES = 8
"""The last try comes some twenty minutes after the first: by then it isn't the moment's fault."""
MOST_KEPT = 1_000
"""Schedules that fail at one time; of more, the oldest is tried as if it were new."""


class _Failed(NamedTuple):
    due_at: Instant
    times: int
    again_at: Instant


class Patience:
    """Remembers failures by schedule, in this process: in another one they are counted anew."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def rests(self, key: str, due_at: Instant, now: Instant) -> bool:
        """Whether it is too early for the next try."""
        failed = self._failed.get(key)
        return failed is not None and failed.due_at == due_at and now < failed.again_at

    def failed(self, key: str, due_at: Instant, now: Instant) -> bool:
        """Note a failure; whether it was the last."""
        before = self._failed.pop(key, None)
        times = 1 if before is None or before.due_at != due_at else before.times + 1
        if times >= MOST_FAILURES:
            return True
        if len(self._failed) >= MOST_KEPT:
            del self._failed[next(iter(self._failed))]
        self._failed[key] = _Failed(due_at, times, now + FIRST_PAUSE_MS * 2 ** (times - 1))
        return False

    def forget(self, key: str) -> None:
        """It was made."""
        self._failed.pop(key, None)
