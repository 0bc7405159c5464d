"""The lake's manifest: which files count, how far each shard was read, and what was folded up to there.

One small SQLite file, and one transaction for whatever belongs together: files and the positions that they reach come
into force at once or not at all, so every entry is in the lake exactly once, whatever is killed when. Files that
aren't named here don't count; those that were replaced are kept for a while for whoever is still reading them.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "manifest.sqlite"
FORMAT = 1
BUSY_S = 10.0
"""How long a reader's or writer's transaction waits for the other's: each is a few milliseconds."""

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (
    id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, path TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    columns INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, gone_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE positions (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE folded (
    kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE erased (customer TEXT PRIMARY KEY, done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""


class LakeError(Exception):
    """Base of the lake's errors.

    |-- LakeInUse  retryable later: another process writes this lake
    |-- LakeAhead  terminal: it was filled from another journal, or from what a restored backup doesn't have
    |-- LakeMoved  terminal for the writer: the lake isn't as it left it; whoever opens it anew goes on from there
    `-- LakeTooNew terminal: a newer version of this program made it
    """


class LakeInUse(LakeError):
    """Another process writes, or has taken over."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)

    def __str__(self) -> str:
        return f"another process writes the lake {self.args[0]}"


class LakeAhead(LakeError):
    """The lake has entries that the journal doesn't have."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)

    def __str__(self) -> str:
        return (
            f"the lake {self.args[0]} has more than the journal, which is another one or was restored: "
            "move the lake away, and it is built anew"
        )


class LakeMoved(LakeError):
    """The lake has other positions than its writer knows of: nothing was written."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)

    def __str__(self) -> str:
        return f"the lake {self.args[0]} isn't as its writer left it: start the writer anew"


class LakeTooNew(LakeError):
    """The lake was made by a newer version."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(found, known)

    def __str__(self) -> str:
        return (
            f"the lake was made by a newer version of Doorbuster (format {self.args[0]}, this one knows {self.args[1]})"
        )


class LakeFile(NamedTuple):
    """A file that counts. `path` is relative to the lake; `first_at` and `last_at` bound its rows (ms)."""

    table: str
    path: str
    rows: int
    bytes: int
    columns: int
    first_at: int
    last_at: int


class Folded(NamedTuple):
    """What was folded of an entity up to a version."""

    kind: str
    key: str
    version: int
    state: bytes


class Manifest:
    """The manifest of one lake. One thread at a time uses it."""

    def __init__(self, directory: Path, *, create: bool) -> None:
        path = directory / FILE_NAME
        self.directory = directory
        # Not in WAL mode: readers may come from other machines, over storage that can't share its index.
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'ro'}"
        self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        if create:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._prepare()
        else:
            self._check(self._value("format"))

    def _prepare(self) -> None:
        with self._transaction():
            known = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
            if known is None:
                for statement in SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
        self._check(self._value("format"))

    def _check(self, found: object) -> None:
        if not isinstance(found, int) or found > FORMAT:
            raise LakeTooNew(found if isinstance(found, int) else 0, FORMAT)

    def _value(self, name: str) -> object:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        self._connection.execute(f"BEGIN {kind}")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()

    # -- the writer

    def take_over(self, token: str) -> None:
        """From now on only this writer's changes are accepted."""
        with self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('writer', ?)", (token,))

    def commit(
        self,
        token: str,
        added: Sequence[LakeFile],
        positions: Mapping[int, int],
        folded: Iterable[Folded] = (),
        erased: Iterable[str] = (),
        *,
        before: Mapping[int, int] | None = None,
    ) -> None:
        """These files count from now on, and their rows reach up to these positions.

        Raises `LakeMoved` where the lake has others than `before`: a commit whose answer was lost is never done twice.
        """
        with self._writing(token):
            if before is not None and self.positions() != before:
                raise LakeMoved(str(self.directory))
            self._add(added)
            self._connection.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            self._connection.executemany("INSERT OR REPLACE INTO folded VALUES (?, ?, ?, ?)", folded)
            self._connection.executemany("INSERT OR IGNORE INTO erased (customer) VALUES (?)", [(c,) for c in erased])

    def replace(self, token: str, gone: Sequence[LakeFile], added: Sequence[LakeFile], now_ms: int) -> None:
        """The added files count in the place of those that are gone."""
        with self._writing(token):
            marks = [(now_ms, file.path) for file in gone]
            self._connection.executemany("UPDATE files SET gone_at = ? WHERE path = ? AND gone_at = 0", marks)
            self._add(added)

    def _add(self, files: Sequence[LakeFile]) -> None:
        self._connection.executemany(
            "INSERT INTO files (tbl, path, rows, bytes, columns, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)", files
        )

    @contextmanager
    def _writing(self, token: str) -> Iterator[None]:
        with self._transaction():
            if self._value("writer") != token:
                raise LakeInUse(str(self.directory))
            yield

    def drop_gone(self, token: str, before_ms: int) -> Sequence[str]:
        """Forget files that were replaced before that; their paths."""
        with self._writing(token):
            found = self._connection.execute(
                "SELECT path FROM files WHERE gone_at > 0 AND gone_at < ?", (before_ms,)
            ).fetchall()
            self._connection.execute("DELETE FROM files WHERE gone_at > 0 AND gone_at < ?", (before_ms,))
        return [path for (path,) in found]

    def settle_erased(self, token: str, customers: Iterable[str]) -> None:
        """Nothing of these accounts is in any file that counts."""
        with self._writing(token):
            self._connection.executemany("UPDATE erased SET done = 1 WHERE customer = ?", [(c,) for c in customers])

    # -- everybody

    def positions(self) -> Mapping[int, int]:
        """Up to which position of each shard everything is in the files."""
        return dict(self._connection.execute("SELECT shard, position FROM positions"))

    def files(self, table: str | None = None) -> Sequence[LakeFile]:
        """The files that count at this instant, oldest rows first."""
        columns = "tbl, path, rows, bytes, columns, first_at, last_at"
        wanted = "" if table is None else "AND tbl = ?"
        rows = self._connection.execute(
            f"SELECT {columns} FROM files WHERE gone_at = 0 {wanted} ORDER BY tbl, first_at, id",  # noqa: S608
            () if table is None else (table,),
        )
        return [LakeFile(*row) for row in rows]

    def instant(self) -> tuple[Sequence[LakeFile], Mapping[int, int]]:
        """The files that count, and the positions that they reach, at one instant."""
        with self._transaction("DEFERRED"):
            return self.files(), self.positions()

    def all_paths(self) -> frozenset[str]:
        """Of every file that counts or may still be read."""
        return frozenset(path for (path,) in self._connection.execute("SELECT path FROM files"))

    def folded(self, kind: str, key: str) -> Folded | None:
        """What is kept of the entity."""
        row = self._connection.execute(
            "SELECT kind, key, version, state FROM folded WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return Folded(*row) if row else None

    def erased(self, *, pending: bool = False) -> Sequence[str]:
        """Accounts that were erased; with `pending`, those that files may still name."""
        wanted = "WHERE done = 0" if pending else ""
        return [each for (each,) in self._connection.execute(f"SELECT customer FROM erased {wanted}")]  # noqa: S608
