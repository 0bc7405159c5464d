"""Where a consumer begins: with what comes from now on, with the first entry, or with those of a time."""

from collections.abc import Iterable
from typing import Literal

from ..journals.port import Journal

Begin = Literal["newest", "start"] | int
"""A number is an instant in milliseconds since the epoch."""


async def positions_at(journal: Journal, shards: Iterable[int], begin: Begin) -> dict[int, int]:
    """For each shard the position after which reading begins."""
    if begin == "start":
        return dict.fromkeys(shards, 0)
    newest = await journal.last_positions()
    if begin == "newest":
        return {shard: newest.get(shard, 0) for shard in shards}
    return {shard: await _position_before(journal, shard, begin, newest.get(shard, 0)) for shard in shards}


async def _position_before(journal: Journal, shard: int, instant: int, last: int) -> int:
    """The position after which all of the shard's entries are of that instant or later, found by halving.

    Entries lie in the order of their times, but for what clocks of several machines differ by.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        # The first entry behind the middle: positions have gaps.
        (*_, entry) = await journal.read(shard, middle, 1) or (None,)
        if entry is None or entry.at >= instant:
            high = middle
        else:
            low = entry.position
    return low
