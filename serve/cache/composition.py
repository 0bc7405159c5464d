"""The page cache of one serving process."""

from starlette.types import ASGIApp

from ..api.answers import HttpAnswer
from ..settings import Settings
from ..shop import Shop
from .cache import Cache, Versions
from .pages import Pages
from .shared import SharedLevel


class PageCache:
    """The pages, their cache and its second level."""

    def __init__(self, shop: Shop, settings: Settings, application: ASGIApp) -> None:
        url = settings.cache_redis.get_secret_value()
        self.shared = SharedLevel(url) if url else None
        self._shop = shop
        self.cache: Cache[HttpAnswer] = Cache(
            HttpAnswer,
            settings.cache_bytes,
            shop.now,
            generation=self._generation,
            versions_of=self._versions_of,
            shared=self.shared,
        )
        self.pages = Pages(self.cache, application) if settings.cache_bytes else None
        self._tell_figures()

    async def close(self) -> None:
        if self.shared is not None:
            await self.shared.close()

    def _generation(self) -> int:
        """Grows with every document that is put: price lists, categories and the like change any page."""
        return sum(table.changes for table in self._shop.tables.by_name().values())

    def _versions_of(self, sku: str) -> Versions:
        product, stock = self._shop.catalogue.product(sku), self._shop.catalogue.stock(sku)
        return product.version if product is not None else 0, stock.version if stock is not None else 0

    def _tell_figures(self) -> None:
        metrics, cache, shared = self._shop.metrics, self.cache, self.shared
        metrics.reads_each("cache_pages", "Pages, by where they came from.", "from", lambda: cache.counts, grows=True)
        metrics.reads("cache_bytes", "Bytes of pages in memory.", lambda: cache.bytes)
        metrics.reads("cache_entries", "Pages in memory.", lambda: cache.entries)
        metrics.reads("cache_evicted", "Pages that made room for others.", lambda: cache.evicted, grows=True)
        if shared is not None:
            metrics.reads("cache_failures", "Calls that Redis did not answer.", lambda: shared.failures, grows=True)
