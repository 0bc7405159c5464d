"""One file of the SQLite journal: its schema, its statements, and what its errors mean.

Everything here is synchronous and knows no event loop; `sqlite.py` decides which thread calls what.

    entities(shard, kind, key) -> id       the id is the position of the entity's first entry: ids grow with time, so
                                           the entries of recent entities share index pages, and a commit of 60 orders
                                           dirties one random page per *new* order instead of one per entry
    entries(position) by (entity, version); a shard is read by passing over the entries of its neighbours, because an
                                           index by shard would dirty a page per shard in every commit
    bases(entity): the state in the place of the entries that were trimmed; trimmed(shard), consumers(shard, name)
    snapshots(entity), listing(shard, kind, key), epochs(shard), checkpoints(shard), meta(name)
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, ParamSpec, TypeVar

from .port import (
    Batch,
    Entry,
    Fenced,
    JournalFull,
    JournalMismatch,
    JournalTooNew,
    JournalUnavailable,
    Recorded,
    Snapshot,
    StillNeeded,
    Stretch,
    Trims,
    VersionTaken,
)
from .sqlite_mark import Mark

FORMAT = 2
"""Kept as `user_version`; a file with a greater one is refused."""
FORMAT_UNTRIMMED = 1
"""Of a file in which nothing was ever trimmed: what doesn't know of trimming can read it as well."""
APPLICATION_ID = 0x44425354
"""Tells our files from anybody else's ("DBST")."""

PAGE_BYTES = 4_096
ROOM_TO_START_BYTES = 1 << 20
"""What a start writes at least: a disk with less than that is full."""
CACHE_KIB = 32_768
"""Of the writing connection: the upper levels of a ten-million-entry file and all pages that are hot."""
BUSY_AT_ONCE_MS = 1
"""How long a caller that must not wait waits for another process's commit: about the length of one."""
BUSY_PATIENT_MS = 5_000
IDS_REMEMBERED = 50_000
"""Entities whose id is kept in memory, in each of two generations: a miss costs one index probe."""
ROOM_TO_OPEN_BYTES = 65_536
"""A log's shared memory begins with half of that."""
WORST_CASE_AUTOCHECKPOINT_PAGES = 32_768
"""Moving the log into the file is done aside (`move_log`); this bounds the log (128 MiB) if that ever stops."""

