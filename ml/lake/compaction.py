"""Small files become large ones: which of a table's files to merge next, and the merging.

A flush writes small files, many an hour. Those of one folder and about one size are merged when there are some of them,
so a row is rewritten only as often as its file's size grows eightfold; those of days and months that are over go into
one folder each. No file gets larger than is read at once with little memory.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from . import parquet
from .manifest import LakeFile

FEWEST = 8
"""Files of one folder and size that are merged."""
GROWTH = 8
SMALLEST_ROWS = 2_000
"""Files with fewer rows are of one size."""
LARGEST_ROWS = 500_000
"""No merge makes more: some 150 MB of memory while it runs. Files with more than half of it are left alone."""
SETTLED_MS = 2 * parquet.HOUR_MS
"""So long after its end a day's hours are merged, and a month's days: what comes late has mostly come."""


def plan(files: Sequence[LakeFile], now_ms: int) -> Sequence[LakeFile]:
    """Files of one table to merge into one; none where all is well."""
    small = [file for file in files if file.rows <= LARGEST_ROWS // 2]
    groups: dict[tuple[str, int], list[LakeFile]] = defaultdict(list)
    for file in small:
        groups[folder(file), _size(file)].append(file)
    for group in groups.values():
        if len(group) >= FEWEST:
            return _bounded(group)
    for named in (parquet.day_of, parquet.month_of):
        over: dict[str, list[LakeFile]] = defaultdict(list)
        for file in small:
            name = named(file.first_at)
            if name == named(file.last_at) and name < named(now_ms - SETTLED_MS):
                over[name].append(file)
        for group in over.values():
            # Of one folder already: then they wait until there are some of one size.
            if len(group) > 1 and len({folder(file) for file in group}) > 1:
                return _bounded(group)
    return ()


def folder(file: LakeFile) -> str:
    """Where the file is, without its name."""
    return file.path.rpartition("/")[0]


def _size(file: LakeFile) -> int:
    size, rows = 0, SMALLEST_ROWS
    while file.rows > rows:
        size, rows = size + 1, rows * GROWTH
    return size


def _bounded(group: Sequence[LakeFile]) -> Sequence[LakeFile]:
    """As many of them, from the smallest on, as make one file; two at least fit."""
    chosen: list[LakeFile] = []
    rows = 0
    for file in sorted(group, key=lambda file: file.rows):
        if rows + file.rows > LARGEST_ROWS:
            break
        chosen.append(file)
        rows += file.rows
    return chosen


def merge(lake: Path, files: Sequence[LakeFile]) -> LakeFile:
    """One file with the rows of these, by their instants. It doesn't count yet."""
    table = parquet.read(lake, files).sort_by("happened_at")
    first_at, last_at = min(file.first_at for file in files), max(file.last_at for file in files)
    return parquet.write(lake, files[0].table, table, first_at, last_at)
