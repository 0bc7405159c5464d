"""What the machine has to spare: a feed reads at full speed while others need little, else in a small share of a core.

A niceness decides who runs next, not who runs beside: two threads of one core, its caches and the disk are shared. So
where sellers are busy, whoever only reads has to do less, and catches up when they are done.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PLENTY = 0.55
"""Share of the machine that is idle, or used by niced processes, from which on reading disturbs nobody. Of two cores
one buyer after the other leaves less; the mails that go out after a rush leave more, and mustn't keep a feed from
catching up."""
DUTY = 0.03
"""Share of a core that it takes where there is less."""
SHORTEST_REST_S = 0.25
"""Fewer, longer pages: each time that it runs, it takes caches and the processor from somebody."""
LONGEST_REST_S = 3.0
LOOK_EVERY_S = 0.25

STAT = Path("/proc/stat")


class Ticks(NamedTuple):
    """Processor time since the machine began, of all cores."""

    spare: int
    all: int


def ticks_of(stat: str) -> Ticks:
    """From the first line of Linux's /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal."""
    user, nice, system, idle, iowait, *others = map(int, stat.partition("\n")[0].split()[1:9])
    return Ticks(nice + idle + iowait, user + nice + system + idle + iowait + sum(others))


def machine_ticks() -> Ticks | None:
    """Those of this machine; None where the system doesn't tell."""
    try:
        return ticks_of(STAT.read_text())
    except (OSError, ValueError):
        return None


class Spare:
    """Tells one process's readers when to rest; they share it."""

    def __init__(
        self,
        ticks: Callable[[], Ticks | None] = machine_ticks,
        spent_s: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ticks = ticks
        self._spent_s = spent_s
        self._clock = clock
        self._seen = ticks()
        self._looked_at = clock()
        self._rested_at = spent_s()
        self._plenty = True

    @property
    def plenty(self) -> bool:
        """Whether there is so much that whoever reads disturbs nobody."""
        self._look()
        return self._plenty

    async def rest(self) -> None:
        """Call it after each page: it comes back when the next one may be read."""
        self._look()
        spent = self._spent_s()
        since, self._rested_at = spent - self._rested_at, spent
        if not self._plenty and since > 0:
            await asyncio.sleep(min(LONGEST_REST_S, max(SHORTEST_REST_S, since * (1 / DUTY - 1))))

    def _look(self) -> None:
        if (now := self._clock()) < self._looked_at + LOOK_EVERY_S:
            return
        self._looked_at = now
        before, self._seen = self._seen, self._ticks()
        if before is not None and self._seen is not None and self._seen.all > before.all:
            self._plenty = (self._seen.spare - before.spare) / (self._seen.all - before.all) >= PLENTY
