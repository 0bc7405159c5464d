"""States of entities as they were at the entries that pass: folded from the journal, never asked of who sells."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from engine.kernel import Event, Kind

from ..codec import codecs_of
from ..journals.port import Entry, Journal, Recorded
from ..moves import Arrived, Left

MOST_STATES = 10_000
"""States that are kept: those of the entities that changed last."""
HISTORY_PAGE = 1_000


class Folded:
    """An entity's state at a version, and the events of the entry that comes next."""

    def __init__(self, kind: Kind, state: Any, version: int) -> None:
        self.kind = kind
        self.state = state
        self.version = version
        self.events: Sequence[Event] = ()

    def apply(self, event: Event) -> None:
        """Change the state as the event tells; that the entity moved changes nothing."""
        if not isinstance(event, (Left, Arrived)):
            self.kind.apply(self.state, event)


class Fold:
    """Keeps the states of the entities that pass; one that isn't known is read from the journal, up to its entry."""

    def __init__(self, journal: Journal, kinds: Mapping[str, Kind], most: int = MOST_STATES) -> None:
        self._journal = journal
        self._kinds = kinds
        self._codecs = codecs_of(kinds)
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Folded] = OrderedDict()

    async def before(self, shard: int, entry: Entry) -> Folded | None:
        """The entity right before the entry, with its events to apply; None where the journal has no such state: it
        was trimmed, or came from another shard. Whoever has applied all of them says so by `keep`."""
        # Taken out: were it applied in part and left at that, nobody must take it for a state.
        folded = self._kept.pop((entry.kind, entry.key), None)
        if folded is None or folded.version != entry.version - 1:
            folded = await self._read(shard, entry)
        if folded is not None:
            folded.events = self._codecs[entry.kind].decode_events(entry.events)
        return folded

    def keep(self, folded: Folded, entry: Entry) -> None:
        """All of the entry's events were applied."""
        folded.version = entry.version
        folded.events = ()
        self._kept[entry.kind, entry.key] = folded
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def _read(self, shard: int, entry: Entry) -> Folded | None:
        kind, wanted = self._kinds[entry.kind], entry.version - 1
        if not wanted:
            return Folded(kind, kind.new(entry.key), 0)
        address = (entry.kind, entry.key)
        (recorded,) = await self._journal.load(shard, [address])
        if recorded.snapshot is not None and recorded.snapshot.version > wanted:
            # It went on since: only its history knows how it was then.
            recorded = await self._history(shard, entry)
        if recorded.snapshot is None:
            folded = Folded(kind, kind.new(entry.key), 0)
        else:
            state = self._codecs[entry.kind].decode_state(recorded.snapshot.state)
            folded = Folded(kind, state, recorded.snapshot.version)
        for each in recorded.entries:
            if each.version > wanted or each.version != folded.version + 1:
                break
            for event in self._codecs[entry.kind].decode_events(each.events):
                folded.apply(event)
            folded.version = each.version
        return folded if folded.version == wanted else None

    async def _history(self, shard: int, entry: Entry) -> Recorded:
        """All that is left of the entity before the entry."""
        (base,) = await self._journal.bases(shard, [(entry.kind, entry.key)])
        reached, entries = base.version if base is not None else 0, list[Entry]()
        while reached < entry.version - 1:
            limit = min(HISTORY_PAGE, entry.version - 1 - reached)
            page = await self._journal.history(shard, entry.kind, entry.key, after_version=reached, limit=limit)
            if not page:
                break
            entries += page
            reached = page[-1].version
        return Recorded(base, entries)
