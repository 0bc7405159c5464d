"""Flash sales as hosts last told them, all in memory: quoting a sale's price and telling a place in line cost no
command."""

from bisect import bisect_right, insort

from engine.flash_sale import OVER, SaleView
from engine.kernel import Instant


class Sales:
    """The sales by key and, those that aren't over, by SKU. A purchase looks here only while `live` isn't empty."""

    def __init__(self) -> None:
        self._views: dict[str, SaleView] = {}
        self._keys: list[str] = []
        self.live: dict[str, dict[str, SaleView]] = {}
        """SKU to its sales that aren't over, by key."""

    def get(self, key: str) -> SaleView | None:
        """The sale, if a host has told of it."""
        return self._views.get(key)

    def running(self, sku: str, now: Instant) -> SaleView | None:
        """The sale in which the SKU is sold now; of several the first by its key."""
        running = [sale for sale in self.live.get(sku, {}).values() if sale.runs(now)]
        return min(running, key=lambda sale: sale.key, default=None)

    def all(self) -> list[SaleView]:
        """Every sale in ascending order of its key."""
        return [self._views[key] for key in self._keys]

    def page(self, after: str, limit: int) -> list[SaleView]:
        """Sales with a key greater than `after`, in ascending order."""
        start = bisect_right(self._keys, after)
        return [self._views[key] for key in self._keys[start : start + limit]]

    def put(self, key: str, _version: int, sale: SaleView) -> None:
        """A host tells that the sale is now this; told late, an older version never replaces a newer."""
        known = self._views.get(key)
        if known is None:
            insort(self._keys, key)
        elif known.version > sale.version:
            return
        self._views[key] = sale
        of_sku = self.live.setdefault(sale.sku, {})
        if sale.phase in OVER:
            of_sku.pop(key, None)
        else:
            of_sku[key] = sale
        if not of_sku:
            del self.live[sale.sku]
