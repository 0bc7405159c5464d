"""Doorbuster with its journal in Redis: what a cluster of machines would share, on one machine."""

from pathlib import Path

from ..processes import ServerProcess
from .doorbuster import Doorbuster
from .redis_script import START_TIMEOUT_S, accepts_connections, server_command


class DoorbusterRedis(Doorbuster):
    """The express purchase, journaled by a Redis that syncs every append."""

    durability = "journal in Redis: append-only file, appendfsync always"

    def __init__(self) -> None:
        super().__init__(name="doorbuster-redis")
        self._database: ServerProcess | None = None

    def start(self, workspace: Path) -> None:
        data = workspace / "redis"
        data.mkdir()
        # The same server, reached in the same way, as the contender that keeps its stock in a Redis script.
        socket = data / "redis.sock"
        self._database = ServerProcess("Redis", server_command(data, socket), workspace / "redis.log")
        self._database.wait_until(lambda: accepts_connections(socket), START_TIMEOUT_S)
        self._options = ("--journal", f"redis+unix://{socket}")
        super().start(workspace)

    def stop(self) -> None:
        super().stop()
        if self._database:
            self._database.stop()
