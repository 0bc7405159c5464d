"""Servers as child processes: started in a session of their own, waited for, and gone without a trace afterwards."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from .errors import ServerFailed

PROJECT = Path(__file__).resolve().parent.parent
SCRATCH = Path("/var/tmp")
"""Where data goes that is measured: unlike /tmp it is a disk everywhere, so that a sync costs what it costs."""
POLL_INTERVAL_S = 0.05
STOP_GRACE_S = 20.0
KILL_GRACE_S = 5.0
PROBE_TIMEOUT_S = 2.0
LOG_TAIL_BYTES = 2_000


class ServerProcess:
    """One server and all the processes that it starts.

    `stop` asks with `stop_signal`, waits, and then kills whatever is left of the family, also children that moved to
    a session of their own (Ray's workers do): they are remembered before the parent is asked to go.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self._log = log
        self._stop_signal = stop_signal
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/" if user else PROJECT,
                env=None if environment is None else dict(environment),
                user=user,
                # Debian's `nobody` has a group of another name, so the group is looked up rather than guessed.
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready()` holds; raise ServerFailed if the process ends or the time is over first."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self._process.poll() is not None:
                raise ServerFailed(
                    self.name, f"ended with status {self._process.returncode} while starting", self.tail()
                )
            if time.monotonic() > deadline:
                raise ServerFailed(self.name, f"was not ready after {timeout_s:.0f} s", self.tail())
            time.sleep(POLL_INTERVAL_S)

    def wait(self, timeout_s: float) -> str:
        """Wait for a program that ends by itself; what it wrote. Raises ServerFailed if it fails or doesn't end."""
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise ServerFailed(self.name, f"did not end in {timeout_s:.0f} s", self.tail()) from error
        if status != 0:
            raise ServerFailed(self.name, f"ended with status {status}", self.tail())
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """kill -9 of the server alone, as a crash would: it gets no word, and writes none."""
        self._process.kill()
        self._process.wait()

    def alive(self) -> bool:
        return self._process.poll() is None

    def tail(self) -> str:
        """The end of what the server wrote."""
        return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End the whole family; stopping twice is harmless."""
        family = self.family()
        if self.alive():
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        # Children that appeared while we waited are found through the session that they share with the server.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for relative in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                relative.kill()
        psutil.wait_procs(family, timeout=KILL_GRACE_S)
        self._process.wait()

    def family(self) -> list[psutil.Process]:
        """The processes that it has started, and those that they have."""
        return family_of(self._process.pid)


def family_of(pid: int) -> list[psutil.Process]:
    """The processes that a process has started, and those that they have."""
    try:
        family: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return family
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every `finally` and context manager runs."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    previous = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def free_port() -> int:
    """A loopback TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers_ok(url: str) -> bool:
    """Whether a GET of `url` is answered with 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def clean_environment(**additions: str) -> dict[str, str]:
    """Our environment without what would change a server's settings behind the reader's back, plus `additions`."""
    foreign = ("DOORBUSTER_", "RAY_", "SERVE_", "PG", "UVICORN_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    search_path = os.pathsep.join(filter(None, (str(PROJECT), kept.get("PYTHONPATH", ""))))
    return {**kept, "PYTHONPATH": search_path, **additions}
