"""The engine without its HTTP face: callers in one process reserve one SKU from a host in another, over Ray."""

import json
import sys
from pathlib import Path

from ..errors import ServerFailed
from ..measurement import Measurement
from ..processes import ServerProcess, clean_environment
from .contender import Contender
from .journal_server import REDIS_DURABILITY, JournalServer

CALLERS = 8
START_AND_STOP_TIMEOUT_S = 90.0


class EngineOnly(Contender):
    """A program of the shop's own measures it: there is no HTTP to drive it by. Each measurement is a new engine."""

    name = "engine-only"
    per_purchase = (
        "one reservation, not a purchase: 8 callers, each with 512 under way, their commands and answers encoded, sent "
        "to the stock's host over Ray, decided one after the other; latencies are those of 512 together"
    )
    durability = "journal (SQLite, WAL, synchronous=FULL) synced before every answer"

    def __init__(self) -> None:
        self._workspace: Path | None = None
        self._process: ServerProcess | None = None
        self._measurements = 0

    def levels(self, connections: tuple[int, ...]) -> tuple[int, ...]:
        return (CALLERS,)

    def start(self, workspace: Path) -> None:
        self._workspace = workspace

    def warm_up(self, connections: int, seconds: float) -> None:
        """Each measurement warms its engine up by itself."""

    def measure(self, connections: int, seconds: float) -> Measurement:
        assert self._workspace, "started before it is used"
        self._measurements += 1
        folder = self._workspace / f"engine-{self._measurements}"
        folder.mkdir()
        journal = self._new_journal(folder)
        command = [
            *(sys.executable, "-m", "serve.measure.reservations", "--callers", str(connections)),
            *("--seconds", str(seconds), "--journal", journal),
        ]
        self._process = ServerProcess("the engine", command, folder / "log", environment=clean_environment())
        return measurement_of(self._process.wait(seconds + START_AND_STOP_TIMEOUT_S), seconds)

    def _new_journal(self, folder: Path) -> str:
        """The URL of a journal without data."""
        return f"sqlite:///{folder / 'journal'}"

    def verify(self) -> None:
        """Its callers count reservations that are held, and fail at the first that isn't."""

    def stop(self) -> None:
        if self._process:
            self._process.stop()


class EngineOnlyRedis(EngineOnly):
    """The same with its journal in a Redis beside it."""

    name = "engine-only-redis"
    durability = REDIS_DURABILITY

    def __init__(self) -> None:
        super().__init__()
        self._database = JournalServer()

    def start(self, workspace: Path) -> None:
        super().start(workspace)
        self._database.start(workspace)

    def _new_journal(self, folder: Path) -> str:
        return f"{self._database.url}?prefix={folder.name}"

    def stop(self) -> None:
        super().stop()
        self._database.stop()


def measurement_of(output: str, seconds: float) -> Measurement:
    """What the program measured: the one line of JSON among what it and Ray wrote."""
    for line in output.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            return Measurement(
                seconds=seconds,
                rate_per_s=found["reservations_per_s"],
                p50_ms=found["p50_ms"],
                p90_ms=found["p90_ms"],
                p99_ms=found["p99_ms"],
                max_ms=found["max_ms"],
            )
    raise ServerFailed("the engine", "told no figures", output)
