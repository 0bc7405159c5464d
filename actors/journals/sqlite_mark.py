"""How far a journal file had come when it was last acknowledged, kept beside it: SQLite drops the end of a damaged log
without a word, and this tells that there was more."""

import os
from contextlib import suppress
from pathlib import Path

POSITION_BYTES = 8


class Mark:
    """The highest position that was committed, in a file of its own that is written after each commit.

    It is never synced: a crash of the process loses nothing of it, one of the machine the last seconds. So it may tell
    less than there was, and never more. Where it can't be written, nothing is guarded, and nothing else fails.
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_suffix(".position")
        self._descriptor: int | None = None
        with suppress(OSError):
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> int:
        """The position, 0 where none was ever written."""
        if self._descriptor is None:
            return 0
        return int.from_bytes(os.pread(self._descriptor, POSITION_BYTES, 0), "little")

    def write(self, position: int) -> None:
        """Of processes that share the file the last one wins: its position was committed, too."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, position.to_bytes(POSITION_BYTES, "little"), 0)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
