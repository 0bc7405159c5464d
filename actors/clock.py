"""The time of day for a process's decisions: it goes on evenly, whatever is done to the machine's clock meanwhile.

Holds and payment windows end when their time is over, and not when somebody corrects a clock.
"""

import logging
import time
from collections.abc import Callable

from engine.kernel import Instant

STEP_TOLD_NS = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

Nanoseconds = Callable[[], int]

logger = logging.getLogger("doorbuster.actors")


def since_boot_ns() -> int:
    """What no correction changes, the same for all processes of the machine, also while it sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def booted_at_ns(wall_ns: Nanoseconds = time.time_ns, boot_ns: Nanoseconds = since_boot_ns) -> int:
    """The time of day when the machine began, as its clock tells now."""
    return wall_ns() - boot_ns()


class SteadyClock:
    """Milliseconds since the epoch, counted from `booted_at` on.

    Processes that count from the same instant agree, however long ago each was started. What the machine's clock says
    otherwise is logged, once for each step, and taken over by counting anew: at the next start.
    """

    def __init__(
        self, booted_at: int, *, wall_ns: Nanoseconds = time.time_ns, boot_ns: Nanoseconds = since_boot_ns
    ) -> None:
        self._booted_at = booted_at
        self._wall_ns = wall_ns
        self._boot_ns = boot_ns
        self._told_ns = 0

    def __call__(self) -> Instant:
        now_ns = self._booted_at + self._boot_ns()
        differs_ns = self._wall_ns() - now_ns
        if abs(differs_ns - self._told_ns) >= STEP_TOLD_NS:
            self._told_ns = differs_ns
            logger.warning(
                "The machine's clock was set: it is %+.0f s from the shop's time, which goes on as it was. "
                "Start the shop again to take the machine's time over",
                differs_ns / NS_PER_S,
            )
        return now_ns // NS_PER_MS
