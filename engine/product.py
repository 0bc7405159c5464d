"""A product as the catalogue shows it: key is the SKU."""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from .money import Money
from .reasons import Reason

LONGEST_TITLE = 500
"""Characters."""

LONGEST_DESCRIPTION = 100_000
"""Characters."""

MOST_ITEMS = 250
"""Levels of a category, tags, images or attributes of one product."""


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


class Product(msgspec.Struct, array_like=True, gc=False):
    """The state of a product: what was put last, and how often something was."""

    sku: str
    version: int = 0
    content: ProductPut | None = None


def _put(product: Product, command: PutProduct, _now: Instant) -> Outcome:
    if refusal := _misshapen(command):
        return refusal
    content = ProductPut(
        command.title,
        command.price,
        command.description,
        command.category,
        command.vendor,
        command.tags,
        command.images,
        command.attributes,
    )
    if content == product.content and command.if_version in (None, product.version - 1, product.version):
        # A retry, or the same import again.
        return Accepted((), _view(product.sku, product.version, content))
    if command.if_version is not None and command.if_version != product.version:
        return Rejected(Reason.VERSION_CONFLICT, {"version": product.version})
    return Accepted((content,), _view(product.sku, product.version + 1, content))


def _misshapen(command: PutProduct) -> Rejected | None:
    if not 0 < len(command.title) <= LONGEST_TITLE:
        return invalid("title", f"have 1 to {LONGEST_TITLE} characters")
    if not command.price.is_price():
        return invalid("price", "be a price in minor units and an ISO 4217 currency")
    if len(command.description) > LONGEST_DESCRIPTION:
        return invalid("description", f"have at most {LONGEST_DESCRIPTION} characters")
    for field in ("category", "tags", "images", "attributes"):
        if len(getattr(command, field)) > MOST_ITEMS:
            return invalid(field, f"have at most {MOST_ITEMS} items")
    return None


def _look(product: Product, _command: LookProduct, _now: Instant) -> Outcome:
    if product.content is None:
        return Rejected(Reason.NOT_FOUND)
    return Accepted((), view(product))


def view(product: Product) -> ProductView:
    """The product as the world sees it, once it was put."""
    assert product.content is not None, "only a product that was put is looked at"
    return _view(product.sku, product.version, product.content)


def _view(sku: str, version: int, content: ProductPut) -> ProductView:
    return ProductView(
        sku,
        version,
        content.title,
        content.price,
        content.description,
        content.category,
        content.vendor,
        content.tags,
        content.images,
        content.attributes,
    )


_DECISIONS: dict[type[Command], Callable[[Product, Any, Instant], Outcome]] = {
    PutProduct: _put,
    LookProduct: _look,
}


def decide(product: Product, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](product, command, now)


def apply(product: Product, event: ProductPut) -> None:
    """The product is now what the event says."""
    product.version += 1
    product.content = event


PRODUCT = Kind(
    name="product",
    new=Product,
    decide=decide,
    apply=apply,
    commands=PutProduct | LookProduct,
    events=ProductPut,
    answers=ProductView,
    state=Product,
    view=view,
    listed=True,
)
