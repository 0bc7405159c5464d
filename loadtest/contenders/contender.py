"""What the benchmark knows of a contender: how to start, load, check and stop it, and what it does per purchase."""

from abc import ABC, abstractmethod
from pathlib import Path

from ..errors import DishonestRun, ServerFailed
from ..measurement import Measurement
from ..wrk import Target, drive

SKU = "RETRO-CLOCK"
PRELOADED_UNITS = 5_000_000
"""More than the fastest contender sells between its start and its stop."""


class Contender(ABC):
    """One way to sell. Started, loaded and stopped once per round, alone on the machine.

    `name` is its row; `variant` tells the ways of tuning it apart, of which the fastest makes the row.
    """

    name: str
    variant: str = ""
    per_purchase: str
    """One sentence: what happens between request and answer."""
    durability: str
    """What survives a power cut once the answer was given."""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.variant})" if self.variant else self.name

    def levels(self, connections: tuple[int, ...]) -> tuple[int, ...]:
        """At which of the run's levels of concurrency the contender is measured."""
        return connections

    @abstractmethod
    def start(self, workspace: Path) -> None:
        """Return when the contender can sell. Files go below `workspace`, an empty directory with a short path."""

    def warm_up(self, connections: int, seconds: float) -> None:
        """Load it before anything counts: caches fill, connections open, code paths are taken once."""
        self.measure(connections, seconds)

    @abstractmethod
    def measure(self, connections: int, seconds: float) -> Measurement:
        """Keep `connections` purchases in flight for `seconds`."""

    @abstractmethod
    def verify(self) -> None:
        """Raise DishonestRun unless what was sold is what was acknowledged."""

    @abstractmethod
    def stop(self) -> None:
        """End every process that `start` began; harmless when not started."""


class HttpContender(Contender):
    """A contender that is driven over HTTP and counts its sales itself."""

    def __init__(self) -> None:
        self._acknowledged = 0
        self._perhaps = 0

    @abstractmethod
    def target(self) -> Target:
        """The request that is one purchase."""

    def sold(self) -> int | None:
        """The units sold by the contender's own books; None when nothing is sold by its requests."""
        return None

    def measure(self, connections: int, seconds: float) -> Measurement:
        target = self.target()
        measured = drive(target, connections, seconds)
        counted = measured.statuses.get(target.counted_status, 0)
        if not counted:
            others = f"{dict(measured.statuses)} instead, {measured.unanswered} requests without an answer"
            raise ServerFailed(self.label, f"never answered with {target.counted_status}: {others}")
        self._acknowledged += counted
        # When the time is over, the driver hangs up: what was in flight may have been sold without it knowing.
        self._perhaps += connections + measured.unanswered + measured.statuses.get(202, 0)
        return measured

    def verify(self) -> None:
        acknowledged, perhaps = self._acknowledged, self._perhaps
        # The next turn begins with empty data, and so with empty books.
        self._acknowledged = self._perhaps = 0
        sold = self.sold()
        if sold is not None and not acknowledged <= sold <= acknowledged + perhaps:
            raise DishonestRun(self.label, f"sold {sold}, acknowledged {acknowledged} and at most {perhaps} unheard")
