"""What is folded of entities up to the entry that is read next: in memory, beside the positions, or from the journal.

Entries pass in the order of each shard, so most entities are at hand. One that isn't is folded anew from what the
journal has up to that version: its state may have gone on since, and rows must not know the future.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from actors.codec import KindCodec, codecs_of
from actors.envelope import Address
from actors.journals.port import Entry, Journal
from actors.moves import Arrived, Left
from engine.kernel import Event

from .facts.stories import STORIES, Story
from .manifest import Folded

MOST_KEPT = 20_000
"""Entities in memory: most are done with soon after they began."""
MOST_KEPT_BESIDE = 500_000
"""Entities in memory that are small, and kept beside the positions."""
HISTORY_PAGE = 1_000
RUNTIME_MARK = b"runtime."
"""How the entry types begin that tell of an entity's moves, and nothing of itself."""


class Fold:
    """One entity: what was folded, and the version up to which."""

    __slots__ = ("changed", "state", "version")

    def __init__(self, state: Any, version: int) -> None:
        self.state = state
        self.version = version
        self.changed = False
        """Not kept beside the positions yet."""


class Folds:
    """Of every kind that the lake reads. `kept(kind, key)` is what was kept beside the positions."""

    def __init__(self, journal: Journal, kept: Callable[[str, str], Folded | None]) -> None:
        self._journal = journal
        self._kept = kept
        self._codecs: dict[str, KindCodec] = codecs_of({name: story.kind for name, story in STORIES.items()})
        self._decoders: dict[str, Any] = {
            name: msgspec.msgpack.Decoder(story.folded) for name, story in STORIES.items() if story.folded is not None
        }
        self._large: OrderedDict[Address, Fold] = OrderedDict()
        self._small: OrderedDict[Address, Fold] = OrderedDict()

    def events_of(self, entry: Entry) -> list[Event]:
        """What the entry records, without what the runtime says of its own."""
        events = self._codecs[entry.kind].decode_events(entry.events)
        if RUNTIME_MARK in entry.events:
            return [event for event in events if not isinstance(event, Left | Arrived)]
        return events

    def at_hand(self, entry: Entry) -> Fold | None:
        """The entity as it was before the entry, if that is known without reading."""
        address = (entry.kind, entry.key)
        folds = self._of(entry.kind)
        fold = folds.get(address)
        if fold is not None and fold.version == entry.version - 1:
            folds.move_to_end(address)
            return fold
        if entry.version == 1 or STORIES[entry.kind].alone:
            return self._keep(address, Fold(STORIES[entry.kind].new(entry.key), entry.version - 1))
        return None

    async def before(self, shard: int, entry: Entry) -> Fold:
        """The entity as it was before the entry."""
        if (fold := self.at_hand(entry) or self._kept_at(entry)) is not None:
            return fold
        address = (entry.kind, entry.key)
        return self._keep(address, await self._load(shard, entry.kind, entry.key, entry.version - 1))

    async def prefetch(self, shard: int, entries: Iterable[Entry]) -> None:
        """Fold what these will need, with one question to the journal."""
        wanted: dict[Address, int] = {}
        seen: set[Address] = set()
        for entry in entries:
            address = (entry.kind, entry.key)
            if address in seen:
                continue
            # Those that follow find it at hand.
            seen.add(address)
            if entry.version > 1 and not STORIES[entry.kind].alone:
                fold = self._of(entry.kind).get(address)
                if (fold is None or fold.version != entry.version - 1) and self._kept_at(entry) is None:
                    wanted[address] = entry.version - 1
        if len(wanted) < 2:
            return
        found = await self._journal.load(shard, list(wanted))
        for (address, version), recorded in zip(wanted.items(), found, strict=True):
            if recorded.snapshot is None and (fold := self._folded(address, 0, None, recorded.entries, version)):
                self._keep(address, fold)

    def passed(self, entry: Entry) -> None:
        """The entry changes nothing that is folded."""
        fold = self._of(entry.kind).get((entry.kind, entry.key))
        if fold is not None and fold.version == entry.version - 1:
            fold.version = entry.version
            fold.changed = True

    def drop(self, entry: Entry) -> None:
        """What is in memory of the entity may be half of what it should be."""
        self._of(entry.kind).pop((entry.kind, entry.key), None)

    def changed(self) -> Iterator[Folded]:
        """What is to be kept beside the positions; from then on it counts as kept."""
        for (kind, key), fold in self._small.items():
            if fold.changed:
                fold.changed = False
                yield Folded(kind, key, fold.version, msgspec.msgpack.encode(fold.state))

    def forget_kept(self) -> None:
        """What counted as kept wasn't: it is to be kept again."""
        for fold in self._small.values():
            fold.changed = True

    def _of(self, kind: str) -> OrderedDict[Address, Fold]:
        return self._small if STORIES[kind].folded is not None else self._large

    def _keep(self, address: Address, fold: Fold) -> Fold:
        folds = self._of(address[0])
        folds[address] = fold
        folds.move_to_end(address)
        if len(self._large) > MOST_KEPT:
            self._large.popitem(last=False)
        if len(self._small) > MOST_KEPT_BESIDE and not next(iter(self._small.values())).changed:
            self._small.popitem(last=False)
        return fold

    def _kept_at(self, entry: Entry) -> Fold | None:
        """What was kept beside the positions, if it is of just before the entry."""
        decoder = self._decoders.get(entry.kind)
        kept = self._kept(entry.kind, entry.key) if decoder is not None else None
        if decoder is None or kept is None or kept.version != entry.version - 1:
            return None
        return self._keep((entry.kind, entry.key), Fold(decoder.decode(kept.state), kept.version))

    async def _load(self, shard: int, kind: str, key: str, version: int) -> Fold:
        address, story, codec = (kind, key), STORIES[kind], self._codecs[kind]
        decoder = self._decoders.get(kind)
        kept = self._kept(kind, key) if decoder is not None else None
        if decoder is not None and kept is not None and kept.version <= version:
            begun: Any = decoder.decode(kept.state)
            since = await self._history(shard, address, kept.version)
            if fold := self._folded(address, kept.version, begun, since, version):
                return fold
        recorded = (await self._journal.load(shard, [address]))[0]
        snapshot = recorded.snapshot
        if snapshot is not None and snapshot.version <= version:
            begun = story.of(codec.decode_state(snapshot.state))
            if fold := self._folded(address, snapshot.version, begun, recorded.entries, version):
                return fold
        base = (await self._journal.bases(shard, [address]))[0]
        first, begun = 0, None
        if base is not None and base.version <= version:
            first, begun = base.version, story.of(codec.decode_state(base.state))
        entries = await self._history(shard, address, first)
        if fold := self._folded(address, first, begun, entries, version):
            return fold
        return await self._from_everywhere(address, first, begun, version)

    async def _from_everywhere(self, address: Address, first: int, begun: Any, version: int) -> Fold:
        """Of an entity that lived in several shards, in the order of its versions."""
        found: list[Entry] = []
        for shard in await self._journal.shards():
            found += await self._history(shard, address, first)
        found.sort(key=attrgetter("version"))
        story = STORIES[address[0]]
        state = story.new(address[1]) if begun is None else begun
        for entry in found:
            if entry.version <= version:
                self._apply(story, state, entry)
        # Where entries are gone and nothing stands in their place, what is left has to do.
        return Fold(state, version)

    async def _history(self, shard: int, address: Address, after: int) -> Sequence[Entry]:
        found: list[Entry] = []
        while page := await self._journal.history(shard, *address, after_version=after, limit=HISTORY_PAGE):
            found += page
            after = page[-1].version
        return found

    def _folded(self, address: Address, first: int, begun: Any, entries: Sequence[Entry], version: int) -> Fold | None:
        """Fold the entries after `first` up to the version; None where one is missing."""
        story = STORIES[address[0]]
        state, reached = story.new(address[1]) if begun is None else begun, first
        for entry in entries:
            if reached == version:
                break
            if entry.version != reached + 1:
                return None
            self._apply(story, state, entry)
            reached = entry.version
        return Fold(state, version) if reached == version else None

    def _apply(self, story: Story, state: Any, entry: Entry) -> None:
        if story.marks and not any(mark in entry.events for mark in story.marks):
            return
        for event in self.events_of(entry):
            story.apply(state, event)
