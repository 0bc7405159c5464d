"""Products: a row for each version, and what a sale notes of the product it is about."""

from collections.abc import Iterator, Sequence

from engine.kernel import Event
from engine.product import PRODUCT, Product
from engine.publication import Stage

from ..tables import ProductRow, Row
from .around import Described, Where

LEVELS = " > "


def product_rows(where: Where, product: Product, events: Sequence[Event]) -> Iterator[Row]:
    """The row of one entry: the product as it is after it. `product` is the state before and is changed."""
    for event in events:
        PRODUCT.apply(product, event)
    content = product.content
    if content is None:
        return
    yield ProductRow(
        shard=where.shard,
        position=where.position,
        index=0,
        at=where.at,
        sku=product.sku,
        version=product.version,
        title=content.title,
        category=category_of(product),
        categories=",".join(content.categories),
        vendor=content.vendor,
        tags=",".join(content.tags),
        price=content.price.amount,
        compare_at=content.compare_at,
        currency=content.price.currency,
        active=product.stage == Stage.PUBLISHED and not product.deleted,
        deleted=product.deleted,
        bundle=bool(content.components),
        weight_g=content.weight_g,
        created_at=content.created_at,
        published_at=content.publish_at,
        description=content.description,
    )


def category_of(product: Product) -> str:
    """Its levels, or the first of its categories where it has none."""
    content = product.content
    if content is None:
        return ""
    return LEVELS.join(content.category) or next(iter(content.categories), "")


def described(product: Product) -> Described:
    """What a sale notes of it."""
    return Described(category_of(product), product.content.vendor if product.content is not None else "")
