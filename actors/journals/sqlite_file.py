"""One file of the SQLite journal, before anything is read or written: made, recognized, and connected to."""

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .port import JournalMismatch, JournalTooNew, JournalUnavailable
from .sqlite_errors import EXPLANATIONS, in_journal_words
from .sqlite_statements import SCHEMA

FORMAT = 2
"""Kept as `user_version`; a file with a greater one is refused."""
FORMAT_UNTRIMMED = 1
"""Of a file in which nothing was ever trimmed: what doesn't know of trimming can read it as well."""
APPLICATION_ID = 0x44425354
"""Tells our files from anybody else's ("DBST")."""

PAGE_BYTES = 4_096
ROOM_TO_START_BYTES = 1 << 20
"""What a start writes at least: a disk with less than that is full."""
BUSY_PATIENT_MS = 5_000
"""How long a connection waits for another process's commit."""


class Layout(NamedTuple):
    """What is chosen when the data is created and never changes: it says which file holds a shard."""

    shards: int
    volumes: int


@in_journal_words
def ensure_writable(directory: Path) -> None:
    """Raise `JournalUnavailable` where a file of the journal in `directory` can't be written, or there is no room."""
    for path in (*sorted(directory.glob("*.sqlite")), directory):
        if not os.access(path, os.W_OK):
            raise JournalUnavailable(f"journal {path}: {EXPLANATIONS[sqlite3.SQLITE_READONLY]}")
    _ensure_room(directory)


def _ensure_room(directory: Path) -> None:
    """Files may have a little room inside, so that opening them says nothing of a disk that is full."""
    probe = directory / f"room.{os.getpid()}.new"
    try:
        with probe.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_TO_START_BYTES)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise JournalUnavailable(f"journal {directory}: {EXPLANATIONS[sqlite3.SQLITE_FULL]}") from error
    finally:
        probe.unlink(missing_ok=True)


@in_journal_words
def create(path: Path, layout: Layout) -> None:
    """Create the file if it does not exist, complete or not at all, also when several processes do so at once."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", layout._asdict().items())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_UNTRIMMED}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    with suppress(FileExistsError):  # Another process was first: its file is as good.
        os.link(unfinished, path)
    unfinished.unlink()
    sync(path.parent)


@in_journal_words
def layout_of(path: Path) -> Layout:
    """The layout that the file was created with."""
    connection = connect(path)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise JournalUnavailable(
                f"journal {path}: this is not a Doorbuster journal; is the directory the right one?"
            )
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > FORMAT:
            raise JournalTooNew(found, FORMAT, f"journal {path}")
        if found < FORMAT_UNTRIMMED:
            raise JournalMismatch(
                f"journal {path} is of format {found}, this version of Doorbuster knows {FORMAT}: its head is damaged, "
                "or an older version wrote it; restore a backup, or copy it with that version"
            )
        return Layout(**dict(connection.execute("SELECT name, value FROM meta").fetchall()))
    finally:
        connection.close()


def sync(path: Path) -> None:
    """Have the file, or what a directory says of its files, on stable storage."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a file that exists. Its commits are synced; it waits for those of others."""
    # mode=rw: a file that vanished is an error, never silently a new and empty one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_PATIENT_MS / 1_000,
        check_same_thread=False,
        cached_statements=64,
    )
    # FULL syncs the log in every commit; NORMAL would do so at checkpoints only and lose acknowledged entries.
    connection.execute("PRAGMA synchronous = FULL")
    return connection
