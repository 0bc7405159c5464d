"""Directories of work under way, which are gone when it ends. What a killed process left is swept away by the next one
that works there: each is locked for as long as somebody works in it, and the kernel lets go of the locks of the dead.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp

TEMPORARY = "doorbuster-ml-"
"""Among other programs' temporary directories. Short: Ray's sockets lie below, and their paths have 107 bytes."""
DRAFT = ".draft-"
"""Beside what is made."""
LOCK = "lock"


@contextmanager
def workplace(parent: Path | None = None, prefix: str = TEMPORARY) -> Iterator[Path]:
    """A new directory in `parent`, by default among the temporary ones. It has the file `lock`, which is not to be
    touched: what is listed or handed on as a whole belongs below a name of its own."""
    place = parent or Path(gettempdir())
    sweep(place, prefix)
    directory = Path(mkdtemp(prefix=prefix, dir=place))
    try:
        with _locked(directory):
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def sweep(parent: Path, prefix: str) -> None:
    """Remove what processes that are no more left there."""
    for left in parent.glob(f"{prefix}*"):
        try:
            # Of others, or one's own by another's link: the temporary directory is everybody's.
            if left.is_symlink() or left.stat().st_uid != os.getuid():
                continue
            lock = os.open(left / LOCK, os.O_RDWR)
        except OSError:  # being made, or swept away by somebody else
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    made = directory / f".{LOCK}"
    lock = os.open(made, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under its name only now: nobody ever finds it there unlocked while its owner lives.
        made.rename(directory / LOCK)
        yield
    finally:
        os.close(lock)
