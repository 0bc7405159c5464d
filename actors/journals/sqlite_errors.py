"""What SQLite and the file system raise, in the words of the journal's port, with what an operator can do about it."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from .port import JournalFull, JournalUnavailable

ROOM_TO_OPEN_BYTES = 65_536
"""A log's shared memory begins with half of that."""

EXPLANATIONS = {
    sqlite3.SQLITE_BUSY: "another process holds the write lock: it is stuck, or stopped in the middle of a commit",
    sqlite3.SQLITE_FULL: "the disk is full: free some space, nothing else needs repair",
    sqlite3.SQLITE_READONLY: "the file or its directory is read-only: make both writable for this user",
    sqlite3.SQLITE_PERM: "the file may not be accessed: make it readable and writable for this user",
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened: its directory must exist and be writable for this user",
    sqlite3.SQLITE_IOERR: "the disk reports an error, or was made read-only: look at the system log",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: keep a copy, then restore a backup or salvage with sqlite3 .recover",
    sqlite3.SQLITE_NOTADB: "this is not a journal, or its head is damaged: keep a copy and restore a backup",
}

P = ParamSpec("P")
R = TypeVar("R")


class Locked(JournalUnavailable):
    """Another process is committing; nothing was written. Whoever can wait tries again with more patience."""


# A transaction that finds no room is rolled back: its last page is never written, and without that one none counts.
ERRORS = {sqlite3.SQLITE_BUSY: Locked, sqlite3.SQLITE_FULL: JournalFull}


def in_journal_words(function: Callable[P, R]) -> Callable[P, R]:
    """Let what SQLite and the file system raise leave as errors of the port."""

    @wraps(function)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except sqlite3.Error as error:
            # The low byte says what failed, the rest where; errors of the Python module itself carry no code.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            reason = EXPLANATIONS.get(_cause(code, args), str(error))
            raise ERRORS.get(code, JournalUnavailable)(f"journal {_file_of(args)}: {reason} ({error})") from error
        except OSError as error:
            raise JournalUnavailable(f"journal {_file_of(args)}: {error.strerror} ({error.filename})") from error

    return translated


def _file_of(args: Sequence[object]) -> object:
    """The path that a function here works on: its first argument, or that of the volume whose method it is."""
    return getattr(args[0], "path", args[0])


def _cause(code: int, args: Sequence[object]) -> int:
    """A full or read-only disk by its name where SQLite calls it an error: it can't say why it has no shared memory."""
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and isinstance(path := _file_of(args), Path):
        with suppress(OSError):
            disk = os.statvfs(path.parent)
            if disk.f_flag & os.ST_RDONLY:
                return sqlite3.SQLITE_READONLY
            if disk.f_bavail * disk.f_frsize < ROOM_TO_OPEN_BYTES:
                return sqlite3.SQLITE_FULL
    return code