SCHEMA = """
CREATE TABLE entities (
    shard INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (shard, kind, key)
) WITHOUT ROWID;
CREATE TABLE entries (
    position INTEGER PRIMARY KEY, shard INTEGER NOT NULL, entity INTEGER NOT NULL, kind TEXT NOT NULL,
    key TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, events BLOB NOT NULL
);
CREATE UNIQUE INDEX entries_by_entity ON entries (entity, version);
CREATE TABLE snapshots (entity INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE listing (
    shard INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (shard, kind, key)
) WITHOUT ROWID;
CREATE TABLE epochs (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE checkpoints (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

SCHEMA_OF_TRIMMING = """
CREATE TABLE IF NOT EXISTS bases (entity INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS trimmed (
    shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS consumers (
    shard INTEGER NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (shard, name)
) WITHOUT ROWID;
"""

# A position is never given out twice, whatever was trimmed.
LAST_POSITION = """
SELECT max(
    ifnull((SELECT max(position) FROM entries), 0), ifnull((SELECT max(entity) FROM snapshots), 0),
    ifnull((SELECT max(entity) FROM bases), 0), ifnull((SELECT max(position) FROM trimmed), 0)
)
"""
EPOCH = "SELECT epoch FROM epochs WHERE shard = ?"
ACQUIRE = "INSERT INTO epochs VALUES (?, 1) ON CONFLICT (shard) DO UPDATE SET epoch = epoch + 1"
ENTITY = "SELECT id FROM entities WHERE shard = ? AND kind = ? AND key = ?"
ADD_ENTITY = "INSERT INTO entities VALUES (?, ?, ?, ?)"
ADD_ENTRY = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_SNAPSHOT = """
INSERT INTO snapshots VALUES (?, ?, ?)
ON CONFLICT (entity) DO UPDATE SET version = excluded.version, state = excluded.state
WHERE excluded.version >= version
"""
ADD_LISTED = "INSERT OR IGNORE INTO listing VALUES (?, ?, ?)"
SET_CHECKPOINT = "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)"
SNAPSHOT = "SELECT version, state FROM snapshots WHERE entity = ?"
BASE = "SELECT version, state FROM bases WHERE entity = ?"
PASSED = "SELECT name, position FROM consumers WHERE shard = ?"
ADVANCE = """
INSERT INTO consumers VALUES (?, ?, ?)
ON CONFLICT (shard, name) DO UPDATE SET position = max(position, excluded.position)
"""
FORGET = "DELETE FROM consumers WHERE shard = ? AND name = ?"
SET_BASE = "INSERT OR REPLACE INTO bases VALUES (?, ?, ?)"
DROP_ENTRIES = "DELETE FROM entries WHERE entity = ? AND version <= ?"
DROP_SNAPSHOT = "DELETE FROM snapshots WHERE entity = ? AND version <= ?"
SET_TRIMMED = """
INSERT INTO trimmed VALUES (?, ?, 1)
ON CONFLICT (shard) DO UPDATE SET position = max(position, excluded.position), times = times + 1
"""
ENTRIES_OF_ENTITY = """
SELECT position, kind, key, version, at, events FROM entries
WHERE entity = ? AND version > ? ORDER BY version LIMIT ?
"""
ENTRIES_OF_SHARD = """
SELECT position, kind, key, version, at, events FROM entries
WHERE shard = ? AND position > ? ORDER BY position LIMIT ?
"""
ENTRIES_OF_ALL = """
SELECT shard, position, kind, key, version, at, events FROM entries WHERE position > ? ORDER BY position LIMIT ?
"""
KEYS = "SELECT key FROM listing WHERE shard = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?"
ENTITIES = "SELECT kind, key FROM entities WHERE shard = ? AND (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?"
NO_LIMIT = -1

NOTHING_RECORDED = Recorded(None, ())

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
EntityName = tuple[int, str, str]
"""Shard, kind and key: what names an entity within a file."""


class Locked(JournalUnavailable):
    """Another process is committing; nothing was written. Whoever can wait tries again with more patience."""


# A transaction that finds no room is rolled back: its last page is never written, and without that one none counts.
ERRORS = {sqlite3.SQLITE_BUSY: Locked, sqlite3.SQLITE_FULL: JournalFull}


class Layout(NamedTuple):
    """What is chosen when the data is created and never changes: it says which file holds a shard."""

    shards: int
    volumes: int


class Passed(NamedTuple):
    """A consumer needs no entry of the shard up to the position any more."""

    shard: int
    consumer: str
    position: int


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
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


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


class RememberedIds:
    """Ids of entities in two generations: when the young one is full, it becomes the old one and the old one goes."""

    def __init__(self, bound: int = IDS_REMEMBERED) -> None:
        self._bound = bound
        self._young: dict[EntityName, int] = {}
        self._old: dict[EntityName, int] = {}

    def get(self, name: EntityName) -> int | None:
        if (found := self._young.get(name)) is None and (found := self._old.get(name)) is not None:
            self.add(name, found)
        return found

    def add(self, name: EntityName, entity: int) -> None:
        if len(self._young) >= self._bound:
            self._old, self._young = self._young, {}
        self._young[name] = entity


class _Turn:
    """The rows of one append, gathered so that each table is written by one call."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.entities: dict[EntityName, int] = {}
        self.entries: list[tuple[int, int, int, str, str, int, int, bytes]] = []
        self.snapshots: list[tuple[int, int, bytes]] = []
        self.listed: list[EntityName] = []
        self.checkpoints: list[tuple[int, int, bytes]] = []


class Prepared(NamedTuple):
    """An append that is written and waits for its commit."""

    positions: list[int]
    turn: _Turn


class Volume:
    """One open file. An id that was committed never changes, so ids are remembered whoever else writes the file.

    Three connections: `writing` (one thread at a time), `reading` (for the event loop while another thread commits on
    `writing`), `aside` (for the thread that moves the log and reads in bulk).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commit_s = 0.0
        """How long the last commit took to sync."""
        self.pages_logged = 0
        """Estimate of the pages written to the log since it was last moved into the file."""
        self._ids = RememberedIds()
        self._open()

    @in_journal_words
    def _open(self) -> None:
        self.writing, self.reading, self.aside = (connect(self.path) for _ in range(3))
        self.writing.executescript(SCHEMA_OF_TRIMMING)
        self.writing.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        self.writing.execute(f"PRAGMA wal_autocheckpoint = {WORST_CASE_AUTOCHECKPOINT_PAGES}")
        self.wait_for_lock(BUSY_AT_ONCE_MS)
        self._mark = Mark(self.path)
        # First the mark: another process may be appending.
        reached, (found,) = self._mark.read(), self.writing.execute(LAST_POSITION).fetchone()
        if reached > found:
            self.close()
            raise JournalMismatch(
                f"journal {self.path}: acknowledged entries are missing: it ends at position {found}, but {reached} "
                f"was reached. Its log, {self.path.name}-wal, is damaged or was taken away: put it back, or restore a "
                f"backup. To go on without what is lost, remove {self._mark.path}"
            )

    def close(self) -> None:
        self._mark.close()
        for connection in (self.reading, self.aside, self.writing):
            connection.close()

    def wait_for_lock(self, busy_ms: int) -> None:
        """From now on a write waits up to `busy_ms` for another process's commit, then raises `Locked`."""
        self.writing.execute(f"PRAGMA busy_timeout = {busy_ms}")

    @in_journal_words
    def acquire(self, shard: int) -> int:
        self.writing.execute("BEGIN IMMEDIATE")
        try:
            self.writing.execute(ACQUIRE, (shard,))
            (epoch,) = self.writing.execute(EPOCH, (shard,)).fetchone()
        except BaseException:
            self._roll_back()
            raise
        self._commit()
        return int(epoch)

    @in_journal_words
    def prepare(self, batches: Sequence[Batch], passed: Sequence[Passed] = ()) -> "Prepared":
        """Begin a transaction and write the batches into it, and what consumers have passed by now; `commit` makes it
        durable. Raises `Locked`, `Fenced`."""
        execute = self.writing.execute
        execute("BEGIN IMMEDIATE")
        try:
            # Inside the transaction: no other process can acquire a shard between this check and the commit.
            for batch in batches:
                if execute(EPOCH, (batch.shard,)).fetchone() != (batch.epoch,):
                    raise Fenced(batch.shard, batch.epoch)
            turn = _Turn(execute(LAST_POSITION).fetchone()[0])
            positions = [self._gather(turn, batch) for batch in batches]
            self._insert(turn)
            if passed:
                self.writing.executemany(ADVANCE, passed)
        except sqlite3.IntegrityError:
            self._roll_back()
            raise self._version_taken(batches) from None
        except BaseException:
            self._roll_back()
            raise
        return Prepared(positions, turn)

    @in_journal_words
    def commit(self, prepared: "Prepared") -> list[int]:
        """Make the transaction durable; the position of each batch's last entry (0 without entries)."""
        self._commit()
        turn = prepared.turn
        self._mark.write(turn.position)
        # Each new entity and each snapshot lands on a page of its own; entries share theirs with their neighbours.
        self.pages_logged += 4 + len(turn.entities) + len(turn.snapshots) + len(turn.entries) // 8
        # Only what was committed is remembered.
        for name, entity in turn.entities.items():
            self._ids.add(name, entity)
        return prepared.positions

    def _commit(self) -> None:
        started = perf_counter()
        try:
            self.writing.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self.commit_s = perf_counter() - started

    def _roll_back(self) -> None:
        # After some errors SQLite has rolled back by itself.
        if self.writing.in_transaction:
            self.writing.execute("ROLLBACK")

    @in_journal_words
    def load(self, connection: sqlite3.Connection, shard: int, entities: Sequence[tuple[str, str]]) -> list[Recorded]:
        """What is recorded of each (kind, key)."""
        # One read transaction for all statements: without it each takes and drops the file's locks, at a probe's cost.
        connection.execute("BEGIN")
        try:
            return [self._recorded(connection, shard, kind, key) for kind, key in entities]
        finally:
            connection.execute("ROLLBACK")

    def _recorded(self, connection: sqlite3.Connection, shard: int, kind: str, key: str) -> Recorded:
        if (entity := self._find(connection, (shard, kind, key))) is None:
            return NOTHING_RECORDED
        # The snapshot first: entries that come in between are after it, so the two always fit together.
        row = connection.execute(SNAPSHOT, (entity,)).fetchone() or connection.execute(BASE, (entity,)).fetchone()
        snapshot = Snapshot(kind, key, *row) if row else None
        entries = connection.execute(ENTRIES_OF_ENTITY, (entity, row[0] if row else 0, NO_LIMIT))
        return Recorded(snapshot, _entries(entries))

    @in_journal_words
    def read(self, connection: sqlite3.Connection, shard: int, after: int, limit: int) -> list[Entry]:
        return _entries(connection.execute(ENTRIES_OF_SHARD, (shard, after, limit)))

    @in_journal_words
    def read_on(self, connection: sqlite3.Connection, after: Mapping[int, int], limit: int) -> Stretch:
        rows = connection.execute(ENTRIES_OF_ALL, (min(after.values()), limit)).fetchall()
        # One writer at a time gives positions out and commits them: what is missing below the last row never comes.
        last = rows[-1][1] if rows else 0
        entries = [(row[0], Entry(*row[1:])) for row in rows if row[1] > after.get(row[0], last)]
        return Stretch(entries, {shard: max(position, last) for shard, position in after.items()})

    @in_journal_words
    def last_entry(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT ifnull(max(position), 0) FROM entries").fetchone()[0])

    @in_journal_words
    def history(
        self, connection: sqlite3.Connection, shard: int, kind: str, key: str, after_version: int, limit: int
    ) -> list[Entry]:
        if (entity := self._find(connection, (shard, kind, key))) is None:
            return []
        return _entries(connection.execute(ENTRIES_OF_ENTITY, (entity, after_version, limit)))

    @in_journal_words
    def keys(self, connection: sqlite3.Connection, shard: int, kind: str, after: str, limit: int) -> list[str]:
        return [key for (key,) in connection.execute(KEYS, (shard, kind, after, limit))]

    @in_journal_words
    def checkpoint(self, connection: sqlite3.Connection, shard: int) -> tuple[int, bytes | None]:
        row = connection.execute("SELECT position, data FROM checkpoints WHERE shard = ?", (shard,)).fetchone()
        return row or (0, None)

    @in_journal_words
    def advance(self, passed: Sequence[Passed]) -> None:
        self.writing.execute("BEGIN IMMEDIATE")
        try:
            self.writing.executemany(ADVANCE, passed)
        except BaseException:
            self._roll_back()
            raise
        self._commit()

    @in_journal_words
    def forget(self, shard: int, consumer: str) -> None:
        self.writing.execute(FORGET, (shard, consumer))

    @in_journal_words
    def consumers(self, connection: sqlite3.Connection, shard: int) -> dict[str, int]:
        return dict(connection.execute(PASSED, (shard,)))

    @in_journal_words
    def trim(self, shard: int, upto: int, bases: Sequence[Snapshot]) -> None:
        execute = self.writing.execute
        execute("BEGIN IMMEDIATE")
        try:
            checkpoint, _ = self.checkpoint(self.writing, shard)
            for who, position in (("the checkpoint", checkpoint), *self.consumers(self.writing, shard).items()):
                if position < upto:
                    raise StillNeeded(shard, who, position)
            for base in bases:
                name = (shard, base.kind, base.key)
                if (entity := self._find(self.writing, name)) is None:
                    # In a copy, the state comes alone: as with a snapshot, its id is a position that stays empty.
                    entity = execute(LAST_POSITION).fetchone()[0] + 1
                    execute(ADD_ENTITY, (*name, entity))
                execute(DROP_ENTRIES, (entity, base.version))
                execute(DROP_SNAPSHOT, (entity, base.version))
                execute(SET_BASE, (entity, base.version, base.state))
            execute(SET_TRIMMED, (shard, upto))
            execute(f"PRAGMA user_version = {FORMAT}")
        except BaseException:
            self._roll_back()
            raise
        self._commit()
        # What is left of an entity is on pages all over the file.
        self.pages_logged += sum(4 + len(base.state) // PAGE_BYTES for base in bases)

    @in_journal_words
    def bases(
        self, connection: sqlite3.Connection, shard: int, entities: Sequence[tuple[str, str]]
    ) -> list[Snapshot | None]:
        found: list[Snapshot | None] = []
        for kind, key in entities:
            entity = self._find(connection, (shard, kind, key))
            row = connection.execute(BASE, (entity,)).fetchone()
            found.append(Snapshot(kind, key, *row) if row else None)
        return found

    @in_journal_words
    def trimmed(self, connection: sqlite3.Connection, shard: int) -> Trims:
        row = connection.execute("SELECT position, times FROM trimmed WHERE shard = ?", (shard,)).fetchone()
        return Trims(*row) if row else Trims()

    @in_journal_words
    def shards(self, connection: sqlite3.Connection) -> list[int]:
        return [shard for (shard,) in connection.execute("SELECT shard FROM epochs")]

    @in_journal_words
    def entities(
        self, connection: sqlite3.Connection, shard: int, after: tuple[str, str], limit: int
    ) -> list[tuple[str, str]]:
        return connection.execute(ENTITIES, (shard, *after, limit)).fetchall()

    @in_journal_words
    def move_log(self, connection: sqlite3.Connection) -> None:
        """Copy the log's pages into the file as far as readers allow, without keeping anybody from writing.

        When all are copied, the next commit starts the log anew; what was committed meanwhile waits for the next move.
        """
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _gather(self, turn: _Turn, batch: Batch) -> int:
        """Add the batch's rows to the turn; the position of its last entry."""
        shard, last = batch.shard, 0
        for entry in batch.entries:
            last = turn.position = turn.position + 1
            name = (shard, entry.kind, entry.key)
            # A first version is surely new: if it is not, the unique index says so.
            if (entity := self._id_in(turn, name, known_new=entry.version == 1)) is None:
                entity = turn.entities[name] = turn.position
            turn.entries.append((turn.position, shard, entity, *entry))
        for snapshot in batch.snapshots:
            name = (shard, snapshot.kind, snapshot.key)
            if (entity := self._id_in(turn, name)) is None:
                # The entity came from another shard with its state alone: its id is a position that stays empty.
                entity = turn.entities[name] = turn.position = turn.position + 1
            turn.snapshots.append((entity, snapshot.version, snapshot.state))
        turn.listed.extend((shard, kind, key) for kind, key in batch.listed)
        if batch.checkpoint is not None:
            turn.checkpoints.append((shard, turn.position, batch.checkpoint))
        return last

    def _id_in(self, turn: _Turn, name: EntityName, *, known_new: bool = False) -> int | None:
        if (entity := turn.entities.get(name)) is not None or known_new:
            return entity
        return self._find(self.writing, name)

    def _find(self, connection: sqlite3.Connection, name: EntityName) -> int | None:
        if (entity := self._ids.get(name)) is None and (row := connection.execute(ENTITY, name).fetchone()):
            entity = int(row[0])
            self._ids.add(name, entity)
        return entity

    def _insert(self, turn: _Turn) -> None:
        executemany = self.writing.executemany
        if turn.entities:
            executemany(ADD_ENTITY, ((*name, entity) for name, entity in turn.entities.items()))
        if turn.entries:
            executemany(ADD_ENTRY, turn.entries)
        if turn.snapshots:
            executemany(ADD_SNAPSHOT, turn.snapshots)
        if turn.listed:
            executemany(ADD_LISTED, turn.listed)
        if turn.checkpoints:
            executemany(SET_CHECKPOINT, turn.checkpoints)

    def _version_taken(self, batches: Iterable[Batch]) -> VersionTaken:
        """Which entry was recorded before, either in the file or earlier in the same call."""
        seen: set[tuple[int, str, str, int]] = set()
        for batch in batches:
            for entry in batch.entries:
                before = self.history(self.writing, batch.shard, entry.kind, entry.key, entry.version - 1, 1)
                name = (batch.shard, entry.kind, entry.key, entry.version)
                if name in seen or (before and before[0].version == entry.version):
                    return VersionTaken(entry.kind, entry.key, entry.version)
                if before == [] and entry.version == 1 and self._find(self.writing, name[:3]) is not None:
                    # The first versions were trimmed.
                    return VersionTaken(entry.kind, entry.key, entry.version)
                seen.add(name)
        raise AssertionError("only a repeated version breaks a unique index")


def _entries(rows: Iterable[tuple[int, str, str, int, int, bytes]]) -> list[Entry]:
    return [Entry(*row) for row in rows]
