"""A journal in memory, for tests and the simulator: the port's guarantees without the disk."""

import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import attrgetter

from .port import Batch, Entry, Fenced, NewEntry, Recorded, Snapshot, StillNeeded, Stretch, Trims, VersionTaken

NOTHING_RECORDED = Recorded(None, ())


class _Entity:
    """One entity's entries in order, and its newest snapshot."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.versions: set[int] = set()
        self.snapshot: Snapshot | None = None
        self.base: Snapshot | None = None

    def after(self, version: int) -> Sequence[Entry]:
        return self.entries[bisect_right(self.entries, version, key=attrgetter("version")) :]

    def recorded(self) -> Recorded:
        newest = self.snapshot or self.base
        return Recorded(newest, self.after(newest.version if newest else 0))

    def trim(self, base: Snapshot) -> None:
        self.base = base
        self.entries = list(self.after(base.version))
        if self.snapshot is not None and self.snapshot.version <= base.version:
            self.snapshot = None


class _Shard:
    """Everything one shard keeps."""

    def __init__(self) -> None:
        self.epoch = 0
        self.entries: list[Entry] = []
        self.entities: dict[tuple[str, str], _Entity] = {}
        self.listed: set[tuple[str, str]] = set()
        self.checkpoint: tuple[int, bytes | None] = (0, None)
        self.consumers: dict[str, int] = {}
        self.trims = Trims()

    def entity(self, kind: str, key: str) -> _Entity:
        return self.entities.setdefault((kind, key), _Entity())


class MemoryJournal:
    """Implements `Journal`. Whatever shares the object shares the data, as processes share a directory."""

    def __init__(self, *, shards: int = 16, volumes: int = 1) -> None:
        self._base_shards = shards
        self._volumes = volumes
        self._shards: dict[int, _Shard] = {}
        self._position = 0

    @property
    def base_shards(self) -> int:
        return self._base_shards

    def volume_of(self, shard: int) -> int:
        return shard % self._volumes if shard < self._base_shards else self._volumes + shard - self._base_shards

    async def acquire(self, shard: int) -> int:
        owned = self._shard(shard)
        owned.epoch += 1
        return owned.epoch

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        positions = dict.fromkeys(range(len(batches)), 0)
        for volume in dict.fromkeys(self.volume_of(batch.shard) for batch in batches):
            chosen = [index for index, batch in enumerate(batches) if self.volume_of(batch.shard) == volume]
            # Every check stands before the first change: a volume's batches are recorded together or not at all.
            for index in chosen:
                self._check(batches[index])
            for index in chosen:
                positions[index] = self._record(batches[index])
        return tuple(positions.values())

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        known = self._shard(shard).entities
        return [known[entity].recorded() if entity in known else NOTHING_RECORDED for entity in entities]

    async def read(self, shard: int, after: int, limit: int = 1_000) -> Sequence[Entry]:
        entries = self._shard(shard).entries
        start = bisect_right(entries, after, key=attrgetter("position"))
        return entries[start : start + limit]

    async def read_on(self, after: Mapping[int, int], limit: int = 1_000) -> Stretch:
        found = [(shard, entry) for shard, position in after.items() for entry in await self.read(shard, position)]
        # Positions are counted over all shards: the lowest come first.
        found = sorted(found, key=lambda each: each[1].position)[:limit]
        return Stretch(
            found, {shard: max(position, found[-1][1].position if found else 0) for shard, position in after.items()}
        )

    async def behind(self, after: Mapping[int, int]) -> int:
        return sum([len(await self.read(shard, position, sys.maxsize)) for shard, position in after.items()])

    async def history(
        self, shard: int, kind: str, key: str, *, after_version: int = 0, limit: int = 100
    ) -> Sequence[Entry]:
        entity = self._shard(shard).entities.get((kind, key))
        return entity.after(after_version)[:limit] if entity else ()

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        return sorted(key for name, key in self._shard(shard).listed if name == kind and key > after)[:limit]

    async def checkpoint(self, shard: int) -> tuple[int, bytes | None]:
        return self._shard(shard).checkpoint

    async def shards(self) -> Sequence[int]:
        return sorted(number for number, shard in self._shards.items() if shard.epoch)

    async def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        yield tuple(self._shard(shard).entities)

    async def last_positions(self) -> Mapping[int, int]:
        return {
            number: max(shard.trims.upto, shard.entries[-1].position if shard.entries else 0)
            for number, shard in self._shards.items()
            if shard.epoch
        }

    async def advance(self, consumer: str, shard: int, position: int) -> None:
        consumers = self._shard(shard).consumers
        consumers[consumer] = max(position, consumers.get(consumer, 0))

    async def consumers(self, shard: int) -> Mapping[str, int]:
        return dict(self._shard(shard).consumers)

    async def forget(self, consumer: str, shard: int) -> None:
        self._shard(shard).consumers.pop(consumer, None)

    async def trim(self, shard: int, upto: int, bases: Sequence[Snapshot]) -> None:
        trimmed = self._shard(shard)
        for who, position in (("the checkpoint", trimmed.checkpoint[0]), *trimmed.consumers.items()):
            if position < upto:
                raise StillNeeded(shard, who, position)
        for base in bases:
            trimmed.entity(base.kind, base.key).trim(base)
        states = {(base.kind, base.key): base.version for base in bases}
        trimmed.entries = [entry for entry in trimmed.entries if entry.version > states.get((entry.kind, entry.key), 0)]
        trimmed.trims = Trims(max(trimmed.trims.upto, upto), trimmed.trims.times + 1)

    async def bases(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Snapshot | None]:
        known = self._shard(shard).entities
        return [known[entity].base if entity in known else None for entity in entities]

    async def trimmed(self, shard: int) -> Trims:
        return self._shard(shard).trims

    async def close(self) -> None:
        """Nothing to release: the data lives as long as the object."""

    def _shard(self, number: int) -> _Shard:
        return self._shards.setdefault(number, _Shard())

    def _check(self, batch: Batch) -> None:
        shard = self._shard(batch.shard)
        if not shard.epoch or batch.epoch != shard.epoch:
            raise Fenced(batch.shard, batch.epoch)
        taken: set[tuple[str, str, int]] = set()
        for entry in batch.entries:
            entity = shard.entities.get((entry.kind, entry.key))
            name = (entry.kind, entry.key, entry.version)
            if name in taken or (entity and entry.version in entity.versions):
                raise VersionTaken(*name)
            taken.add(name)

    def _record(self, batch: Batch) -> int:
        shard = self._shard(batch.shard)
        for new in batch.entries:
            self._record_entry(shard, new)
        for snapshot in batch.snapshots:
            entity = shard.entity(snapshot.kind, snapshot.key)
            if entity.snapshot is None or snapshot.version >= entity.snapshot.version:
                entity.snapshot = snapshot
        shard.listed.update(batch.listed)
        if batch.checkpoint is not None:
            shard.checkpoint = (self._position, batch.checkpoint)
        return self._position if batch.entries else 0

    def _record_entry(self, shard: _Shard, new: NewEntry) -> None:
        self._position += 1
        entry = Entry(self._position, *new)
        shard.entries.append(entry)
        entity = shard.entity(new.kind, new.key)
        entity.entries.append(entry)
        entity.versions.add(new.version)
