"""A running shop from outside: what is started, in which order, and how all of it is ended again.

lock the data -> end what a crash left -> watchdog -> Ray -> Serve -> application -> ready
"""

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from actors.journals.port import JournalError
from actors.journals.sqlite_backup import check_files
from actors.journals.sqlite_file import ensure_writable
from actors.journals.urls import SQLITE_PREFIX

from ..hosting import journal_of
from ..settings import Settings
from . import cluster, haproxy, logs, ports, processes, watchdog
from .data import DataDirectory
from .environment import environment
from .errors import LaunchError, StartFailed
from .progress import Progress

READY_TIMEOUT_S = 60.0
READY_INTERVAL_S = 0.05
DRAIN_TIMEOUT_S = 4.0
"""How long replicas get to finish their requests before they are killed; what they acknowledged is durable anyway."""
STOP_TIMEOUT_S = 3.0
GONE_TIMEOUT_S = 1.0
CHECKED_AFTER_CRASH_BYTES = 1 << 30
"""Some seconds at most; larger journals are left to `doorbuster journal verify`."""
LONGEST_TEMPORARY_ROOT = 12
"""Sockets below the temporary directory must fit into 107 bytes: a longer $TMPDIR than this leaves too few."""


@contextlib.contextmanager
def running(settings: Settings, progress: Progress, arm: Callable[[], None]) -> Iterator[DataDirectory]:
    """A shop that sells inside the block and is gone after it, whatever happened. Raises `LaunchError`.

    `arm` is called whenever Ray may have replaced the process's signal handlers.
    """
    data = DataDirectory(settings.data)
    with data.locked(settings.url):
        with data.told_in_a_sentence():
            crashed = end_leftovers(data)
            held = ports.HeldPorts([(settings.host, settings.port)])
            data.ensure_keys()
        ensure_journal_files(settings, progress, check=crashed)
        run = Run(settings, data, held)
        try:
            run.start(progress, arm)
            yield data
        finally:
            run.stop(progress)


def ensure_journal_files(settings: Settings, progress: Progress, *, check: bool) -> None:
    """Files that can't be used, or were made with other settings, are told of before anything has started.

    With `check` they are read as a whole, unless that would take long.
    """
    if not settings.journal.startswith(SQLITE_PREFIX):
        return
    directory = Path(settings.journal.removeprefix(SQLITE_PREFIX))
    try:
        asyncio.run(journal_of(settings).close())
        ensure_writable(directory)
        if check and sum(file.stat().st_size for file in directory.glob("*.sqlite")) < CHECKED_AFTER_CRASH_BYTES:
            with progress.step("Checking the journal after a crash"):
                check_files(directory, lambda _done, _total: None)
    except (JournalError, ValueError) as error:
        raise LaunchError(f"{error}.") from error


def end_leftovers(data: DataDirectory) -> bool:
    """End whatever a run on this data left when it was killed together with its watchdog; whether there was one.

    The note of it stays until this start makes its own: one that is refused now is careful again next time.
    """
    left = data.read_run()
    if left:
        processes.kill(str(left.get("id", "")))
        processes.remove_temporary(Path(str(left.get("temporary", ""))))
    return bool(left)


