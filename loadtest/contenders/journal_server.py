"""The Redis that keeps the journal of the contenders of ours that have it there."""

from pathlib import Path

from ..processes import ServerProcess
from .redis_script import START_TIMEOUT_S, accepts_connections, server_command

REDIS_DURABILITY = "journal in Redis: append-only file, appendfsync always"


class JournalServer:
    """The same server, reached in the same way, as the contender that keeps its stock in a Redis script."""

    def __init__(self) -> None:
        self._process: ServerProcess | None = None
        self.url = ""

    def start(self, workspace: Path) -> None:
        data = workspace / "redis"
        data.mkdir()
        socket = data / "redis.sock"
        self._process = ServerProcess("Redis", server_command(data, socket), workspace / "redis.log")
        self._process.wait_until(lambda: accepts_connections(socket), START_TIMEOUT_S)
        self.url = f"redis+unix://{socket}"

    def stop(self) -> None:
        if self._process:
            self._process.stop()
