"""How much of the processor the feed may take: next to nothing of a process that sells, much of one that is idle.

The readers of a process share a pace, so that none takes the others' work for that of the shop.
"""

import time
from collections.abc import Callable

DUTY = 0.003
"""Share of a core that a reader takes of a process that is busy: a page without anything to tell is read in 0.3 ms, a
mail is a millisecond or two. So in a rush some mails leave every second, and the others as soon as it is over."""
LEISURE = 0.3
"""Share of a core that it takes of a process with little else to do."""
BUSY = 0.2
"""Share of a core from which on a process is busy: one buyer after the other uses as much."""
LOOK_EVERY_S = 0.25
"""Over less time than this nobody can tell how busy a process is."""
SHORTEST_REST_S = 0.005
"""Less is saved up: whoever buys meanwhile waits for as much reading as this pays for, at most two milliseconds."""
LONGEST_REST_S = 2.0
"""What was dear once, such as reading the templates for the first mail, must not keep the next mail for long."""

Seconds = Callable[[], float]


class Pace:
    """Tells a reader when it has read so much that it owes the others a rest."""

    def __init__(
        self, duty: float = DUTY, *, clock: Seconds = time.monotonic, used: Seconds = time.process_time
    ) -> None:
        self._duty = duty
        self._clock = clock
        self._used = used
        self._busy = 1.0
        """The share of a core that the process used for anything else; at first nobody knows."""
        self._looked_at, self._used_by_then, self._own_s = clock(), used(), 0.0

    def rest_for(self, spent_s: float) -> float:
        """How long to rest for having used the processor so long."""
        self._own_s += spent_s
        self._look()
        share = self._duty if self._busy > BUSY else max(self._duty, LEISURE)
        return spent_s * (1 / share - 1)

    def _look(self) -> None:
        passed_s = self._clock() - self._looked_at
        if passed_s >= LOOK_EVERY_S:
            used_s = self._used() - self._used_by_then
            self._busy = max(0.0, used_s - self._own_s) / passed_s
            self._looked_at, self._used_by_then, self._own_s = self._clock(), self._used(), 0.0
