"""What hosts tell, in the memory of a process that serves: products and quantities, documents, flash sales, rolls.

watch -> load -> take stock. After a gap, when something may have been missed, all of it is looked at again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from actors.client import Client
from actors.errors import ActorsError
from actors.journals.port import Journal
from engine.document import DocumentView, Look
from engine.flash_sale import LookSale, SaleView
from engine.kernel import Command, Rejected, Reply
from engine.kinds import KINDS
from engine.location import DEFAULT_LOCATION, LOCATION
from engine.product import LookProduct, ProductView
from engine.stock import LookStock, StockView, stock_key

from .catalogue import CatalogueView
from .rolls import Rolls
from .sales import Sales
from .tables import Tables

LOAD_AT_ONCE = 500
"""Products read at a time while the catalogue is loaded."""
STOCKS_AT_ONCE = 20
"""Quantities asked for at a time, beside the selling."""
PAUSE_BETWEEN_STOCKS_S = 0.005
PAUSE_WHILE_RELOADING_S = 0.05
"""Between two lots of products: a million are looked at again in some minutes."""

logger = logging.getLogger("doorbuster.serve")


class Mirror:
    """The views of one process."""

    def __init__(self, client: Client, shards: int, *, forgets: bool = True) -> None:
        """`forgets`: what may have changed is not known until it is asked for. Otherwise an old quantity stands until
        the new one is heard: good enough to choose by, not to sell by."""
        self._client = client
        self._shards = range(shards)
        self._forgets = forgets
        self.catalogue = CatalogueView()
        self.tables = Tables(KINDS.values())
        self.sales = Sales()
        self.rolls = Rolls()
        self.when_stock_is_forgotten: list[Callable[[], None]] = []
        self._journal: Journal | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._stocktaking: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Hear of every change from now on."""
        await self._client.watch("product", self.catalogue.put_product, self._on_gap)
        await self._client.watch("stock", self.catalogue.put_stock, self._forget_stock)
        for kind, table in self.tables.by_name().items():
            await self._client.watch(kind, table.put, self._on_gap)
        await self._client.watch("flash-sale", self.sales.put, self._on_gap)
        for kind, roll in self.rolls.by_name().items():
            await self._client.watch(kind, roll.put, self._on_gap)

    async def load(self, journal: Journal) -> None:
        """Look at all that there is; quantities come by and by."""
        self._journal = journal
        await self._load_products()
        await self._load_tables()
        self._stocktaking = asyncio.create_task(self._take_stock(PAUSE_BETWEEN_STOCKS_S))

    def close(self) -> None:
        """Look at nothing more."""
        for task in (self._reloading, self._stocktaking):
            if task is not None:
                task.cancel()

    # -- what is looked at

    async def _load_products(self, pause_s: float = 0.0) -> None:
        assert self._journal is not None
        for shard in self._shards:
            after = ""
            while skus := await self._journal.keys(shard, "product", after=after, limit=LOAD_AT_ONCE):
                after = skus[-1]
                for reply in await self._look_all("product", skus, LookProduct()):
                    if isinstance(reply, ProductView):
                        self.catalogue.put_product(reply.sku, reply.version, reply)
                await asyncio.sleep(pause_s)

    async def _load_tables(self) -> None:
        assert self._journal is not None
        for shard in self._shards:
            for kind, table in self.tables.by_name().items():
                after = ""
                while keys := await self._journal.keys(shard, kind, after=after, limit=LOAD_AT_ONCE):
                    after = keys[-1]
                    for reply in await self._look_all(kind, keys, Look()):
                        if isinstance(reply, DocumentView):
                            table.put(reply.key, reply.version, reply)
            await self._load_sales(shard)
            await self._load_rolls(shard)

    async def _load_sales(self, shard: int) -> None:
        assert self._journal is not None
        after = ""
        while keys := await self._journal.keys(shard, "flash-sale", after=after, limit=LOAD_AT_ONCE):
            after = keys[-1]
            for reply in await self._look_all("flash-sale", keys, LookSale()):
                if isinstance(reply, SaleView):
                    self.sales.put(reply.key, reply.version, reply)

    async def _load_rolls(self, shard: int) -> None:
        assert self._journal is not None
        for kind, roll in self.rolls.by_name().items():
            after = ""
            while keys := await self._journal.keys(shard, kind, after=after, limit=LOAD_AT_ONCE):
                after = keys[-1]
                for key, reply in zip(keys, await self._look_all(kind, keys, roll.look), strict=True):
                    if reply is not None and not isinstance(reply, Rejected):
                        roll.put(key, 0, reply)

    async def _take_stock(self, pause_s: float, *, again: bool = False) -> None:
        """Ask for each quantity that no host has told of yet, or `again` for all, in small steps: search and
        recommendations know what is sold out by it."""
        after = ""
        while page := self.catalogue.page(after, STOCKS_AT_ONCE):
            after = page[-1].sku
            for location in (DEFAULT_LOCATION, *(key for key, _ in self.tables[LOCATION].items())):
                skus = [one.sku for one in page if again or self.catalogue.stock_at(one.sku, location) is None]
                keys = [stock_key(sku, location) for sku in skus]
                try:
                    replies = await self._look_all("stock", keys, LookStock())
                except ActorsError as error:
                    logger.warning("Some quantities are not known yet: %s", error)
                    continue
                for key, reply in zip(keys, replies, strict=True):
                    if isinstance(reply, StockView):
                        self.catalogue.put_stock(key, reply.version, reply)
                await asyncio.sleep(pause_s)

    async def _look_all(self, kind: str, keys: Sequence[str], look: Command) -> list[Reply]:
        return await asyncio.gather(*(self._client.send(kind, key, look, deadline_s=60) for key in keys))

    # -- what is missed

    def _on_gap(self) -> None:
        """Changes of documents and products may have been missed: all are looked at again, beside the selling."""
        if self._journal is not None and (self._reloading is None or self._reloading.done()):
            self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        await self._load_tables()
        # What was taken out of the shop meanwhile must not go on being sold here; but selling comes first.
        await self._load_products(PAUSE_WHILE_RELOADING_S)

    def _forget_stock(self) -> None:
        if self._forgets:
            self.catalogue.forget_stock()
            for tell in self.when_stock_is_forgotten:
                tell()
        if self._stocktaking is not None:
            self._stocktaking.cancel()
            taking = self._take_stock(PAUSE_WHILE_RELOADING_S, again=not self._forgets)
            self._stocktaking = asyncio.create_task(taking)
