"""Moves a journal's data into another store, as it was at one instant, and proves that it arrived.

Entries keep everything but their positions, which the target counts in its own way.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from .port import Batch, Entry, Journal, JournalMismatch, NewEntry, Snapshot, Trims
from .trimming import STATES_PER_TRIM

PAGE = 1_000
"""Entries, and entities, read and written at a time."""

_encode = msgspec.msgpack.Encoder().encode

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Copied(NamedTuple):
    """What was moved."""

    shards: int
    entries: int
    snapshots: int


class _Proof:
    """A digest of entries in their order: equal ones were recorded equally."""

    def __init__(self) -> None:
        self.entries = 0
        self._digest = hashlib.blake2b()

    def add(self, entry: Entry) -> None:
        self.entries += 1
        self._digest.update(_encode(entry[1:]))

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, _Proof)
        return (self.entries, self._digest.digest()) == (other.entries, other._digest.digest())

    __hash__ = None  # type: ignore[assignment]  # it changes


async def copy_journal(source: Journal, target: Journal, listed_kinds: Iterable[str], progress: Progress) -> Copied:
    """Copy everything that was recorded up to now into a journal without data, and compare the two afterwards.

    The source may be in use; what is recorded meanwhile is left out. Raises `JournalMismatch` if the target has data or
    other numbers, or if the comparison finds a difference.
    """
    if target.base_shards != source.base_shards:
        raise JournalMismatch(f"the target has {target.base_shards} shards, the source {source.base_shards}")
    if await target.shards():
        raise JournalMismatch("the target has data already: a copy never overwrites anything")
    kinds = tuple(listed_kinds)
    # Before the instant: what is trimmed from now on would be missed.
    trims = {shard: await source.trimmed(shard) for shard in await source.shards()}
    cut = await source.last_positions()
    done, total = 0, sum(cut.values())
    proofs: dict[int, _Proof] = {}
    snapshots = 0
    for shard, end in sorted(cut.items()):
        copy = _ShardCopy(source, target, shard, end, trims.get(shard, Trims()))
        async for position in copy.run(kinds):
            progress("copying", done + position, total)
        done += end
        proofs[shard], snapshots = copy.proof, snapshots + copy.snapshots
    entries = sum(proof.entries for proof in proofs.values())
    compared = 0
    for shard, proof in proofs.items():
        arrived = _Proof()
        async for page in entries_up_to(target, shard, None):
            for entry in page:
                arrived.add(entry)
            progress("comparing", compared + arrived.entries, entries)
        compared += arrived.entries
        if arrived != proof:
            raise JournalMismatch(
                f"shard {shard} differs after it was copied: {arrived.entries} of {proof.entries} entries"
            )
    return Copied(len(cut), entries, snapshots)


class _ShardCopy:
    """One shard on its way."""

    def __init__(self, source: Journal, target: Journal, shard: int, end: int, trims: Trims) -> None:
        self._source = source
        self._target = target
        self._shard = shard
        self._end = end
        self._trims = trims
        self._epoch = 0
        self._versions: dict[tuple[str, str], int] = {}
        self._reaches: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], Snapshot] = {}
        self.snapshots = 0
        self.proof = _Proof()

    async def run(self, listed_kinds: Sequence[str]) -> AsyncIterator[int]:
        """Copy; yields how far it got."""
        self._epoch = await self._target.acquire(self._shard)
        await self._find_snapshots()
        position, checkpoint = await self._source.checkpoint(self._shard)
        if position > self._end:
            # It is younger than the instant. Without one, the next owner looks at every entry again.
            checkpoint = None
        async for page in entries_up_to(self._source, self._shard, self._end):
            before = [entry for entry in page if entry.position <= position]
            after = page[len(before) :]
            if before:
                await self._append(before)
            if after:
                # A checkpoint speaks of what came before it: it goes right behind that.
                await self._append_checkpoint(checkpoint)
                checkpoint = None
                await self._append(after)
            yield page[-1].position
        await self._append_checkpoint(checkpoint)
        await self._append([])
        if await self._source.trimmed(self._shard) != self._trims:
            raise JournalMismatch("the journal was trimmed while it was copied: delete the copy and begin again")
        for kind in listed_kinds:
            await self._copy_listed(kind)

    async def _append_checkpoint(self, checkpoint: bytes | None) -> None:
        if checkpoint is not None:
            await self._target.append([Batch(self._shard, self._epoch, (), checkpoint=checkpoint)])

    async def _append(self, entries: Sequence[Entry]) -> None:
        """Append the entries, each entity's snapshot with its first; without entries, the snapshots that are left."""
        snapshots = []
        for entry in entries:
            snapshot = self._waiting.pop((entry.kind, entry.key), None)
            self._follow(entry, snapshot)
            self.proof.add(entry)
            if snapshot is not None:
                snapshots.append(snapshot)
        if not entries:
            # States that came alone: of an entity that moved here and did nothing since.
            snapshots, self._waiting = list(self._waiting.values()), {}
        new = [NewEntry(*entry[1:]) for entry in entries]
        await self._target.append([Batch(self._shard, self._epoch, new, snapshots)])

    def _follow(self, entry: Entry, snapshot: Snapshot | None) -> None:
        address = (entry.kind, entry.key)
        expected = self._versions.get(address, 0) + 1
        if snapshot is not None:
            self._reaches[address] = snapshot.version
        if entry.version != expected and self._reaches.get(address, 0) < entry.version:
            # It came from another shard, with a snapshot that was replaced while we were copying.
            raise JournalMismatch(
                f"{entry.kind} {entry.key} went on while it was copied: delete the copy and begin again, if need be "
                "with the shop stopped"
            )
        self._versions[address] = entry.version

    async def _find_snapshots(self) -> None:
        """First of all: entries of an entity that came from elsewhere or was trimmed make sense only with its state."""
        bases_found = 0
        async for addresses in self._source.entities(self._shard):
            for start in range(0, len(addresses), PAGE):
                group = addresses[start : start + PAGE]
                bases = [base for base in await self._source.bases(self._shard, group) if base is not None]
                if bases:
                    bases_found += len(bases)
                    await self._copy_bases(bases)
                for each in await self._source.load(self._shard, group):
                    snapshot = each.snapshot
                    if snapshot is None or snapshot.version == self._versions.get((snapshot.kind, snapshot.key)):
                        continue
                    if await self._in_time(snapshot):
                        self._waiting[snapshot.kind, snapshot.key] = snapshot
        self.snapshots = len(self._waiting) + bases_found

    async def _copy_bases(self, bases: Sequence[Snapshot]) -> None:
        for start in range(0, len(bases), STATES_PER_TRIM):
            await self._target.trim(self._shard, 0, bases[start : start + STATES_PER_TRIM])
        self._versions |= {(base.kind, base.key): base.version for base in bases}
        arrived = await self._target.bases(self._shard, [(base.kind, base.key) for base in bases])
        if arrived != bases:
            raise JournalMismatch(f"shard {self._shard} differs after its trimmed entities were copied")

    async def _in_time(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot is of a state that is copied. One that is newer only saves time: it is left out."""
        entries = await self._source.history(
            self._shard, snapshot.kind, snapshot.key, after_version=snapshot.version - 1, limit=1
        )
        return not entries or entries[0].version != snapshot.version or entries[0].position <= self._end

    async def _copy_listed(self, kind: str) -> None:
        after = ""
        while keys := await self._source.keys(self._shard, kind, after=after, limit=PAGE):
            after = keys[-1]
            listed = [(kind, key) for key in keys if (kind, key) in self._versions]
            await self._target.append([Batch(self._shard, self._epoch, (), listed=listed)])


async def entries_up_to(journal: Journal, shard: int, end: int | None) -> AsyncIterator[Sequence[Entry]]:
    """The shard's entries in pages, up to a position or to its end."""
    position = 0
    while page := await journal.read(shard, position, PAGE):
        position = page[-1].position
        if end is not None and position > end:
            page = [entry for entry in page if entry.position <= end]
        if page:
            yield page
        if end is not None and position >= end:
            return
