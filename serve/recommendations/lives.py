"""Which model a process was in when it ended: one that takes its process with it again and again is set aside.

Each process of models has a small file, locked while it lives, that says which models' code it is running now: nine
microseconds a call. If a file is unlocked and still names a model, that model has ended a process. An operator's stop,
or a kill of a process that waits for questions, is nobody's fault.
"""

import fcntl
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import msgspec

MOST_ENDS = 3
"""So many processes may end in one model within the window."""
WINDOW_MS = 10 * 60_000
SUFFIX = ".life"
ASIDE = "aside.json"

logger = logging.getLogger("doorbuster.models")


class _Life(msgspec.Struct, frozen=True, array_like=True):
    """Since when these models are being run."""

    at: int
    running: tuple[str, ...]


class Lives:
    """The lives of the processes that have one variant's models, in a directory that they share. A model is called by a
    name of its release: another release is another chance."""

    def __init__(self, directory: Path, now: Callable[[], int]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._now = now
        self._running: Counter[str] = Counter()
        self._change = Lock()
        path = directory / f"{os.getpid()}-{now()}{SUFFIX}"
        draft = path.with_suffix(".draft")
        self._file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Under its name only now: nobody ever finds it there unlocked while its process lives.
        draft.rename(path)

    @contextmanager
    def inside(self, model: str) -> Iterator[None]:
        """While the block runs, an end of the process is that model's."""
        self._note(model, 1)
        try:
            yield
        finally:
            self._note(model, -1)

    def is_aside(self, model: str) -> bool:
        """Whether it has ended so many processes that it shall end no more."""
        aside = self._aside()
        if model in aside:
            return True
        ends = [name for life in self._ended() for name in life.running]
        if ends.count(model) < MOST_ENDS:
            return False
        logger.error("%s ended %d processes: it is set aside until another release", model, MOST_ENDS)
        self._set_aside({*aside, model})
        return True

    def forget_others(self, models: Collection[str]) -> None:
        """Only these are released."""
        aside = self._aside()
        if not aside <= set(models):
            self._set_aside(aside.intersection(models))

    def _note(self, model: str, change: int) -> None:
        with self._change:
            self._running[model] += change
            running = tuple(name for name, count in self._running.items() if count)
            if not running:
                self._running.clear()
            # What an earlier note has left behind the line's end doesn't count: one call of the system is enough.
            os.pwrite(self._file, msgspec.json.encode(_Life(self._now(), running)) + b"\n", 0)

    def _ended(self) -> list[_Life]:
        """What processes were in that ended in the window; of older ones nothing is kept."""
        found = []
        for path in self._directory.glob(f"*{SUFFIX}"):
            life = _dead(path)
            if life is None:
                continue
            if life.running and life.at > self._now() - WINDOW_MS:
                found.append(life)
            else:
                path.unlink(missing_ok=True)
        return found

    def _aside(self) -> set[str]:
        try:
            return msgspec.json.decode((self._directory / ASIDE).read_bytes(), type=set[str])
        except (OSError, msgspec.DecodeError):
            return set()

    def _set_aside(self, models: set[str]) -> None:
        draft = self._directory / f".{os.getpid()}-{ASIDE}"
        draft.write_bytes(msgspec.json.encode(sorted(models)))
        os.replace(draft, self._directory / ASIDE)


def _dead(path: Path) -> _Life | None:
    """The last words of a process that is no more; None of one that lives."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:  # somebody else has just let go of it
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return msgspec.json.decode(os.read(file, 1 << 16).partition(b"\n")[0], type=_Life)
    except BlockingIOError:
        return None
    except msgspec.DecodeError:
        # It never ran a model.
        return _Life(0, ())
    finally:
        os.close(file)
