"""Search as the shop holds it: starts and stops the index's writer, and answers questions beside the event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from actors.client import Client
from engine.kernel import Instant
from engine.location import DEFAULT_LOCATION
from engine.product import ProductView
from engine.search_synonyms import SEARCH_SYNONYMS, THE_SYNONYMS, SearchSynonyms
from engine.stock import StockView

from ..assortment import Facets
from ..tables import Tables
from .analysis import Analysis, analysis_of
from .errors import Busy, NotIndexed
from .follower import Follower
from .generation import Snapshot
from .query_log import QueryLog, Reporter
from .request import Found, SearchRequest
from .searching import search
from .suggesting import Suggested, suggest
from .surroundings import Surroundings
from .synonyms import Synonyms, common_groups, common_kinds
from .weights import learned_weights

THREADS = 2
"""Searches at a time, beside the event loop: one that takes long keeps neither selling nor the next search waiting."""
MOST_WAITING = 64
"""Searches that wait or run; more are refused at once."""
NAMED_AT_ONCE = 500
"""Products named to the writer before others get their turn on the event loop."""

Answer = TypeVar("Answer")


class Catalogue(Protocol):
    """What search reads of the catalogue in memory."""

    facets: Facets

    def product(self, sku: str) -> ProductView | None: ...

    def stock_at(self, sku: str, location: str) -> StockView | None: ...

    def page(self, after: str, limit: int) -> list[ProductView]: ...


class Search:
    """Finds products. Until the first index is complete, every question raises `NotIndexed`."""

    def __init__(
        self,
        catalogue: Catalogue,
        tables: Tables,
        client: Client,
        now: Callable[[], Instant],
        *,
        writer: str,
        language: str = "english",
        directory: Path | None = None,
    ) -> None:
        self.analysis: Analysis = analysis_of(language)
        self._log = QueryLog()
        self.made = 0
        """Searches that were made here."""
        self.reporter = Reporter(client, self._log, writer)
        """Runs beside; the search itself doesn't need it."""
        self._catalogue = catalogue
        self._table = tables[SEARCH_SYNONYMS]
        self._surroundings = Surroundings(tables)
        self._surroundings.tell(self._categories_told, self._products_told, self._locations_told)
        self._now = now
        self._weights = learned_weights()
        self._synonyms: tuple[int, Synonyms] | None = None
        self._follower = Follower(
            self.analysis, catalogue.product, self._in_stock, directory, self._surroundings.place_of
        )
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
        self._under_way = 0
        self._naming: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    # -- following the catalogue

    def start(self) -> None:
        """Begin to index what the catalogue holds; returns at once."""
        self._follower.start()
        self.rebuild()

    def rebuild(self) -> None:
        """Make a new index beside the one that answers, then let it answer."""
        if self._naming is None or self._naming.done():
            self._naming = asyncio.get_running_loop().create_task(self._name_all())

    async def stop(self) -> None:
        """Finish what is being searched and written, if it ever began."""
        if self._naming is None:
            return
        for task in (self._naming, *self._telling):
            task.cancel()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._follower.stop)
        self._pool.shutdown()

    def product_told(self, sku: str) -> None:
        """A product is not what it was."""
        self._follower.changed(sku)

    def stock_told(self, sku: str) -> None:
        """A product's quantities are not what they were."""
        self._follower.stock_told(sku, self._in_stock(sku))

    def _products_told(self, skus: Iterable[str]) -> None:
        """Something that is said of these elsewhere is not what it was."""
        if self._naming is not None:
            for sku in skus:
                self._follower.changed(sku)

    def _categories_told(self, ids: Collection[str]) -> None:
        """These are called otherwise, or stand elsewhere; there may be very many products in them."""
        if self._naming is not None:
            task = asyncio.get_running_loop().create_task(self._name_those_in(ids))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _locations_told(self, _keys: Collection[str]) -> None:
        """Whether these sell has changed: anything may have sold out by it, or have come back."""
        if self._naming is not None:
            self.rebuild()

    # -- answering

    @property
    def is_ready(self) -> bool:
        """Whether questions are answered."""
        return self._follower.snapshot is not None

    async def find(self, request: SearchRequest) -> Found:
        """Raises `NotIndexed` and `Busy`."""
        begun = time.perf_counter()
        work = partial(
            search, self._snapshot(), self._current_synonyms(), self._weights, request, self._catalogue.product
        )
        found = await self._in_pool(work)
        self.made += 1
        self._log.note(request.text, found.total, (time.perf_counter() - begun) * 1_000, self._now())
        return found

    async def suggest(self, typed: str, limit: int) -> Suggested:
        """Raises `NotIndexed` and `Busy`."""
        return await self._in_pool(partial(suggest, self._snapshot(), typed, limit))

    async def _in_pool(self, work: Callable[[], Answer]) -> Answer:
        if self._under_way >= MOST_WAITING:
            raise Busy
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1

    def _snapshot(self) -> Snapshot:
        snapshot = self._follower.snapshot
        if snapshot is None:
            raise NotIndexed
        return snapshot

    def _current_synonyms(self) -> Synonyms:
        """Made again when the merchant's document has changed."""
        if self._synonyms is None or self._synonyms[0] != self._table.changes:
            content = self._table.get(THE_SYNONYMS) or SearchSynonyms()
            groups = common_groups(self.analysis.language) if content.common else []
            kinds = common_kinds(self.analysis.language) if content.common else {}
            made = Synonyms(self.analysis, [*groups, *content.groups], kinds, content.one_way)
            self._synonyms = (self._table.changes, made)
        return self._synonyms[1]

    async def _name_all(self) -> None:
        expected = 0
        async for skus in self._on_sale():
            expected += len(skus)
        # From now on what comes to be sold is told to the new index, so it must be begun before any product is named.
        self._follower.begin(expected)
        async for skus in self._on_sale():
            for sku in skus:
                self._follower.changed(sku)
        self._follower.complete()

    async def _on_sale(self) -> AsyncIterator[list[str]]:
        """SKUs, some at a time."""
        after = ""
        while page := self._catalogue.page(after, NAMED_AT_ONCE):
            after = page[-1].sku
            yield [product.sku for product in page]
            await asyncio.sleep(0)

    async def _name_those_in(self, categories: Collection[str]) -> None:
        facets = [("category", id) for id in categories]
        after = ""
        while skus := list(islice(self._catalogue.facets.after(facets, after), NAMED_AT_ONCE)):
            after = skus[-1]
            self._products_told(skus)
            await asyncio.sleep(0)

    def _in_stock(self, sku: str) -> bool:
        """As far as hosts have told; what nobody has told of is taken for available."""
        product = self._catalogue.product(sku)
        if product is not None and product.components:
            return all(self._has(part.sku, part.quantity) for part in product.components)
        return self._has(sku, 1)

    def _has(self, sku: str, quantity: int) -> bool:
        """At all locations that sell together; what no host has told of is only there at the default one."""
        available = 0
        for location in self._surroundings.selling:
            stock = self._catalogue.stock_at(sku, location)
            if stock is not None:
                available += stock.available
            elif location == DEFAULT_LOCATION:
                return True
        return available >= quantity
