"""Finds and ends the processes of one run, wherever Ray moved them: each inherits the run's mark in its environment.

Parents and process groups don't tell: Ray puts workers into sessions of their own and lets them be adopted by init.
"""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

MARK = "DOORBUSTER_RUN"
SCAN_INTERVAL_S = 0.05
SCANS_TO_BELIEVE = 2
TEMPORARY_PREFIX = "shop-"


def find(run_id: str) -> list[int]:
    """The processes that carry the run's mark, without this one and without those already dead."""
    mark = f"{MARK}={run_id}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            # A dead process that nobody waited for yet has an empty environment: it is not found, rightly.
            environment = Path("/proc", entry, "environ").read_bytes()
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if mark in environment.split(b"\0"):
            found.append(int(entry))
    return found


def lives(pid: int) -> bool:
    """Whether the process runs; one that is dead and was not waited for yet doesn't."""
    try:
        return bool(Path("/proc", str(pid), "environ").read_bytes())
    except OSError:
        return False


def wait_until_gone(run_id: str, timeout_s: float) -> list[int]:
    """Wait for the run's processes to end by themselves; those that have not."""
    deadline = time.monotonic() + timeout_s
    while (left := find(run_id)) and time.monotonic() < deadline:
        time.sleep(SCAN_INTERVAL_S)
    return left


def kill(run_id: str, timeout_s: float = 5.0) -> list[int]:
    """Kill the run's processes until none is left, those too that are born meanwhile; whoever withstood.

    SIGKILL at once: what must not be lost is on disk before it is acknowledged, so gentleness would gain nothing.
    """
    deadline = time.monotonic() + timeout_s
    empty_scans = 0
    while True:
        left = find(run_id)
        empty_scans = 0 if left else empty_scans + 1
        # A process shows no environment for the moment in which it becomes another program: one look is not enough.
        if empty_scans == SCANS_TO_BELIEVE or time.monotonic() > deadline:
            return left
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(SCAN_INTERVAL_S)


def remove_temporary(directory: Path) -> None:
    """Remove the run's temporary directory; anything that doesn't look like one is left alone."""
    if directory.name.startswith(TEMPORARY_PREFIX):
        shutil.rmtree(directory, ignore_errors=True)
