"""Runs a FastAPI application the way an expert deploys it: uvicorn on uvloop and httptools, without access log."""

import sys
from pathlib import Path

from ..processes import ServerProcess, answers_ok, clean_environment, free_port

START_TIMEOUT_S = 30.0


class UvicornServer:
    """The application factory `application` (module:function) in `workers` processes, on a free loopback port."""

    def __init__(self, application: str, workers: int, log: Path, **environment: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            *(sys.executable, "-m", "uvicorn", application, "--factory", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", str(workers), "--loop", "uvloop", "--http", "httptools", "--lifespan", "on"),
            *("--no-access-log", "--log-level", "warning"),
        ]
        self._process = ServerProcess("uvicorn", command, log, environment=clean_environment(**environment))

    def wait_until_ready(self) -> None:
        self._process.wait_until(lambda: answers_ok(f"{self.url}/healthz"), START_TIMEOUT_S)

    def stop(self) -> None:
        self._process.stop()
