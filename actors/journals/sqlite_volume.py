"""One file of the SQLite journal, open: what is written in one commit, and what is read back.

Everything here is synchronous and knows no event loop; `sqlite.py` decides which thread calls what.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from .port import (
    Batch,
    Entry,
    Fenced,
    JournalMismatch,
    Recorded,
    Snapshot,
    StillNeeded,
    Stretch,
    Trims,
    VersionTaken,
)
from .sqlite_errors import in_journal_words
from .sqlite_file import FORMAT, PAGE_BYTES, connect
from .sqlite_mark import Mark
from .sqlite_statements import (
    ACQUIRE,
    ADD_ENTITY,
    ADD_ENTRY,
    ADD_LISTED,
    ADD_SNAPSHOT,
    ADVANCE,
    BASE,
    DROP_ENTRIES,
    DROP_SNAPSHOT,
    ENTITIES,
    ENTITY,
    ENTRIES_OF_ALL,
    ENTRIES_OF_ENTITY,
    ENTRIES_OF_SHARD,
    EPOCH,
    FORGET,
    KEYS,
    LAST_POSITION,
    PASSED,
    SCHEMA_OF_TRIMMING,
    SET_BASE,
    SET_CHECKPOINT,
    SET_TRIMMED,
    SNAPSHOT,
)

CACHE_KIB = 32_768
"""Of the writing connection: the upper levels of a ten-million-entry file and all pages that are hot."""
BUSY_AT_ONCE_MS = 1
"""How long a caller that must not wait waits for another process's commit: about the length of one."""
IDS_REMEMBERED = 50_000
"""Entities whose id is kept in memory, in each of two generations: a miss costs one index probe."""
WORST_CASE_AUTOCHECKPOINT_PAGES = 32_768
"""Moving the log into the file is done aside (`move_log`); this bounds the log (128 MiB) if that ever stops."""
NO_LIMIT = -1

NOTHING_RECORDED = Recorded(None, ())

EntityName = tuple[int, str, str]
"""Shard, kind and key: what names an entity within a file."""


class Passed(NamedTuple):
    """A consumer needs no entry of the shard up to the position any more."""

    shard: int
    consumer: str
    position: int


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
    def prepare(self, batches: Sequence[Batch], passed: Sequence[Passed] = ()) -> Prepared:
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
    def commit(self, prepared: Prepared) -> list[int]:
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
