"""Visitors who want to be forgotten: what they did, and what they were shown, goes out of the lake, up to the entry
that says so.

Their `forget` rows are the list of what is to be done: a file with such a row is written anew after all others, so that
a crash in between leaves it there. Then they are gone, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import parquet, retention
from .facts.behaviour import FORGET
from .manifest import LakeFile

if TYPE_CHECKING:
    import pyarrow as pa

_READ = ("action", "visitor", "shard", "position", "happened_at")
_READ_SHOWN = ("visitor", "happened_at")

Forgettings = Mapping[tuple[str, int], int]
"""By visitor and shard, the position up to which nothing shall be known. A visitor's entries are in one shard, in the
order in which they were recorded."""

Told = Mapping[tuple[str, int], tuple[int, int]]
"""The same with the instant at which they wanted it."""


class Forgetting:
    """Looks at each file once: files never change."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._looked_at: set[str] = set()
        self._lately: dict[str, int] = {}
        """By visitor, when those of the time before wanted it: what they were shown may have been on its way yet."""

    def once(
        self, files: Sequence[LakeFile], shown: Sequence[LakeFile] = ()
    ) -> Iterator[tuple[LakeFile, LakeFile | None]]:
        """Files of behaviour and of what was shown that must go, each with what takes its place, in the order in
        which they have to.

        Whatever is yielded must have been replaced before the next is asked for.
        """
        told = {file.path: found for file in files if (found := self._told(file))}
        wanted: dict[tuple[str, int], int] = {}
        until: dict[str, int] = {}
        for found in told.values():
            for visitor, (position, at) in found.items():
                wanted[visitor] = max(position, wanted.get(visitor, 0))
                until[visitor[0]] = max(at, until.get(visitor[0], 0))
        # What was shown is in other shards than what was done: there, time says what came before.
        if of_shown := {**self._lately, **until}:
            for file in shown:
                if (left := self._without_shown(file, of_shown)) is not None:
                    yield file, left[0]
        if wanted:
            for file in sorted(files, key=lambda each: each.path in told):
                if (left := self._without(file, wanted)) is not None:
                    yield file, left[0]
        # Only now: had it ended before, the same files would have to be looked at again.
        self._looked_at = {file.path for file in files}
        self._lately = until

    def _told(self, file: LakeFile) -> Told:
        """The forgettings in a file."""
        if file.path in self._looked_at:
            return {}
        import pyarrow.compute as pc

        table = _with_milliseconds(self._columns(file, _READ))
        rows = table.filter(pc.equal(table.column("action"), FORGET)).to_pylist()
        return {
            (row["visitor"], row["shard"]): (row["position"], row["happened_at"])
            for row in sorted(rows, key=lambda row: row["position"])
        }

    def _columns(self, file: LakeFile, columns: Sequence[str]) -> "pa.Table":
        import pyarrow.parquet as pq

        return pq.ParquetFile(self._lake / file.path).read(columns=list(columns))

    def _without_shown(self, file: LakeFile, until: Mapping[str, int]) -> tuple[LakeFile | None] | None:
        """As `_without`, by when each visitor wanted to be forgotten."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = _with_milliseconds(self._columns(file, _READ_SHOWN))
        place = pc.index_in(columns.column("visitor"), value_set=pa.array(list(until), pa.string()))
        limit = pa.array(list(until.values()), pa.int64()).take(place.combine_chunks())
        doomed = pc.fill_null(pc.less_equal(columns.column("happened_at").combine_chunks(), limit), False)
        if not doomed.true_count:
            return None
        table = parquet.read(self._lake, [file])
        return (retention.written(self._lake, file, table.filter(pc.invert(doomed))),)

    def _without(self, file: LakeFile, wanted: Forgettings) -> tuple[LakeFile | None] | None:
        """The file without what is to be forgotten (None: nothing is left of it); nothing where there is nothing."""
        import pyarrow.compute as pc

        doomed = _doomed(self._columns(file, _READ), wanted)
        if not doomed.true_count:
            return None
        table = parquet.read(self._lake, [file])
        return (retention.written(self._lake, file, table.filter(pc.invert(doomed))),)


def _with_milliseconds(table: "pa.Table") -> "pa.Table":
    """The table with its instants as numbers."""
    import pyarrow as pa

    place = table.column_names.index("happened_at")
    return table.set_column(place, "happened_at", table.column("happened_at").cast(pa.int64()))


def _doomed(table: "pa.Table", wanted: Forgettings) -> Any:
    """Which rows are some visitor's, up to that visitor's position."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shards: Collection[int] = {shard for _, shard in wanted}
    doomed = pa.array([False] * table.num_rows, pa.bool_())
    visitors, positions = table.column("visitor").combine_chunks(), table.column("position").combine_chunks()
    for shard in shards:
        upto = {visitor: position for (visitor, of), position in wanted.items() if of == shard}
        place = pc.index_in(visitors, value_set=pa.array(list(upto), pa.string()))
        limit = pa.array(list(upto.values()), pa.int64()).take(place)
        in_shard = pc.equal(table.column("shard").combine_chunks(), shard)
        doomed = pc.or_(doomed, pc.fill_null(pc.and_(in_shard, pc.less_equal(positions, limit)), False))
    return doomed
