"""Doorbuster with its journal in Redis: what a cluster of machines would share, on one machine."""

from pathlib import Path

from .doorbuster import Doorbuster
from .journal_server import REDIS_DURABILITY, JournalServer


class DoorbusterRedis(Doorbuster):
    """The express purchase, journaled by a Redis that syncs every append."""

    durability = REDIS_DURABILITY

    def __init__(self) -> None:
        super().__init__(name="doorbuster-redis")
        self._database = JournalServer()

    def start(self, workspace: Path) -> None:
        self._database.start(workspace)
        self._options = ("--journal", self._database.url)
        super().start(workspace)

    def stop(self) -> None:
        super().stop()
        self._database.stop()
