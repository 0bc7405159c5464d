"""Why something is recommended, in a word for programs and a sentence for shoppers."""

from enum import StrEnum
from typing import NamedTuple

from .filters import Shelf
from .port import Query


class ReasonType(StrEnum):
    """What speaks for an item."""

    VIEWED = "viewed"
    BOUGHT = "bought"
    IN_CART = "in_cart"
    SIMILAR = "similar"
    BOUGHT_TOGETHER = "bought_together"
    POPULAR = "popular"
    FEATURED = "featured"


SENTENCES = {
    ReasonType.VIEWED: "Because you viewed {title}",
    ReasonType.BOUGHT: "Because you bought {title}",
    ReasonType.IN_CART: "Goes with {title} in your cart",
    ReasonType.SIMILAR: "Similar to {title}",
    ReasonType.BOUGHT_TOGETHER: "Often bought with {title}",
}
POPULAR_TEXT = "Popular now"
FEATURED_TEXT = "Chosen by the shop"


class Reason(NamedTuple):
    """`sku` is the item that speaks for it, or empty."""

    type: ReasonType
    sku: str
    text: str


POPULAR = Reason(ReasonType.POPULAR, "", POPULAR_TEXT)
FEATURED = Reason(ReasonType.FEATURED, "", FEATURED_TEXT)


def reason_of(because: str, query: Query, shelf: Shelf) -> Reason:
    """The reason of an item for which `because` spoke most; where that is no longer known, that it is popular."""
    source = because or query.sku
    product = shelf.product(source) if source else None
    if product is None:
        return POPULAR
    type = _type_of(source, query)
    return Reason(type, source, SENTENCES[type].format(title=product.title))


def _type_of(source: str, query: Query) -> ReasonType:
    if source == query.sku:
        return ReasonType.BOUGHT_TOGETHER if query.together else ReasonType.SIMILAR
    if source in query.basket:
        return ReasonType.IN_CART
    return ReasonType.VIEWED if source in query.session else ReasonType.BOUGHT
