"""What rows note of other entities than their own: a product's category and vendor, an account's groups.

It is as the shop knew it when the row was made. What isn't known yet is asked of the journal once, for many together.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from actors.codec import KindCodec
from actors.journals.port import Journal
from actors.moves import Arrived, Left
from actors.placement import shard_of
from engine.customer_group import CUSTOMER_GROUP
from engine.document import Document
from engine.kernel import Kind
from engine.product import PRODUCT

from .facts.around import Described
from .facts.groups import Groups
from .facts.products import described
from .tables import Row, Sale

MOST_DESCRIBED = 200_000
"""Products that are remembered; of more, those that were sold last."""


class Surroundings:
    """Implements `Around` for the writer."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._described: OrderedDict[str, Described] = OrderedDict({"": Described()})
        self._unknown: dict[str, None] = {}
        self.membership = Groups()

    async def begin(self) -> None:
        """Read who is in which group."""
        codec = KindCodec(CUSTOMER_GROUP)
        for shard in await self._journal.shards():
            after = ""
            while keys := await self._journal.keys(shard, CUSTOMER_GROUP.name, after=after):
                after = keys[-1]
                for key, recorded in zip(keys, await self._load(shard, CUSTOMER_GROUP, keys, codec), strict=True):
                    assert isinstance(recorded, Document)
                    self.membership.put(key, recorded.content)

    async def _load(self, shard: int, kind: Kind, keys: Sequence[str], codec: KindCodec) -> list[object]:
        states = []
        for key, recorded in zip(
            keys, await self._journal.load(shard, [(kind.name, key) for key in keys]), strict=True
        ):
            state = kind.new(key) if recorded.snapshot is None else codec.decode_state(recorded.snapshot.state)
            for entry in recorded.entries:
                for event in codec.decode_events(entry.events):
                    if not isinstance(event, Left | Arrived):
                        kind.apply(state, event)
            states.append(state)
        return states

    def product(self, sku: str) -> Described:
        """As known now; `fill` adds what isn't."""
        found = self._described.get(sku)
        if found is None:
            self._unknown[sku] = None
            return Described()
        return found

    def groups(self, account: str) -> str:
        return self.membership.of(account)

    def describe(self, sku: str, described: Described) -> None:
        """The product is described so from now on."""
        self._described[sku] = described
        self._described.move_to_end(sku)
        if len(self._described) > MOST_DESCRIBED:
            self._described.popitem(last=False)

    async def fill(self, rows: list[Row]) -> None:
        """Ask for the products that weren't known, and complete these rows."""
        if not self._unknown:
            return
        unknown, self._unknown = list(self._unknown), {}
        for sku, found in await self._look_up(unknown):
            self.describe(sku, found)
        for index, row in enumerate(rows):
            if isinstance(row, Sale) and row.sku in self._described and not (row.category or row.vendor):
                category, vendor = self._described[row.sku]
                rows[index] = msgspec.structs.replace(row, category=category, vendor=vendor)

    async def _look_up(self, skus: Iterable[str]) -> list[tuple[str, Described]]:
        codec = KindCodec(PRODUCT)
        by_shard: dict[int, list[str]] = {}
        for sku in skus:
            by_shard.setdefault(shard_of(sku, self._journal.base_shards), []).append(sku)
        found = []
        for shard, keys in by_shard.items():
            states = await self._load(shard, PRODUCT, keys, codec)
            found += [(key, described(state)) for key, state in zip(keys, states, strict=True)]  # type: ignore[arg-type]
        return found
