"""Copies of a SQLite journal that is in use: all files as they were at one instant, whoever goes on writing them."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from .port import JournalMismatch, JournalUnavailable
from .sqlite_errors import EXPLANATIONS, in_journal_words
from .sqlite_file import connect, sync

PAGES_PER_STEP = 4_096
"""16 MiB between two reports of progress."""

LAST_POSITIONS = """
SELECT epochs.shard, max(ifnull(last, 0), ifnull(trimmed.position, 0)) FROM epochs
LEFT JOIN (SELECT shard, max(position) AS last FROM entries GROUP BY shard) AS found ON found.shard = epochs.shard
LEFT JOIN trimmed ON trimmed.shard = epochs.shard
"""

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is: pages to copy, files to check."""


@in_journal_words
def last_positions(directory: Path) -> dict[int, int]:
    """The last position of every shard in the directory, at one instant."""
    with ExitStack() as stack:
        sources = _at_one_instant(stack, directory)
        return {shard: position for source in sources.values() for shard, position in _query(source, LAST_POSITIONS)}


@in_journal_words
def copy_files(directory: Path, target: Path, progress: Progress) -> list[Path]:
    """Copy every file of the journal as it is at one instant into the new directory `target`; the files written."""
    if target.exists() and any(target.iterdir()):
        raise JournalMismatch(f"{target} is not empty: a copy never overwrites anything")
    target.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sources = _at_one_instant(stack, directory)
        sizes = {path: _query(source, "PRAGMA page_count")[0][0] for path, source in sources.items()}
        done, total = 0, sum(sizes.values())
        for path, source in sources.items():

            def report(_status: int, remaining: int, pages: int, done: int = done) -> None:
                progress(done + pages - remaining, total)

            with closing(sqlite3.connect(target / path.name)) as copy:
                # In a read transaction on its own connection a backup doesn't start anew when others commit.
                source.backup(copy, pages=PAGES_PER_STEP, progress=report)
            sync(target / path.name)
            done += sizes[path]
    sync(target)
    return [target / path.name for path in sources]


@in_journal_words
def check_files(directory: Path, progress: Progress) -> None:
    """Raise `JournalUnavailable` if a file of the journal is damaged."""
    files = sorted(directory.glob("*.sqlite"))
    for done, path in enumerate(files):
        progress(done, len(files))
        with closing(connect(path)) as connection:
            (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if finding != "ok":
            raise JournalUnavailable(f"journal {path}: {EXPLANATIONS[sqlite3.SQLITE_CORRUPT]} ({finding})")
    progress(len(files), len(files))


def _at_one_instant(stack: ExitStack, directory: Path) -> dict[Path, sqlite3.Connection]:
    """Connections to all files of the journal, each of which goes on seeing it as it is now."""
    with _nobody_commits(directory) as files:
        # A read transaction sees what it saw first: when all have begun, which takes a moment, others commit again.
        return {path: _reading(stack, path) for path in files}


@contextmanager
def _nobody_commits(directory: Path) -> Iterator[dict[Path, sqlite3.Connection]]:
    """Connections that hold the write lock of every file of the journal.

    The pinned shards' files are looked for when the others are locked: an entity that moves to a new one is recorded in
    an old one first.
    """
    files: dict[Path, sqlite3.Connection] = {}
    with ExitStack() as stack:
        for pattern in ("volume-*.sqlite", "shard-*.sqlite"):
            # In order, so that two who lock all of them don't wait for each other.
            for path in sorted(directory.glob(pattern)):
                files[path] = stack.enter_context(closing(connect(path)))
                files[path].execute("BEGIN IMMEDIATE")
                stack.callback(files[path].execute, "ROLLBACK")
        yield files


def _reading(stack: ExitStack, path: Path) -> sqlite3.Connection:
    connection = stack.enter_context(closing(connect(path)))
    connection.execute("BEGIN")
    # The transaction begins with the first look.
    connection.execute("SELECT count(*) FROM meta").fetchone()
    return connection


def _query(connection: sqlite3.Connection, statement: str) -> Sequence[tuple[int, ...]]:
    return connection.execute(statement).fetchall()
