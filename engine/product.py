"""A product as the catalogue shows it: key is the SKU."""

from typing import Any

from .kernel import Answer, Command, Event
from .money import Money


class PutProduct(Command, frozen=True):
    """Create or replace the product; with `if_version`, only if that is its version (0: only if it is new)."""

    title: str
    price: Money
    description: str = ""
    category: tuple[str, ...] = ()
    vendor: str = ""
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    if_version: int | None = None


class LookProduct(Command, frozen=True):
    """Read the product."""


class ProductPut(Event, frozen=True):
    """The product is now this."""

    title: str
    price: Money
    description: str = ""
    category: tuple[str, ...] = ()
    vendor: str = ""
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class ProductView(Answer, frozen=True):
    """The product at a version (1, 2, ...: the number of times it was put)."""

    sku: str
    version: int
    title: str
    price: Money
    description: str
    category: tuple[str, ...]
    vendor: str
    tags: tuple[str, ...]
    images: tuple[str, ...]
    attributes: dict[str, Any]
