"""The open streams of one process: how many there may be, for whom, and when all of them end.

A process that stops must not wait for its streams. Serve tells only its HTTP server that it stops, and the server marks
the connections: one of them is looked at now and then, and when it is marked every stream ends.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .bell import Bell
from .errors import TooManyFromOneAddress, TooManyStreams

MOST_STREAMS = 4_000
"""In one process. An open stream takes about 40 KB and two connections of HAProxy and the replica."""
MOST_PER_ADDRESS = 100
"""Offices and mobile networks share an address."""
LOOK_EVERY_S = 0.25
"""How often it is looked whether the process stops, and who doesn't read."""
SLOW_READER_S = 10.0
"""Whoever hasn't read for so long, with all buffers on the way full, is cut: a browser connects again by itself."""
SILENCE_S = 15.0
"""After so long without a change a stream says that it lives: proxies cut what is silent."""
LONGEST_S = 300.0
"""Then a stream ends and the client connects again by itself: whoever may no longer see it is found out by then."""
SPREAD_S = 100
"""Streams that began together end within so many seconds beyond that, not together."""


class Sending:
    """One open stream, as far as its connection goes."""

    def __init__(self) -> None:
        self.since = 0.0
        """When what is on its way to the client was handed on; 0: nothing is."""
        self.hangs_up: Callable[[], bool] | None = None
        """Whether the server means to close the connection."""
        self.cut: Callable[[], None] = lambda: None


class Streams:
    """Counts the streams and ends them."""

    def __init__(self, most: int = MOST_STREAMS, most_per_address: int = MOST_PER_ADDRESS) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._by_address: Counter[str] = Counter()
        self._bells: set[Bell] = set()
        self._open: set[Sending] = set()
        self._watch: asyncio.Task[None] | None = None
        self._begun = 0
        self.by_kind: Counter[str] = Counter()
        """Open now."""
        self.told = 0
        """Events and signs of life that were handed on so far."""
        self.refused = 0
        self.dropped = 0
        """Streams that were cut because their reader didn't read."""
        self.ending = False

    @property
    def open_now(self) -> int:
        return self.by_kind.total()

    def admit(self, address: str) -> None:
        """Raises `StreamsRefused` where there is no room. No address: this machine's own, which isn't limited."""
        if self.ending or self.open_now >= self._most:
            self.refused += 1
            raise TooManyStreams(self.open_now)
        if address and self._most_per_address and self._by_address[address] >= self._most_per_address:
            self.refused += 1
            raise TooManyFromOneAddress(self._by_address[address])

    @contextmanager
    def opened(self, kind: str, address: str, sending: Sending) -> Iterator[None]:
        """While a stream is open."""
        self.by_kind[kind] += 1
        self._by_address[address] += 1
        if sending.hangs_up is not None and sending.hangs_up():
            # The client has no use for the connection after this: it says nothing of the server.
            sending.hangs_up = None
        self._open.add(sending)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look_after_them())
        try:
            yield
        finally:
            self._open.discard(sending)
            self.by_kind[kind] -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    @contextmanager
    def listening(self) -> Iterator[Bell]:
        """A bell, which also rings when all streams end."""
        bell = Bell()
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    def longest_s(self) -> float:
        """How long the next stream may be open."""
        self._begun += 1
        return LONGEST_S + self._begun % SPREAD_S

    def end(self) -> None:
        """Have every stream end now, and begin no more."""
        self.ending = True
        for bell in self._bells:
            bell.ring()

    async def _look_after_them(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._open:
            # The server marks all its connections at once: the first that can tell tells for all.
            telling = next((each.hangs_up for each in self._open if each.hangs_up is not None), None)
            if telling is not None and telling() and not self.ending:
                self.end()
            late = clock() - SLOW_READER_S
            for slow in [each for each in self._open if 0 < each.since < late]:
                self.dropped += 1
                slow.since = 0.0
                slow.cut()
            await asyncio.sleep(LOOK_EVERY_S)
