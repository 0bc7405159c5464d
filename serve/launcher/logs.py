"""The logs of a run: beside Ray's sockets while it runs, in the data directory afterwards, until the next run."""

import contextlib
import shutil
from pathlib import Path


def written_by(temporary: Path) -> Path:
    """Where Ray and Serve write during the run of this temporary directory."""
    return temporary / "r" / "session_latest" / "logs"


def link(temporary: Path, logs: Path) -> None:
    """While the shop runs, `logs` leads to where they are written; those of the run before are dropped."""
    _forget(logs)
    logs.symlink_to(written_by(temporary))


def keep(temporary: Path, logs: Path) -> None:
    """The temporary directory is about to go: move what was written to `logs`, unless that was done already.

    As much as there is room for: that a disk is full must not keep the rest of a stop from happening.
    """
    written = written_by(temporary)
    with contextlib.suppress(OSError):
        if logs.is_symlink() and written.exists():
            _forget(logs)
            shutil.copytree(written, logs, ignore_dangling_symlinks=True)


def first_complaint(logs: Path) -> str | None:
    """What the first replica that failed said: Serve itself only tells that one did."""
    for file in sorted(logs.glob("serve/replica_*.log"), key=lambda log: log.stat().st_mtime):
        for line in file.read_text(errors="replace").splitlines():
            severity, _, complaint = line.partition(" -- ")
            if severity.startswith("ERROR") and complaint:
                return complaint
    return None


def _forget(logs: Path) -> None:
    if logs.is_symlink():
        logs.unlink()
    else:
        shutil.rmtree(logs, ignore_errors=True)
