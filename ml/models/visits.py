"""An index of past visits: for each item the latest visits that had it, and where in them.

Shared by models that look for visits like the running one. Plain arrays, so that a machine has one copy in memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..interactions import Rows

PLACE_BITS = 6
LONGEST_VISIT = 1 << PLACE_BITS
"""Items of a past visit that are kept, the latest ones: who looks at more is no shopper."""
CONTEXT_BITS = 5
LONGEST_CONTEXT = 1 << CONTEXT_BITS
"""Different items of the running visit that may count."""


class Visits(NamedTuple):
    """Visit v has `items[starts[v]:starts[v + 1]]`; item i was in `visit[of[i]:of[i + 1]]`, at `place` of each."""

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    of: NDArray[np.int64]
    visit: NDArray[np.int32]
    place: NDArray[np.int8]
    visits_with: NDArray[np.int32]
    """In how many visits each item is, whether they are kept or not."""

    @property
    def catalogue(self) -> int:
        return len(self.of) - 1

    def __len__(self) -> int:
        return len(self.starts) - 1

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._asdict()


def visits_of(arrays: Mapping[str, NDArray[Any]]) -> Visits:
    return Visits(**{name: arrays[name] for name in Visits._fields})


class Matches(NamedTuple):
    """Where the running visit's items are in past ones, sorted by visit."""

    visit: NDArray[np.int64]
    which: NDArray[np.int64]
    """Of the items that were asked for."""
    place: NDArray[np.int64]


def indexed(rows: Rows, catalogue: int, visits_per_item: int) -> Visits:
    """The index of visits of at least two items, at most so many for each item; an item's last place in a visit."""
    lengths = np.diff(rows.starts)
    kept_lengths = np.where(lengths >= 2, np.minimum(lengths, LONGEST_VISIT), 0)
    kept = np.arange(len(rows.items)) >= np.repeat(rows.starts[1:] - kept_lengths, lengths)
    items = rows.items[kept]
    lengths = kept_lengths[kept_lengths > 0]
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    visit = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((visit, items))
    last = np.append((np.diff(items[order]) != 0) | (np.diff(visit[order]) != 0), True) if len(order) else order
    order = order[np.flatnonzero(last)]
    visits_with = np.bincount(items[order], minlength=catalogue)
    from_the_end = np.repeat(np.cumsum(visits_with), visits_with) - np.arange(len(order))
    order = order[from_the_end <= visits_per_item]
    return Visits(
        starts,
        items,
        np.concatenate(([0], np.cumsum(np.bincount(items[order], minlength=catalogue)))).astype(np.int64),
        visit[order].astype(np.int32),
        (order - starts[visit[order]]).astype(np.int8),
        visits_with.astype(np.int32),
    )


def matches(index: Visits, items: Sequence[int]) -> Matches:
    """All indexed places of these items (each given once), sorted by visit, and then as they were given."""
    slices = [slice(index.of[item], index.of[item + 1]) for item in items]
    found = [index.visit[part] for part in slices]
    # One integer each: sorting those is several times quicker than sorting places by visits.
    keys = np.concatenate(found, dtype=np.int64)
    keys <<= CONTEXT_BITS + PLACE_BITS
    which = np.repeat(np.arange(len(items)) << PLACE_BITS, [len(part) for part in found])
    keys += which
    keys += np.concatenate([index.place[part] for part in slices])
    if len(items) > 1:
        keys.sort()
    places = keys & (LONGEST_VISIT - 1)
    keys >>= PLACE_BITS
    return Matches(keys >> CONTEXT_BITS, keys & (LONGEST_CONTEXT - 1), places)


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All indices from each start on, and of which range each is."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    of = np.repeat(np.arange(len(starts)), lengths)
    return np.arange(total) + (starts - ends + lengths)[of], of