class Run:
    """One run of a shop: its mark, its temporary directory, its processes."""

    def __init__(self, settings: Settings, data: DataDirectory, held: ports.HeldPorts) -> None:
        self._settings = settings
        self._held = held
        self._data = data
        self._id = secrets.token_hex(8)
        self._temporary = Path(tempfile.mkdtemp(prefix=processes.TEMPORARY_PREFIX, dir=_temporary_root()))
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self, progress: Progress, arm: Callable[[], None]) -> None:
        """Start everything and return when the shop is able to sell."""
        settings = self._settings
        with self._data.told_in_a_sentence():
            self._note()
            logs.link(self._temporary, self._data.logs)
        self._watchdog = watchdog.start(self._id, self._temporary, self._data.logs)
        wrapper = haproxy.write_wrapper(self._temporary)
        side_ports = ports.choose_side_ports(settings.port)
        token = self._data.ray_token
        os.environ.update(environment(settings, self._id, self._temporary, token, side_ports, wrapper))
        with self._explained():
            # First, because it needs no Ray yet: what is wrong with it is said at once.
            application = cluster.build_application(settings)
            with progress.step("Starting Ray"):
                address = cluster.start_ray(settings, self._temporary)
                arm()
            self._note(cluster=address)
            with progress.step("Starting Serve and HAProxy"):
                cluster.start_serve(settings)
                self._held.release()
            with progress.step("Starting the shop"):
                cluster.deploy(settings, application)
                arm()
            with progress.step("Waiting until it can sell"):
                self._wait_until_ready()
            # Last, and not waited for: the one only reads, and without the others the shop sells as well.
            cluster.start_feed(settings)
            cluster.start_models(settings)

    def _note(self, **more: str) -> None:
        self._data.write_run({"id": self._id, "pid": os.getpid(), "temporary": str(self._temporary), **more})

    def stop(self, progress: Progress) -> None:
        """End everything, gently as long as that is quick; afterwards no process, port or temporary file is left."""
        with progress.step("Closing the door"):
            self._close_door()
        with progress.step("Finishing what was begun"):
            _within(DRAIN_TIMEOUT_S, cluster.drain)
        with progress.step("Stopping Serve and Ray"):
            _within(STOP_TIMEOUT_S, cluster.stop)
            processes.wait_until_gone(self._id, GONE_TIMEOUT_S)
            processes.kill(self._id)
            logs.keep(self._temporary, self._data.logs)
            processes.remove_temporary(self._temporary)
            with contextlib.suppress(OSError):  # the next start finds nothing of it, and forgets it
                self._data.clear_run()
            self._dismiss_watchdog()
            self._held.release()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn any failure of Ray or Serve into one sentence and the place of the logs."""
        try:
            yield
        except StartFailed:
            raise
        except Exception as error:
            cause = logs.first_complaint(logs.written_by(self._temporary)) or _first_line(error)
            raise StartFailed(cause, self._data.logs) from error

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        answer = "no answer"
        while time.monotonic() < deadline:
            try:
                # Built from our own settings: always http.
                with urllib.request.urlopen(f"{self._settings.url}/readyz", timeout=5):  # noqa: S310
                    return
            except urllib.error.HTTPError as error:
                answer = f"status {error.code}"
                error.close()
            except OSError as error:
                answer = str(error)
            time.sleep(READY_INTERVAL_S)
        raise StartFailed(
            f"GET /readyz was not answered with 200 within {READY_TIMEOUT_S:.0f} s: {answer}", self._data.logs
        )

    def _close_door(self) -> None:
        """Have HAProxy let go of the port, so that a client is refused at once instead of being cut off later."""
        # Serve reloads HAProxy as replicas leave, which would open the port again: the wrapper refuses from now on.
        (self._temporary / haproxy.CLOSED).touch()
        for path in self._temporary.glob("h/*/admin.sock"):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as admin:
                admin.settimeout(1)
                admin.connect(str(path))
                admin.sendall(b"disable frontend http_frontend\n")
                admin.recv(1_024)

    def _dismiss_watchdog(self) -> None:
        """Let the watchdog look once more for leftovers, and go."""
        if self._watchdog is None:
            return
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.close()
        self._watchdog.wait()


def _within(timeout_s: float, function: Callable[[], None]) -> None:
    """Call the function, but don't wait for it beyond the limit, nor for what it raises.

    When the whole process group was told to stop, Ray is half gone already: its calls hang or fail in all kinds of
    ways. The mark finds what it leaves.
    """

    def quietly() -> None:
        with contextlib.suppress(Exception):
            function()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(timeout_s)


def _temporary_root() -> str:
    root = tempfile.gettempdir()
    return root if len(root) <= LONGEST_TEMPORARY_ROOT else "/tmp"  # noqa: S108


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no details'}"
