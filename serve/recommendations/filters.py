"""What may be recommended now: on sale, in stock as far as is known here, and not what the shopper has already."""

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from engine.location import DEFAULT_LOCATION
from engine.product import ProductView
from engine.stock import StockView

from .rules import Rules


class Catalogue(Protocol):
    """Products and quantities in memory: reading them costs no command."""

    def product(self, sku: str) -> ProductView | None: ...

    def stock(self, sku: str) -> StockView | None: ...

    def stock_at(self, sku: str, location: str) -> StockView | None: ...


class Locations(Protocol):
    """Where orders are sent from."""

    @property
    def selling(self) -> tuple[str, ...]: ...


class Shelf:
    """What can be bought now."""

    def __init__(self, catalogue: Catalogue, locations: Locations) -> None:
        self._catalogue = catalogue
        self._locations = locations

    def sold(self, sku: str) -> ProductView | None:
        """The product, if it is on sale and in stock."""
        product = self._catalogue.product(sku)
        if product is None or not product.visible:
            return None
        if product.components:
            there = all(self._available(part.sku, part.quantity) for part in product.components)
        else:
            there = self._available(sku, 1)
        return product if there else None

    def product(self, sku: str) -> ProductView | None:
        """The product, in stock or not."""
        return self._catalogue.product(sku)

    def _available(self, sku: str, quantity: int) -> bool:
        selling = self._locations.selling
        if selling == (DEFAULT_LOCATION,):
            stock = self._catalogue.stock(sku)
            return stock is not None and stock.available >= quantity
        stocks = (self._catalogue.stock_at(sku, location) for location in selling)
        return sum(max(stock.available, 0) for stock in stocks if stock is not None) >= quantity


def fit(skus: Iterable[str], shelf: Shelf, rules: Rules, unwanted: Collection[str]) -> Iterator[ProductView]:
    """The products that may be shown, in the same order, each once."""
    seen = set(unwanted)
    for sku in skus:
        if sku in seen:
            continue
        seen.add(sku)
        product = shelf.sold(sku)
        if product is not None and rules.allows(product):
            yield product
