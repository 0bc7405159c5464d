"""What has to go: what visitors did and were shown after a while, and whatever names an account that was erased.

Files are never changed: one that has such rows is written anew without them and takes its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import parquet
from .manifest import LakeFile
from .tables import PERSONAL

if TYPE_CHECKING:
    import pyarrow as pa

AGING = ("behaviour", "impressions")
"""The tables whose rows are kept for a while only."""
SLACK_MS = parquet.DAY_MS
"""So much older than allowed are rows at most: a file is rewritten once a day, not all the time."""


def too_old(files: Iterable[LakeFile], before_ms: int) -> Sequence[LakeFile]:
    """Files with rows that must go."""
    aging = (file for file in files if file.table in AGING)
    return [file for file in aging if file.last_at < before_ms or file.first_at < before_ms - SLACK_MS]


def younger(lake: Path, file: LakeFile, before_ms: int) -> LakeFile | None:
    """The file without what is older; None where nothing is left."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = parquet.read(lake, [file])
    limit = pa.scalar(before_ms, pa.int64()).cast(pa.timestamp("ms", tz="UTC"))
    return written(lake, file, table.filter(pc.greater_equal(table.column("happened_at"), limit)))


def names_any(lake: Path, file: LakeFile, customers: Sequence[str]) -> bool:
    """Whether the file says something of these accounts."""
    import pyarrow.parquet as pq

    columns = [column for column in _identities(file.table) if column]
    table = pq.ParquetFile(lake / file.path).read(columns=columns)
    return bool(_of_any(table, columns, customers).true_count)


def anonymous(lake: Path, file: LakeFile, customers: Sequence[str]) -> LakeFile | None:
    """The file without these accounts: of what they did and saw the rows go, elsewhere what is personal is emptied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = parquet.read(lake, [file])
    named = _of_any(table, _identities(file.table), customers)
    if file.table not in PERSONAL:
        return written(lake, file, table.filter(pc.invert(named)))
    for column in PERSONAL[file.table]:
        emptied = pc.if_else(named, pa.scalar(""), table.column(column).combine_chunks())
        table = table.set_column(table.column_names.index(column), table.schema.field(column), emptied)
    return written(lake, file, table)


_IDENTITIES: Mapping[str, Sequence[str]] = {"behaviour": ("customer", "visitor"), "impressions": ("visitor",)}


def _identities(table: str) -> Sequence[str]:
    """The columns that hold accounts' ids."""
    return _IDENTITIES.get(table, ("customer",))


def _of_any(table: "pa.Table", columns: Sequence[str], customers: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(customers, pa.string())
    named = pa.array([False] * table.num_rows, pa.bool_())
    for column in columns:
        named = pc.or_(named, pc.is_in(table.column(column).combine_chunks(), value_set=wanted))
    return named


def written(lake: Path, file: LakeFile, table: "pa.Table") -> LakeFile | None:
    """A file of these rows in the place of that one; None where there are none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not table.num_rows:
        return None
    instants = table.column("happened_at").cast(pa.int64())
    return parquet.write(lake, file.table, table, pc.min(instants).as_py(), pc.max(instants).as_py())
