"""Rows to Parquet files: how they are laid out, so that a question about a time reads little else."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from .manifest import LakeFile
from .tables import NAMES, TABLES, Row, is_instant, schema_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PARTS = 4
"""Files that one flush makes of one table at most: history that spans months goes into coarser folders instead."""
ROW_GROUP = 122_880
"""Rows that are read, or passed over, together: what DuckDB gives to one thread."""
COMPRESSION = "zstd"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def hour_of(at: int) -> str:
    return _moment(at).strftime("date=%Y-%m-%d/hour=%H")


def day_of(at: int) -> str:
    return _moment(at).strftime("date=%Y-%m-%d")


def month_of(at: int) -> str:
    return _moment(at).strftime("month=%Y-%m")


def everything(_at: int) -> str:
    return "all"


FOLDERS: tuple[tuple[Callable[[int], str], int], ...] = (
    (hour_of, HOUR_MS),
    (day_of, DAY_MS),
    (month_of, 0),
    (everything, 0),
)
"""From fine to coarse, each with the span that it is the same for (0: months differ)."""


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1_000, UTC)


def parts_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by folder: by hour where they are of few hours, else by day, month, or together."""
    for folder, span in FOLDERS:
        parts: dict[str, list[Row]] = defaultdict(list)
        names: dict[int, str] = {}
        for row in rows:
            slot = row.at // (span or DAY_MS)
            name = names.get(slot)
            if name is None:
                name = names[slot] = folder(row.at)
            parts[name].append(row)
        if len(parts) <= MOST_PARTS:
            return parts
    raise AssertionError("everything is one folder")


def folder_of(first_at: int, last_at: int) -> str:
    """The finest folder that has both instants."""
    return next(folder(first_at) for folder, _ in FOLDERS if folder(first_at) == folder(last_at))


def to_table(row_type: type[Row], rows: Iterable[Row]) -> "pa.Table":
    """The rows as columns, by their instants."""
    import pyarrow as pa

    schema = schema_of(row_type)
    ordered = sorted(rows, key=lambda row: row.at)
    columns: list[Sequence[Any]] = list(zip(*map(msgspec.structs.astuple, ordered), strict=True))
    if not columns:
        return schema.empty_table()
    arrays = []
    for field, column in zip(schema, columns, strict=True):
        if is_instant(field.name):
            column = [value or None for value in column]
            arrays.append(pa.array(column, pa.int64()).cast(field.type))
        else:
            arrays.append(pa.array(column, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def write(lake: Path, table_name: str, table: "pa.Table", first_at: int, last_at: int) -> LakeFile:
    """Write one file that doesn't count yet, durably."""
    import pyarrow.parquet as pq

    path = f"{table_name}/{folder_of(first_at, last_at)}/{uuid4().hex}.parquet"
    target = lake / path
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target, compression=COMPRESSION, row_group_size=ROW_GROUP)
    sync(target)
    sync(target.parent)
    size = target.stat().st_size
    return LakeFile(table_name, path, table.num_rows, size, table.num_columns, first_at, last_at)


def write_rows(lake: Path, row_type: type[Row], rows: Sequence[Row]) -> Iterable[LakeFile]:
    """Write the rows into as many files as they have folders."""
    for part in parts_of(rows).values():
        instants = [row.at for row in part]
        yield write(lake, NAMES[row_type], to_table(row_type, part), min(instants), max(instants))


def read(lake: Path, files: Sequence[LakeFile]) -> "pa.Table":
    """The rows of files of one table, in today's columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(TABLES[files[0].table])
    found = [_in_todays_columns(pq.ParquetFile(lake / file.path).read(), schema) for file in files]
    return pa.concat_tables(found)


def _in_todays_columns(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    """Older files lack the newest columns: they read as if they had them, empty."""
    import pyarrow as pa

    if table.schema.equals(schema):
        return table
    empty: dict[Any, Any] = {pa.string(): "", pa.bool_(): False, pa.float64(): 0.0}
    columns = []
    for field in schema:
        if field.name in table.column_names:
            columns.append(table.column(field.name).cast(field.type))
        elif is_instant(field.name):
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            columns.append(pa.array([empty.get(field.type, 0)] * table.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def sync(path: Path) -> None:
    """Have the file, or what a directory says of its files, on stable storage."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
