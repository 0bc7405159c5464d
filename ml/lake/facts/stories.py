"""Which kinds of entities the lake reads, and by what: what is folded of each, and the rows that its entries make."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from engine.account import ACCOUNT
from engine.cart import CART
from engine.credit import CREDIT
from engine.impressions import IMPRESSIONS
from engine.kernel import Event, Kind
from engine.order import ORDER
from engine.product import PRODUCT
from engine.purchase import PURCHASE
from engine.stock import STOCK
from engine.visitor import VISITOR

from ..tables import Row
from . import behaviour, carts, credits, customers, impressions, orders, products, purchasing, stock
from .around import Around, Where

Rows = Callable[[Where, Any, Sequence[Event], Around], Iterable[Row]]


class Story(msgspec.Struct, frozen=True):
    """How the entries of one kind are read.

    `rows(where, before, events, around)` gets what was folded up to the entry and folds on while it makes the rows.
    What is folded begins with `new(key)`, or, where older entries are gone, with `of` the state that stands in their
    place; `apply` folds without making rows. Entries in whose bytes none of `marks` stands change nothing that is told.

    `folded` is its type where it is kept beside the positions; None where the journal is asked again.
    """

    kind: Kind
    rows: Rows
    new: Callable[[str], Any]
    of: Callable[[Any], Any]
    apply: Callable[[Any, Any], Any]
    marks: tuple[bytes, ...] = ()
    folded: type | None = None
    alone: bool = False
    """An entry is understood without those before it: nothing is folded but the key."""


def _as_it_is(state: Any) -> Any:
    return state


def _nothing(_state: Any, _event: Any) -> None:
    return None


STORIES: Mapping[str, Story] = {
    story.kind.name: story
    for story in (
        Story(ORDER, orders.order_rows, ORDER.new, _as_it_is, ORDER.apply),
        Story(
            STOCK,
            lambda where, tally, events, _around: stock.stock_rows(where, tally, events),
            stock.Tally,
            stock.tally_of,
            stock.apply,
            folded=stock.Tally,
        ),
        Story(
            PRODUCT,
            lambda where, product, events, _around: products.product_rows(where, product, events),
            PRODUCT.new,
            _as_it_is,
            PRODUCT.apply,
        ),
        Story(ACCOUNT, customers.customer_rows, ACCOUNT.new, _as_it_is, customers.apply, customers.MARKS),
        Story(
            PURCHASE,
            lambda where, story, events, _around: purchasing.purchase_rows(where, story, events),
            lambda key: purchasing.Story(PURCHASE.new(key)),
            purchasing.story_of,
            purchasing.apply,
        ),
        Story(
            CREDIT,
            lambda where, key, events, around: credits.credit_rows(where, key, events, around),
            _as_it_is,
            _as_it_is,
            _nothing,
            alone=True,
        ),
        Story(
            CART,
            lambda where, key, events, _around: carts.cart_rows(where, key, events),
            _as_it_is,
            _as_it_is,
            _nothing,
            carts.MARKS,
            alone=True,
        ),
        Story(
            VISITOR,
            lambda where, key, events, _around: behaviour.behaviour_rows(where, key, events),
            _as_it_is,
            lambda state: state.visitor_id,
            _nothing,
            behaviour.MARKS,
            alone=True,
        ),
        Story(
            IMPRESSIONS,
            lambda where, _key, events, _around: impressions.impression_rows(where, events),
            _as_it_is,
            lambda state: state.key,
            _nothing,
            alone=True,
        ),
    )
}
"""By the kind's name. Customer groups are beside these: what they say is about accounts (see `groups`)."""
