"""What entries of products and accounts tell the outside."""

from collections.abc import Iterator
from typing import Any

from actors.codec import KindCodec
from actors.feed.fold import Folded
from actors.journals.port import Entry
from engine.account import ACCOUNT
from engine.account.events import AccountErased, AccountOpened
from engine.product import ProductDeleted, ProductPut, ProductView

from . import models

ACCOUNT_MARKS = (b"AccountOpened", b"AccountErased")
"""Entry types as they stand in the bytes: most entries of an account have none, and are never decoded."""
Told = tuple[int, str, Any]

_decode_account = KindCodec(ACCOUNT).decode_events


def product_told(folded: Folded) -> Iterator[Told]:
    """Apply the entry's events, and tell what the product is now."""
    for event in folded.events:
        folded.apply(event)
    view = folded.kind.view
    assert view is not None
    product = view(folded.state)
    assert isinstance(product, ProductView)
    if any(isinstance(event, ProductDeleted) for event in folded.events):
        yield 0, "product.removed.v1", models.Removed(product.sku, product.version)
    elif folded.events:
        put = any(isinstance(event, ProductPut) for event in folded.events)
        yield 0, "product.put.v1" if put else "product.changed.v1", _data(product)


def account_told(entry: Entry) -> Iterator[Told]:
    """That an account was opened or erased, and nothing of whose it is."""
    if not any(mark in entry.events for mark in ACCOUNT_MARKS):
        return
    for index, event in enumerate(_decode_account(entry.events)):
        if isinstance(event, AccountOpened):
            yield index, "customer.registered.v1", models.Customer(entry.key)
        elif isinstance(event, AccountErased):
            yield index, "customer.erased.v1", models.Customer(entry.key)


def _data(product: ProductView) -> models.Product:
    return models.Product(
        product.sku,
        product.title,
        models.Money(product.price.amount, product.price.currency),
        product.visible,
        list(product.category),
        product.vendor,
        list(product.tags),
        product.version,
    )
