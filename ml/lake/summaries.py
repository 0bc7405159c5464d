"""What a question adds up of each large file, kept beside it: files never change, so it is right while they count.

A report over years reads what it added up of them before, and only what is new itself. Nothing here is the only place
of anything: a summary that isn't there is made again, and one whose file counts no more is taken away.
"""

import hashlib
import logging
import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from .manifest import LakeFile
from .parquet import sync
from .reading import rows_of

if TYPE_CHECKING:
    import duckdb

DIRECTORY = "summaries"
FEWEST_ROWS = 50_000
"""Files with fewer are read as they are: they are merged soon."""
MOST_KINDS = 12
"""Kinds of summaries that are kept: those that were asked for last."""
LEFT_ALONE_S = 900.0
"""A kind that was asked for within this time is kept in any case: somebody may be reading it."""


logger = logging.getLogger("doorbuster.lake")


class Partial(NamedTuple):
    """SQL that adds up the rows of `part`, some files' rows of the table. Whoever reads it adds up its results.

    Its columns are whole numbers, texts and instants: sums are cast to BIGINT.
    """

    sql: str
    ever: bool = False
    """Whether it is of all rows, in the question's period or not."""
    table: str = "sales"


class Period(NamedTuple):
    """Rows that happened from `since` on and before `until` (ms)."""

    since: int
    until: int

    def has(self, file: LakeFile) -> bool:
        """Whether all rows of the file are in it."""
        return self.since <= file.first_at and file.last_at < self.until

    def touches(self, file: LakeFile) -> bool:
        """Whether rows of the file may be in it."""
        return self.since <= file.last_at and file.first_at < self.until

    @property
    def condition(self) -> str:
        return " AND ".join(
            f"happened_at {sign} make_timestamptz({instant * 1_000}::BIGINT)"
            for sign, instant in ((">=", self.since), ("<", self.until))
        )


def create_view(
    connection: "duckdb.DuckDBPyConnection",
    lake: Path,
    name: str,
    partial: Partial,
    files: Sequence[LakeFile],
    period: Period,
) -> None:
    """A view of what the partial adds up of these files in the period, in parts that whoever reads it adds up.

    Files are summarized on the way where they are large, all in the period, and weren't before.
    """
    large = [file for file in files if file.rows >= FEWEST_ROWS and (partial.ever or period.has(file))]
    kind = lake / DIRECTORY / hashlib.sha256(partial.sql.encode()).hexdigest()[:16]
    summaries = [path for file in large if (path := _summary(connection, lake, kind, partial, file)) is not None]
    made = {path.stem for path in summaries}
    rest = [file for file in files if Path(file.path).stem not in made and (partial.ever or period.touches(file))]
    wanted = "" if partial.ever else f" WHERE {period.condition}"
    part = f"SELECT * FROM ({rows_of(lake, partial.table, rest)}){wanted}"  # noqa: S608
    selects = [_added(partial, part)]
    if summaries:
        with suppress(OSError):
            # It was asked for just now.
            os.utime(kind)
        listed = ", ".join(map(_quoted, summaries))
        selects.append(f"SELECT * FROM read_parquet([{listed}])")  # noqa: S608
    connection.execute(f"CREATE VIEW {name} AS {' UNION ALL BY NAME '.join(selects)}")


def _added(partial: Partial, part: str) -> str:
    return f"SELECT * FROM (WITH part AS ({part}) {partial.sql})"  # noqa: S608


def _summary(
    connection: "duckdb.DuckDBPyConnection", lake: Path, kind: Path, partial: Partial, file: LakeFile
) -> Path | None:
    """The file's summary, made if need be; None where it can't be written."""
    import duckdb

    target = kind / Path(file.path).name
    if target.exists():
        return target
    begun = kind / f"{uuid4().hex}.begun"
    try:
        kind.mkdir(parents=True, exist_ok=True)
        added = _added(partial, rows_of(lake, partial.table, [file]))
        connection.execute(f"COPY ({added}) TO {_quoted(begun)} (FORMAT parquet, COMPRESSION zstd)")
        sync(begun)
        begun.replace(target)
    except (OSError, duckdb.IOException) as error:
        logger.warning("What was added up can't be kept in %s: %s", kind, error)
        with suppress(OSError):
            begun.unlink(missing_ok=True)
        return None
    return target


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def sweep(lake: Path, counting: Collection[str]) -> None:
    """Take away what was added up of files that aren't among these any more, and kinds that nobody asks for."""
    stems = {Path(path).stem for path in counting}
    kinds = [kind for kind in (lake / DIRECTORY).glob("*/") if kind.is_dir()]
    kinds.sort(key=lambda kind: kind.stat().st_mtime, reverse=True)
    for number, kind in enumerate(kinds):
        rests = time.time() - kind.stat().st_mtime > LEFT_ALONE_S
        for path in kind.iterdir():
            begun = path.suffix == ".begun"
            if (begun and rests) or (not begun and path.stem not in stems) or (number >= MOST_KINDS and rests):
                path.unlink(missing_ok=True)
        if number >= MOST_KINDS and rests and not any(kind.iterdir()):
            kind.rmdir()
