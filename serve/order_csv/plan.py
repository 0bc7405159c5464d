"""The plan of one import, on disk: every line with what it is, and the orders, returns and credits that come of them.

Memory stays small however long the file is, and an import that was killed goes on with what was not sent. The plan is
made from the file alone, so it can be thrown away and made again at any time.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from .mapping import Use
from .reading import Row
from .rules import REFUSED, Outcome

ROWS_AT_ONCE = 10_000
CACHE_KIB = 32_768
"""Of the database's pages in memory."""

SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE line (
    number INTEGER PRIMARY KEY, document TEXT, is_return INTEGER, at INTEGER, sku TEXT, title TEXT, quantity INTEGER,
    price INTEGER, negative_price INTEGER, use TEXT, customer TEXT, email TEXT, country TEXT, digest INTEGER,
    outcome TEXT, detail TEXT
);
CREATE TABLE document (
    id INTEGER PRIMARY KEY, name TEXT, is_return INTEGER, at INTEGER, customer TEXT, email TEXT, country TEXT,
    shipping INTEGER
);
CREATE TABLE order_line (
    document INTEGER, line INTEGER, customer TEXT, at INTEGER, sku TEXT, title TEXT, quantity INTEGER, price INTEGER,
    left INTEGER, PRIMARY KEY (document, line)
) WITHOUT ROWID;
CREATE TABLE returned (
    document INTEGER, sold INTEGER, line INTEGER, quantity INTEGER, amount INTEGER, number INTEGER
);
CREATE TABLE credited (
    document INTEGER, kind TEXT, sku TEXT, title TEXT, quantity INTEGER, amount INTEGER, number INTEGER
);
CREATE TABLE task (
    id INTEGER PRIMARY KEY, kind TEXT, document INTEGER, sold INTEGER, lines INTEGER, status TEXT DEFAULT ''
);
"""

INDEX = "CREATE INDEX line_of_document ON line (document, is_return, number)"

_DOCUMENTS = """
INSERT INTO document (name, is_return, at)
SELECT document, is_return, min(at) FROM line WHERE outcome = '' GROUP BY document, is_return
ORDER BY min(at), min(number)
"""

_INSERT_LINE = f"INSERT INTO line VALUES ({', '.join('?' * 16)})"  # noqa: S608


class Document(NamedTuple):
    """An invoice or a return, with the earliest of its dates."""

    id: int
    name: str
    is_return: bool
    at: int


class Task(NamedTuple):
    """Something to send: an order, what came back of one order, or a credit."""

    id: int
    kind: str
    document: int
    sold: int
    """Of a return, the document of its order; else 0."""
    lines: int


class Plan:
    """The plan in a file. Only one thread uses it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.db = sqlite3.connect(file, isolation_level=None)
        # What a power cut may take is made again; what a kill may take, SQLite keeps.
        self.db.executescript(
            f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            "PRAGMA temp_store = FILE;"
        )

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def remove(self) -> None:
        """Everything is done: the file isn't needed any more."""
        self.close()
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.file}{ending}").unlink(missing_ok=True)

    @property
    def is_made(self) -> bool:
        """Whether it is whole; one that was cut off while it was made is made anew."""
        found = self.db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'fact'").fetchone()[0]
        return bool(found) and self.fact("made") == "yes"

    # -- making it

    def begin(self) -> None:
        """Start from nothing."""
        for (name,) in self.db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            self.db.execute(f"DROP TABLE {name}")
        self.db.executescript(SCHEMA)

    def stage(self, rows: Iterable[Row]) -> None:
        """Take in the lines."""
        remaining = iter(rows)
        while group := [_values(row) for row in islice(remaining, ROWS_AT_ONCE)]:
            self.write(_INSERT_LINE, group)
        self.db.execute(INDEX)
        self.db.execute(_DOCUMENTS)

    def open_rows(self) -> int:
        """How many lines nobody has said anything of yet."""
        found: int = self.db.execute("SELECT count(*) FROM line WHERE outcome = ''").fetchone()[0]
        return found

    def documents(self, *, returns: bool, after: int, limit: int) -> list[Document]:
        """The next invoices, or returns, by their dates."""
        found = self.db.execute(
            "SELECT id, name, is_return, at FROM document WHERE is_return = ? AND id > ? ORDER BY id LIMIT ?",
            (int(returns), after, limit),
        )
        return [Document(document_id, name, bool(is_return), at) for document_id, name, is_return, at in found]

    def rows_of(self, document: Document) -> list[Row]:
        """The document's lines as they stand in the file."""
        found = self.db.execute(
            "SELECT number, at, sku, title, quantity, price, negative_price, use, customer, email, country, digest"
            " FROM line WHERE document = ? AND is_return = ? AND outcome = '' ORDER BY number",
            (document.name, int(document.is_return)),
        )
        return [
            Row(
                *(number, "", document.name, document.is_return, at, sku, title, quantity, price),
                *(bool(negative), Use(use), customer, email, country, digest),
            )
            for number, at, sku, title, quantity, price, negative, use, customer, email, country, digest in found
        ]

    def write(self, statement: str, rows: Iterable[Any]) -> None:
        """Many rows in one transaction; within one, as part of it."""
        if self.db.in_transaction:
            self.db.executemany(statement, rows)
            return
        with self.transaction():
            self.db.executemany(statement, rows)

    def transaction(self) -> "Transaction":
        """All or nothing of what is written within."""
        return Transaction(self.db)

    # -- using it

    def fact(self, name: str) -> str:
        """What was noted under that name."""
        found = self.db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def note(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def open_tasks(self, kind: str, *, after: int, limit: int) -> list[Task]:
        """The next tasks that were not answered yet, in the order of their dates."""
        found = self.db.execute(
            "SELECT id, kind, document, sold, lines FROM task WHERE kind = ? AND status = '' AND id > ?"
            " ORDER BY id LIMIT ?",
            (kind, after, limit),
        )
        return [Task(*values) for values in found]

    def open_lines(self) -> int:
        """How many lines they have together."""
        found: int | None = self.db.execute("SELECT sum(lines) FROM task WHERE status = ''").fetchone()[0]
        return found or 0

    def settle(self, task: Task, status: str, error: str) -> None:
        """The shop has answered."""
        self.db.execute("UPDATE task SET status = ? WHERE id = ?", (status, task.id))
        if status != "error":
            return
        numbers = {
            "order": "SELECT number FROM line JOIN document ON document.name = line.document"
            " AND document.is_return = line.is_return"
            " WHERE document.id = :document AND outcome IN ('sold', 'shipping')",
            "return": "SELECT number FROM returned WHERE document = :document AND sold = :sold",
            "credit": "SELECT number FROM credited WHERE document = :document",
        }[task.kind]
        self.db.execute(
            f"UPDATE line SET outcome = :outcome, detail = :error WHERE number IN ({numbers})",  # noqa: S608
            {"outcome": Outcome.REFUSED_BY_SHOP, "error": error, "document": task.document, "sold": task.sold},
        )

    # -- what came of it

    def counts(self) -> Mapping[Outcome, int]:
        """Lines by what became of them."""
        found = self.db.execute("SELECT outcome, count(*) FROM line GROUP BY outcome")
        return {Outcome(outcome): count for outcome, count in found}

    def tasks(self) -> Mapping[tuple[str, str], int]:
        """How many there are by kind and by what the shop answered."""
        found = self.db.execute("SELECT kind, status, count(*) FROM task GROUP BY kind, status")
        return {(kind, status): count for kind, status, count in found}

    def refused(self) -> Iterator[tuple[int, Outcome, str]]:
        """Numbers of refused lines, with the reason and what more is to be said, in the order of the file."""
        marks = ", ".join("?" * len(REFUSED))
        wanted = f"SELECT number, outcome, detail FROM line WHERE outcome IN ({marks}) ORDER BY number"  # noqa: S608
        for number, outcome, detail in self.db.cursor().execute(wanted, tuple(REFUSED)):
            yield number, Outcome(outcome), detail


class Transaction:
    """All of the statements within, or none."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(self, failed: object, *_: object) -> None:
        self._db.execute("ROLLBACK" if failed else "COMMIT")


def _values(row: Row) -> tuple[Any, ...]:
    outcome = Outcome.UNREADABLE.value if row.unreadable else ""
    return (
        *(row.number, row.order, int(row.is_return), row.at, row.sku, row.title, row.quantity, row.price),
        *(int(row.negative_price), row.use.value, row.customer, row.email, row.country, row.digest),
        *(outcome, row.unreadable),
    )
