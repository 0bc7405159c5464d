"""Makes a journal smaller: in the place of an entity's old entries it keeps the state that they make.

Everything that an owner answers from is in that state: settled answers, reservations, ids of retries. What goes is the
history before it. Entries stay that are young, that a consumer or the next owner has yet to read, that belong to a
process which isn't finished, or whose entity has moved to another shard.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, MutableMapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from engine.kernel import Instant, Kind

from ..codec import KindCodec, codecs_of
from ..envelope import Address
from ..moves import Arrived, Left
from .port import Entry, Journal, Snapshot

WINDOW = 2_000
"""Entries folded at a time. A stock of which all are is one state in their place: Redis stands still for 8 ms."""
STATES_PER_TRIM = 100
SMALL_STATE = 4_096
"""Bytes that are not worth waiting for."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Trimmed(NamedTuple):
    """What became of the entries that were looked at."""

    removed: int
    kept: int
    """Old enough, but of entities that are not finished or live elsewhere."""


class _Folded:
    """An entity's state after the entries seen so far."""

    def __init__(self, state: Any, version: int) -> None:
        self.state = state
        self.version = version
        self.seen = version
        self.entries = 0
        self.bytes = 0
        self.at_home = True

    @property
    def complete(self) -> bool:
        """Whether the state is what the entries seen so far make: a snapshot it began with may be ahead of them."""
        return self.state is not None and self.version == self.seen


async def trim_journal(
    journal: Journal,
    kinds: Mapping[str, Kind],
    before: Instant,
    progress: Progress,
    only: Container[Address] | None = None,
    *,
    reached: MutableMapping[int, int] | None = None,
    rest_s: float = 0.0,
) -> Trimmed:
    """Trim every shard's entries of the time before an instant, or `only` those of some entities; the shop may sell
    meanwhile.

    With `reached`, it goes on where it was told by the run before that all is done, and says there how far it came; of
    what had to stay then it finds nothing any more. With `rest_s`, it leaves the journal to others after each exchange.

    It may end at any moment: each entity's entries are exchanged for its state at once or not at all, and the next run
    goes on with what is left.
    """
    cut = await journal.last_positions()
    total, done = sum(cut.values()), 0
    removed = kept = 0
    for shard, end in sorted(cut.items()):
        begin = reached.get(shard, 0) if reached is not None else 0
        trim = _ShardTrim(journal, kinds, shard, before, only, begin, rest_s)
        async for position in trim.run():
            progress("trimming", done + position, total)
        if reached is not None:
            reached[shard] = trim.position
        done += end
        progress("trimming", done, total)
        removed, kept = removed + trim.removed, kept + trim.kept
    return Trimmed(removed, kept)


