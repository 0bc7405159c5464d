"""Who watches which order: hosts of this process tell of each change, those elsewhere are asked now and then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .bell import Bell
from .streams import SILENCE_S, Streams

ASK_EVERY_S = 2.0
"""How often a stream asks where nobody tells it."""
ASKED_PER_S = 200
"""Asked together by all streams of a process: with many of them each asks more rarely."""


class OrderTopics:
    """The watched orders of one process."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._bells: dict[str, set[Bell]] = {}
        self._listening = 0
        self.are_told = True
        """Whether every change is told here: so it is where this process runs the orders."""

    def changed(self, order_id: str, _version: int = 0, _state: Any = None) -> None:
        """A host's watcher: the order has a new entry; called after each."""
        if not self._bells:
            return
        if bells := self._bells.get(order_id):
            for bell in bells:
                bell.ring()

    @contextmanager
    def watched(self, order_id: str) -> Iterator[Bell]:
        """A bell that rings when the order changes, and when all streams end."""
        with self._streams.listening() as bell:
            self._bells.setdefault(order_id, set()).add(bell)
            self._listening += 1
            try:
                yield bell
            finally:
                self._listening -= 1
                bells = self._bells[order_id]
                bells.discard(bell)
                if not bells:
                    del self._bells[order_id]

    @property
    def look_every_s(self) -> float:
        """After so long a stream looks by itself."""
        return SILENCE_S if self.are_told else max(ASK_EVERY_S, self._listening / ASKED_PER_S)
