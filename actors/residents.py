"""The entities of a volume that are in memory: loaded when first needed, dropped when idle or when too many."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from engine.kernel import Kind

from .codec import KindCodec
from .entity import Entity
from .envelope import Address, Envelope
from .journals.port import Journal, Recorded
from .known import KnownKeys
from .placement import shard_of

_NOTHING = Recorded(None, ())


class Residents:
    """`by_address` is in the order of last use, oldest first: whoever uses an entity moves it to the end."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        codecs: Mapping[str, KindCodec],
        journal: Journal,
        *,
        base_shards: int,
        bound: int,
        idle_s: float,
        known: Mapping[str, KnownKeys],
    ) -> None:
        self._kinds = kinds
        self._codecs = codecs
        self._journal = journal
        self._base_shards = base_shards
        self._bound = bound
        self._idle_s = idle_s
        self._known = known
        self.by_address: OrderedDict[Address, Entity] = OrderedDict()

    async def activate(self, mail: Iterable[Envelope]) -> list[Entity]:
        """Load the entities of these commands that aren't here; returns those that arrived from another shard."""
        wanted: dict[int, dict[Address, None]] = {}
        for envelope in mail:
            wanted.setdefault(envelope.shard, {})[envelope.address] = None
        arrived = []
        for shard, addresses in wanted.items():
            for entity in await self._arrivals(shard, addresses):
                self.by_address[entity.address] = entity
                may_be_elsewhere = entity.lives_in != shard or (entity.version == 0 and shard >= self._base_shards)
                if may_be_elsewhere and await self._fetch(entity):
                    arrived.append(entity)
        return arrived

    def passivate(self, clock: float) -> None:
        """Drop those that were idle longest; one that is used again is loaded from the journal."""
        entities = self.by_address
        for _ in range(len(entities)):
            entity = next(iter(entities.values()))
            if len(entities) <= self._bound and clock - entity.used_at < self._idle_s:
                return
            if entity.busy or entity.events is not None:
                entities.move_to_end(entity.address)
                continue
            del entities[entity.address]

    async def _arrivals(self, shard: int, addresses: Iterable[Address]) -> list[Entity]:
        """As `_load`, without asking the journal for those that are surely new."""
        entities, unknown = [], []
        for address in addresses:
            known = self._known.get(address[0])
            if known is not None and known.surely_new(address[1], shard):
                entities.append(self._entity(address, shard, _NOTHING))
            else:
                unknown.append(address)
        return entities + await self._load(shard, unknown) if unknown else entities

    async def _load(self, shard: int, addresses: Sequence[Address]) -> list[Entity]:
        found = await self._journal.load(shard, addresses)
        return [self._entity(address, shard, recorded) for address, recorded in zip(addresses, found, strict=True)]

    def _entity(self, address: Address, shard: int, recorded: Recorded) -> Entity:
        entity = Entity(self._kinds[address[0]], self._codecs[address[0]], address, shard)
        entity.restore(recorded)
        return entity

    async def _fetch(self, entity: Entity) -> bool:
        """The entity left this shard, or never was in this pinned one: it may be on its way here."""
        home = shard_of(entity.address[1], self._base_shards)
        elsewhere = entity.lives_in if entity.lives_in != entity.shard else home
        asked = {entity.shard, elsewhere}
        while True:
            (other,) = await self._load(elsewhere, [entity.address])
            # Several shards may say that it left; versions run on across moves, so the highest one was last.
            if other.lives_in == entity.shard and other.version > entity.version:
                entity.arrive(other)
                return True
            if other.lives_in in asked:
                break
            # It has moved on from there, perhaps without ever having come back home.
            elsewhere = other.lives_in
            asked.add(elsewhere)
        entity.lives_in = elsewhere
        return False
