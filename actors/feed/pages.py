"""Reads each page of the journals once for all consumers of a process: those at the head want the same ones."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence

from ..journals.port import Entry, Journal, Stretch

PAGE = 500
"""Entries read at a time."""
PAGES_KEPT = 32
"""Consumers that lag by more read by themselves."""


class Pages:
    """Pages by the positions they begin after. What was recorded never changes, so a page that was read is right."""

    def __init__(self, journal: Journal, page: int = PAGE) -> None:
        self._journal = journal
        self._page = page
        self._kept: OrderedDict[tuple[tuple[int, int], ...], Stretch] = OrderedDict()

    async def read_on(self, after: Mapping[int, int]) -> Stretch:
        """What comes after these positions of the shards of one volume."""
        begin = tuple(sorted(after.items()))
        if (kept := self._kept.get(begin)) is not None:
            self._kept.move_to_end(begin)
            return kept
        read = await self._journal.read_on(after, self._page)
        if read.entries:
            self._kept[begin] = read
            if len(self._kept) > PAGES_KEPT:
                self._kept.popitem(last=False)
        return read


def by_volume(journal: Journal, positions: Mapping[int, int]) -> dict[int, dict[int, int]]:
    """The positions of the shards that are read together."""
    volumes: dict[int, dict[int, int]] = defaultdict(dict)
    for shard, position in positions.items():
        volumes[journal.volume_of(shard)][shard] = position
    return volumes


def by_shard(entries: Sequence[tuple[int, Entry]]) -> dict[int, list[Entry]]:
    """A page's entries, those of each shard in their order."""
    shards: dict[int, list[Entry]] = defaultdict(list)
    for shard, entry in entries:
        shards[shard].append(entry)
    return shards
