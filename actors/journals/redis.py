"""The journal of a cluster of machines: Redis, with every entry on its disk before it is acknowledged.

A shard is six keys under the hash tag of its volume, so that one script reads or writes all of them, also in a Redis
Cluster. In data with as many volumes as shards a volume is a shard.

    {PREFIX:VOLUME}:SHARD:head        hash: epoch, position, checkpoint, checkpoint_position, trimmed, trims
    {PREFIX:VOLUME}:SHARD:entries     stream: every entry; its id is its position, counted from 1 in each shard
    {PREFIX:VOLUME}:SHARD:positions   hash: CHUNK:KIND:KEY -> where an entity's entries are, by version, 32 in a chunk
    {PREFIX:VOLUME}:SHARD:snapshots   hash: KIND:KEY -> VERSION:STATE; <KIND:KEY in the place of trimmed entries
    {PREFIX:VOLUME}:SHARD:listed      sorted set: KIND:KEY in lexical order
    {PREFIX:VOLUME}:SHARD:consumers   hash: name -> how far the consumer has come
    {PREFIX}:meta, {PREFIX}:shards    the layout; the shards that were ever acquired

Beside its entries an entity costs one field of `positions`: a key of its own would cost 110 bytes more per order.
"""

import logging
from asyncio import gather
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from .port import Batch, Entry, Fenced, JournalMismatch, Recorded, Snapshot, StillNeeded, Stretch, Trims, VersionTaken
from .redis_address import parse_address
from .redis_lanes import Script, Servers, Waiting, Word
from .redis_opening import FORMAT, ensure_durable, settle_layout

SLOT_BYTES = 5
"""Of a position: enough for a million million entries of a shard."""
SLOTS_PER_CHUNK = 32
"""An order fits into one chunk; a stock's append writes 80 bytes of positions on average."""
LOADED_AT_ONCE = 200
"""Entities read by one script: a few milliseconds in which Redis does nothing else."""
SCANNED_AT_ONCE = 1_000
LEAST_OF_A_SHARD = 50
"""Entries of one shard that are worth a round trip."""
REPLICA_TIMEOUT_MS = 1_000
BASE = "<"
"""Begins the field of a state that stands in the place of trimmed entries: no kind's name begins with it."""

logger = logging.getLogger("doorbuster.journal")


def _script(name: str) -> Script:
    numbers = f"local SLOT_BYTES, SLOTS, SLOT_FORMAT = {SLOT_BYTES}, {SLOTS_PER_CHUNK}, '>I{SLOT_BYTES}'\n"
    numbers += f"local BASE = '{BASE}'\n"
    return Script(numbers + Path(__file__).with_name(name).read_text())


POSITIONS_AT_ONCE = Script("""
local positions = {}
for number, head in ipairs(KEYS) do positions[number] = redis.call('HGET', head, 'position') or '0' end
return positions
""")


ADVANCE = Script("""
if tonumber(ARGV[2]) >= tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
""")

_BASE = BASE.encode()


class Keys:
    """The names of one shard's keys."""

    def __init__(self, prefix: str, volume: int, shard: int) -> None:
        stem = f"{{{prefix}:{volume}}}:{shard}:"
        self.head = stem + "head"
        self.entries = stem + "entries"
        self.positions = stem + "positions"
        self.snapshots = stem + "snapshots"
        self.listed = stem + "listed"
        self.consumers = stem + "consumers"


