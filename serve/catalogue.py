"""What hosts last told this process: products, quantities, and the orders that exist. Reading it costs no command."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, Protocol

import msgspec
from sortedcontainers import SortedList

from actors.known import KnownKeys
from actors.placement import shard_of
from engine.location import DEFAULT_LOCATION
from engine.product import ProductView
from engine.stock import StockView, stock_key

from .assortment import Facets

MOST_ALIKE = 100_000
"""Values that are kept to be shared. When there are more, sharing begins anew."""


class Listener(Protocol):
    """Hears what was told, after it was taken down; called for every sale, so it must not take time."""

    def product_told(self, sku: str) -> None: ...

    def stock_told(self, sku: str) -> None: ...


class CatalogueView:
    """Products and quantities in memory, fed by the hosts."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._products: dict[str, ProductView] = {}
        # Of a million SKUs, a plain sorted list would move half a million for each that comes in between.
        self._shown = SortedList()
        self._hidden = SortedList()
        self._alike: dict[Any, Any] = {}
        self.facets = Facets()
        """SKUs of products on sale by tag, vendor and category."""
        self._stock: dict[str, StockView] = {}
        self._elsewhere: dict[str, StockView] = {}
        """Quantities at other locations than the default one, by the stock's key."""

    def product(self, sku: str) -> ProductView | None:
        """The product, if a host has told of it."""
        return self._products.get(sku)

    def stock(self, sku: str) -> StockView | None:
        """The quantities at the default location, if a host has told of them."""
        return self._stock.get(sku)

    def stock_at(self, sku: str, location: str) -> StockView | None:
        """The quantities at any location, if a host has told of them."""
        if location == DEFAULT_LOCATION:
            return self._stock.get(sku)
        return self._elsewhere.get(stock_key(sku, location))

    def page(self, after: str, limit: int) -> list[ProductView]:
        """Products on sale with a SKU greater than `after`, in ascending order."""
        return [self._products[sku] for sku in _following(self._shown, after, limit)]

    def skus_after(self, sku: str) -> Iterator[str]:
        """SKUs of products on sale, greater than that one, in ascending order."""
        found: Iterator[str] = self._shown.irange(sku, inclusive=(False, False))
        return found

    def page_of_all(self, after: str, limit: int) -> list[ProductView]:
        """As `page`, with those that aren't on sale among them."""
        skus = merge(_following(self._shown, after, limit), _following(self._hidden, after, limit))
        return [self._products[sku] for sku in islice(skus, limit)]

    def __len__(self) -> int:
        return len(self._products)

    def put_product(self, key: str, version: int, product: ProductView) -> None:
        """A host tells that the product is now this; told late, an older version never replaces a newer."""
        known = self._products.get(product.sku)
        if known is not None:
            if known.version > product.version:
                return
            if known.visible != product.visible:
                (self._shown if known.visible else self._hidden).remove(product.sku)
        if known is None or known.visible != product.visible:
            (self._shown if product.visible else self._hidden).add(product.sku)
        self._products[product.sku] = self._sparing(product)
        was_shown = known if known is not None and known.visible else None
        self.facets.changed(product.sku, was_shown, product if product.visible else None)
        for listener in self.listeners:
            listener.product_told(product.sku)

    def _sparing(self, product: ProductView) -> ProductView:
        """The same product, with what many have alike held once: that is a fifth of the memory."""
        if len(self._alike) > MOST_ALIKE:
            self._alike.clear()
        same = self._alike.setdefault
        return msgspec.structs.replace(
            product,
            price=same(product.price, product.price),
            category=same(product.category, product.category),
            vendor=same(product.vendor, product.vendor),
            tags=same(product.tags, product.tags),
            attributes={same(name, name): value for name, value in product.attributes.items()},
            status=same(product.status, product.status),
            categories=same(product.categories, product.categories),
            stage=same(product.stage, product.stage),
        )

    def forget_stock(self) -> None:
        """Quantities may have changed without our hearing of it: each is asked for again when it is needed."""
        self._stock.clear()
        self._elsewhere.clear()

    def put_stock(self, key: str, version: int, stock: StockView) -> None:
        """A host tells that the quantities are now these."""
        sku, _, location = key.partition("@")
        told, name = (self._stock, sku) if location == DEFAULT_LOCATION else (self._elsewhere, key)
        known = told.get(name)
        if known is None or known.version <= stock.version:
            told[name] = stock
            for listener in self.listeners:
                listener.stock_told(sku)


def _following(skus: SortedList, after: str, limit: int) -> list[str]:
    start = skus.bisect_right(after)
    found: list[str] = skus[start : start + limit]
    return found


class KnownOrders:
    """Which orders exist, by id: a retry of an order that was placed must reach it, however sold out its lines are."""

    def __init__(self, shards: int) -> None:
        self.keys = KnownKeys()
        """For the host of this process; where it has none, nothing is surely new."""
        self._shards = shards

    def surely_new(self, order_id: str) -> bool:
        """Whether no order has this id."""
        return self.keys.surely_new(order_id, shard_of(order_id, self._shards))
