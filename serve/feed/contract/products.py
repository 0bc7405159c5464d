"""What a product's entries tell the outside."""

from collections.abc import Iterator

from actors.feed.fold import Folded
from engine.product import ProductDeleted, ProductPut, ProductView

from . import models
from .envelope import Told


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