class _ShardTrim:
    """One shard, from its first entry that is left to the last that may go."""

    def __init__(
        self,
        journal: Journal,
        kinds: Mapping[str, Kind],
        shard: int,
        before: Instant,
        only: Container[Address] | None,
        begin: int,
        rest_s: float,
    ) -> None:
        self._journal = journal
        self._kinds = kinds
        self._codecs: Mapping[str, KindCodec] = codecs_of(kinds)
        self._shard = shard
        self._before = before
        self._only = only
        self.position = begin
        self._rest_s = rest_s
        # Not finished at the end of a window: their next entries are folded on top.
        self._folded: dict[Address, _Folded] = {}
        self.removed = 0

    @property
    def kept(self) -> int:
        """Entries seen that had to stay."""
        return sum(folded.entries for folded in self._folded.values())

    async def run(self) -> AsyncIterator[int]:
        """Trim; yields how far it got."""
        bound = await self._bound()
        while page := await self._journal.read(self._shard, self.position, WINDOW):
            # Up to the first that is too young: a clock that was set back makes none behind it old.
            old = list(takewhile(lambda entry: entry.position <= bound and entry.at < self._before, page))
            if old:
                await self._fold(old)
                self.position = old[-1].position
                await self._exchange(self.position, final=False)
                yield self.position
            if len(old) < len(page):
                break
        await self._exchange(self.position, final=True)

    async def _bound(self) -> int:
        """Behind the checkpoint nothing is found by entries any more; behind its position a consumer reads nothing."""
        checkpoint, _ = await self._journal.checkpoint(self._shard)
        consumers = await self._journal.consumers(self._shard)
        return min([checkpoint, *consumers.values()])

    async def _fold(self, entries: Sequence[Entry]) -> None:
        if self._only is not None:
            entries = [entry for entry in entries if (entry.kind, entry.key) in self._only]
        await self._take_up({(entry.kind, entry.key): None for entry in entries})
        for entry in entries:
            folded = self._folded[entry.kind, entry.key]
            folded.seen = entry.version
            folded.entries += 1
            folded.bytes += len(entry.events)
            if folded.state is not None and folded.version < entry.version - 1:
                await self._begin_at_snapshot(folded, entry)
            if folded.state is not None and folded.version < entry.version:
                self._apply(folded, entry)

    async def _take_up(self, addresses: Iterable[Address]) -> None:
        """Begin each entity with the state that an earlier trim left in its place, or with none."""
        new = [address for address in addresses if address not in self._folded]
        for start in range(0, len(new), STATES_PER_TRIM):
            group = new[start : start + STATES_PER_TRIM]
            for address, base in zip(group, await self._journal.bases(self._shard, group), strict=True):
                kind, key = address
                if base is None:
                    self._folded[address] = _Folded(self._kinds[kind].new(key), 0)
                else:
                    self._folded[address] = _Folded(self._codecs[kind].decode_state(base.state), base.version)

    async def _begin_at_snapshot(self, folded: _Folded, entry: Entry) -> None:
        """The entity was elsewhere before this entry, and came with its state: its newest snapshot must do.

        Without one that reaches so far there is no state, and the entries stay.
        """
        (recorded,) = await self._journal.load(self._shard, [(entry.kind, entry.key)])
        folded.state, folded.at_home = None, True
        if recorded.snapshot is not None and recorded.snapshot.version >= entry.version:
            folded.state = self._codecs[entry.kind].decode_state(recorded.snapshot.state)
            folded.version = recorded.snapshot.version

    def _apply(self, folded: _Folded, entry: Entry) -> None:
        kind = self._kinds[entry.kind]
        for event in self._codecs[entry.kind].decode_events(entry.events):
            if isinstance(event, Left):
                folded.at_home = False
            elif isinstance(event, Arrived):
                folded.at_home = True
            else:
                kind.apply(folded.state, event)
        folded.version = entry.version

    async def _exchange(self, upto: int, *, final: bool) -> None:
        """Put states in the place of the entries of all that may go.

        Before the end a state that is larger than its entries waits for more of them: a hot stock's would be written
        again and again.
        """
        finished = [address for address, folded in self._folded.items() if self._may_go(address, folded)]
        bases = [self._base(address, self._folded[address]) for address in finished]
        if not final:
            bases = [base for base in bases if len(base.state) < self._folded[base.kind, base.key].bytes + SMALL_STATE]
        for start in range(0, len(bases), STATES_PER_TRIM):
            group = bases[start : start + STATES_PER_TRIM]
            await self._journal.trim(self._shard, upto, group)
            for base in group:
                self.removed += self._folded.pop((base.kind, base.key)).entries
            if self._rest_s:
                await asyncio.sleep(self._rest_s)

    def _may_go(self, address: Address, folded: _Folded) -> bool:
        if not folded.complete or not folded.at_home or not folded.entries:
            return False
        kind = self._kinds[address[0]]
        if kind.settled is not None and kind.settled(folded.state) is None:
            return False
        return kind.effects is None or not any(True for _ in kind.effects(folded.state))

    def _base(self, address: Address, folded: _Folded) -> Snapshot:
        kind, key = address
        return Snapshot(kind, key, folded.version, self._codecs[kind].encode_state(folded.state))