class RedisJournal:
    """Implements `Journal` on the Redis at `url`, which any number of processes may use.

    `shards` and `volumes` are chosen when the data is created, as in `SqliteJournal`; a URL can name the volumes too.
    Raises `JournalUnsafe` for a server that would forget, unless `accept_data_loss`. With `wait_replicas`, an append
    returns only when that many replicas have it too. Without `create`, data that is not there is a `JournalMismatch`.
    """

    def __init__(
        self,
        url: str,
        *,
        shards: int | None = None,
        volumes: int | None = None,
        volumes_if_new: int = 1,
        accept_data_loss: bool = False,
        wait_replicas: int = 0,
        create: bool = True,
    ) -> None:
        address = parse_address(url)
        self._name = address.name
        self._spans_servers = address.kind == "cluster"
        self._prefix = address.prefix
        self._meta = f"{{{address.prefix}}}:meta"
        self._known_shards = f"{{{address.prefix}}}:shards"
        ensure_durable(address, accept_data_loss=accept_data_loss)
        self._layout = settle_layout(address, self._meta, shards, volumes, volumes_if_new, create=create)
        self._servers = Servers(address, Waiting(wait_replicas, REPLICA_TIMEOUT_MS) if wait_replicas else None)
        self._append = _script("redis_append.lua")
        self._load = _script("redis_load.lua")
        self._trim = _script("redis_trim.lua")
        self._keys: dict[int, Keys] = {}
        self._epochs: dict[int, int] = {}
        self._positions: dict[int, int] = {}

    @property
    def base_shards(self) -> int:
        return self._layout.shards

    def volume_of(self, shard: int) -> int:
        shards, volumes = self._layout
        return shard % volumes if shard < shards else volumes + shard - shards

    async def acquire(self, shard: int) -> int:
        head = self._keys_of(shard).head
        epoch, position = await self._servers.ask(head, ("HMGET", head, "epoch", "position"))
        self._ensure_nothing_vanished(shard, int(epoch or 0), int(position or 0))
        # Known before it is owned: a shard that is listed and empty harms nobody.
        await self._servers.record(self._known_shards, ("SADD", self._known_shards, shard))
        acquired = int(await self._servers.record(head, ("HINCRBY", head, "epoch", 1)))
        self._epochs[shard] = acquired
        return acquired

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        volumes = [self.volume_of(batch.shard) for batch in batches]
        if len(set(volumes)) == 1:
            return await self._append_to_volume(batches)
        positions = [0] * len(batches)
        for volume in dict.fromkeys(volumes):
            chosen = [index for index, other in enumerate(volumes) if other == volume]
            appended = await self._append_to_volume([batches[index] for index in chosen])
            for index, position in zip(chosen, appended, strict=True):
                positions[index] = position
        return positions

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        recorded: list[Recorded] = []
        for start in range(0, len(entities), LOADED_AT_ONCE):
            recorded += await self._loaded(shard, entities[start : start + LOADED_AT_ONCE])
        return recorded

    async def read(self, shard: int, after: int, limit: int = 1_000) -> Sequence[Entry]:
        entries = self._keys_of(shard).entries
        found = await self._servers.ask(entries, ("XRANGE", entries, after + 1, "+", "COUNT", limit))
        return [_entry(each) for each in found]

    async def read_on(self, after: Mapping[int, int], limit: int = 1_000) -> Stretch:
        newest = await self._positions_of(after)
        moved = {shard: position for shard, position in after.items() if newest[shard] > position}
        # A share for each, so that none with much to read keeps the others waiting.
        share = max(LEAST_OF_A_SHARD, limit // max(1, len(moved)))
        pages = await gather(*(self.read(shard, position, share) for shard, position in moved.items()))
        upto = dict(after)
        for shard, page in zip(moved, pages, strict=True):
            last = page[-1].position if page else 0
            # A page that isn't full holds everything up to where the shard was before it was read.
            upto[shard] = last if len(page) >= share else max(newest[shard], last)
        return Stretch([(shard, entry) for shard, page in zip(moved, pages, strict=True) for entry in page], upto)

    async def behind(self, after: Mapping[int, int]) -> int:
        newest = await self._positions_of(after)
        return sum(max(0, newest[shard] - position) for shard, position in after.items())

    async def _positions_of(self, shards: Iterable[int]) -> dict[int, int]:
        """The last position of each of these shards, which share a volume."""
        heads = tuple(self._keys_of(shard).head for shard in shards)
        found = await self._servers.run(POSITIONS_AT_ONCE, heads, (), appending=False)
        return {shard: int(position or 0) for shard, position in zip(shards, found, strict=True)}

    async def history(
        self, shard: int, kind: str, key: str, *, after_version: int = 0, limit: int = 100
    ) -> Sequence[Entry]:
        ((_, found),) = await self._run_load(shard, [(kind, key)], after_version, limit)
        return [_entry(each) for each in found]

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        listed = self._keys_of(shard).listed
        names = await self._servers.ask(
            listed,
            ("ZRANGEBYLEX", listed, f"({kind}:{after}", f"({_end_of(kind)}", "LIMIT", 0, limit),
        )
        return [name.decode().removeprefix(f"{kind}:") for name in names]

    async def checkpoint(self, shard: int) -> tuple[int, bytes | None]:
        head = self._keys_of(shard).head
        position, data = await self._servers.ask(head, ("HMGET", head, "checkpoint_position", "checkpoint"))
        return int(position or 0), data

    async def shards(self) -> Sequence[int]:
        known = await self._servers.ask(self._known_shards, ("SMEMBERS", self._known_shards))
        return sorted(int(shard) for shard in known)

    async def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        keys = self._keys_of(shard)
        seen: set[bytes] = set()
        # An entity without a first chunk came from elsewhere, with a snapshot, or was trimmed.
        for scanned, prefix in ((keys.positions, b"0:"), (keys.snapshots, b"")):
            cursor: Word = 0
            while True:
                cursor, fields = await self._servers.ask(
                    scanned, ("HSCAN", scanned, cursor, "MATCH", prefix + b"*", "COUNT", SCANNED_AT_ONCE)
                )
                # A scan may come by a field twice.
                new = {name.removeprefix(prefix).removeprefix(_BASE) for name in islice(fields, 0, None, 2)} - seen
                seen |= new
                yield [_address(name) for name in new]
                if int(cursor) == 0:
                    break

    async def last_positions(self) -> Mapping[int, int]:
        shards = await self.shards()
        heads = [self._keys_of(shard).head for shard in shards]
        if self._spans_servers or not heads:
            found = [await self._servers.ask(head, ("HGET", head, "position")) for head in heads]
        else:
            found = await self._servers.run(POSITIONS_AT_ONCE, heads, (), appending=False)
        return {shard: int(position or 0) for shard, position in zip(shards, found, strict=True)}

    async def advance(self, consumer: str, shard: int, position: int) -> None:
        consumers = self._keys_of(shard).consumers
        await self._servers.run(ADVANCE, (consumers,), (consumer, position), appending=True)

    async def consumers(self, shard: int) -> Mapping[str, int]:
        consumers = self._keys_of(shard).consumers
        found = iter(await self._servers.ask(consumers, ("HGETALL", consumers)))
        return {name.decode(): int(position) for name, position in zip(found, found, strict=True)}

    async def forget(self, consumer: str, shard: int) -> None:
        consumers = self._keys_of(shard).consumers
        await self._servers.record(consumers, ("HDEL", consumers, consumer))

    async def trim(self, shard: int, upto: int, bases: Sequence[Snapshot]) -> None:
        # First of all: what doesn't know of trimming would take trimmed entities for new ones.
        await self._servers.record(self._meta, ("HSET", self._meta, "format", FORMAT))
        keys = self._keys_of(shard)
        arguments: list[Word] = [upto]
        for base in bases:
            arguments += (f"{base.kind}:{base.key}", base.version, base.state)
        names = (keys.head, keys.entries, keys.positions, keys.snapshots, keys.consumers)
        if refusal := await self._servers.run(self._trim, names, arguments, appending=True):
            _, who, position = refusal
            raise StillNeeded(shard, who.decode(), position)

    async def bases(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Snapshot | None]:
        if not entities:
            return ()
        snapshots = self._keys_of(shard).snapshots
        fields = (f"{BASE}{kind}:{key}" for kind, key in entities)
        found = await self._servers.ask(snapshots, ("HMGET", snapshots, *fields))
        return [_snapshot(address, each) for address, each in zip(entities, found, strict=True)]

    async def trimmed(self, shard: int) -> Trims:
        head = self._keys_of(shard).head
        upto, times = await self._servers.ask(head, ("HMGET", head, "trimmed", "trims"))
        return Trims(int(upto or 0), int(times or 0))

    async def close(self) -> None:
        await self._servers.close()

    # -- inside

    def _keys_of(self, shard: int) -> Keys:
        keys = self._keys.get(shard)
        if keys is None:
            keys = self._keys[shard] = Keys(self._prefix, self.volume_of(shard), shard)
        return keys

    async def _append_to_volume(self, batches: Sequence[Batch]) -> list[int]:
        names: list[str] = []
        arguments: list[Word] = []
        for batch in batches:
            keys = self._keys_of(batch.shard)
            names += (keys.head, keys.entries, keys.positions, keys.snapshots, keys.listed)
            has_checkpoint = batch.checkpoint is not None
            arguments += (
                *(batch.epoch, len(batch.entries), len(batch.snapshots), len(batch.listed), int(has_checkpoint)),
            )
            for entry in batch.entries:
                arguments += entry
            for snapshot in batch.snapshots:
                arguments += snapshot
            arguments += [f"{kind}:{key}" for kind, key in batch.listed]
            if batch.checkpoint is not None:
                arguments.append(batch.checkpoint)
        result = await self._servers.run(self._append, names, arguments, appending=True)
        if result and isinstance(result[0], bytes):
            raise self._refusal(batches, result)
        for batch, position in zip(batches, result, strict=True):
            if position:
                self._positions[batch.shard] = position
        return list(result)

    def _refusal(self, batches: Sequence[Batch], result: Sequence[Any]) -> Exception:
        match result:
            case [b"fenced", number, newest]:
                shard, epoch = batches[number - 1].shard, batches[number - 1].epoch
                if newest < epoch == self._epochs.get(shard):
                    return self._vanished(shard)
                return Fenced(shard, epoch)
            case [b"taken", kind, key, version]:
                return VersionTaken(kind.decode(), key.decode(), int(version))
        _, kind, key, version = result
        return ValueError(
            f"entries of {kind.decode()} {key.decode()} are missing before version {version}, and there is no snapshot"
        )

    def _ensure_nothing_vanished(self, shard: int, epoch: int, position: int) -> None:
        """What this process was told before must still be there, or the server came back with other data."""
        if epoch < self._epochs.get(shard, 0):
            raise self._vanished(shard)
        if position < (acknowledged := self._positions.get(shard, 0)):
            # Its settings allow that (appendfsync everysec): better to go on selling than to stop for good.
            logger.error(
                "%s lost %d acknowledged entries of shard %d in a crash: see appendfsync",
                *(self._name, acknowledged - position, shard),
            )
            self._positions[shard] = position

    def _vanished(self, shard: int) -> JournalMismatch:
        return JournalMismatch(
            f"{self._name} came back without the data that it had (shard {shard}): put the data back; nothing is sold "
            "before"
        )

    async def _loaded(self, shard: int, entities: Sequence[tuple[str, str]]) -> list[Recorded]:
        found = await self._run_load(shard, entities, "", 0)
        return [
            Recorded(_snapshot(address, snapshot), [_entry(each) for each in entries])
            for address, (snapshot, entries) in zip(entities, found, strict=True)
        ]

    async def _run_load(
        self, shard: int, entities: Sequence[tuple[str, str]], after: Word, limit: int
    ) -> list[tuple[bytes | None, list[Any]]]:
        keys = self._keys_of(shard)
        names = (f"{kind}:{key}" for kind, key in entities)
        found: list[tuple[bytes | None, list[Any]]] = await self._servers.run(
            self._load, (keys.entries, keys.positions, keys.snapshots), (after, limit, *names), appending=False
        )
        return found


def _entry(found: tuple[bytes, Sequence[bytes]]) -> Entry:
    """A stream's entry: its id, then names and values in turn."""
    position, (_, kind, _, key, _, version, _, at, _, events) = found
    return Entry(int(position[:-2]), kind.decode(), key.decode(), int(version), int(at), events)


def _snapshot(address: tuple[str, str], found: bytes | None) -> Snapshot | None:
    if found is None:
        return None
    version, _, state = found.partition(b":")
    return Snapshot(*address, int(version), state)


def _address(name: bytes) -> tuple[str, str]:
    kind, _, key = name.decode().partition(":")
    return kind, key


def _end_of(kind: str) -> str:
    """The first text after all that begin with the kind and its colon."""
    return f"{kind};"
