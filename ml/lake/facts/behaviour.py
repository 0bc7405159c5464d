"""Behaviour: one row for each thing that a visitor did, and for what ties visitors to customers or unties them.

What an anonymous visitor did before a login stays as it was told: a `login` row says whose it is. So nothing is counted
twice that came to a customer from a browser, and whoever reads by customer joins by that row.
"""

from collections.abc import Iterator, Sequence

from engine.kernel import Event
from engine.order import ACCOUNT_PREFIX
from engine.visitor import (
    ANONYMOUS_PREFIX,
    UNLINKED_PREFIX,
    Action,
    Behaved,
    BehaviourForgotten,
    BehaviourHandedOver,
    BehaviourRecorded,
    Shown,
)

from ..tables import Behaviour, Row
from .around import Where

MARKS = (b"BehaviourRecorded", b"BehaviourHandedOver", b"BehaviourForgotten")
"""Entry types as they stand in the bytes. What was taken in was told where it came from."""

ACTIONS = {
    Action.VIEW: "view",
    Action.SEARCH: "search",
    Action.CLICK: "click",
    Action.ADD_TO_CART: "add",
    Action.REMOVE_FROM_CART: "remove",
    Action.CHECKOUT_STARTED: "checkout",
    # Not "purchase": a visitor's word is no sale.
    Action.PURCHASE: "ordered",
}
LOGIN, FORGET = "login", "forget"

_NOTHING = Behaved("", Action.VIEW, 0)


def behaviour_rows(where: Where, key: str, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry of this visitor."""
    index = 0
    for event in events:
        match event:
            case BehaviourRecorded(events=told, shown=shown):
                for behaved in told:
                    action = ACTIONS[behaved.action]
                    yield _row(where, index, key, action, behaved.at, behaved, shown.get(behaved.sku))
                    index += 1
            case BehaviourHandedOver(account_id=account_id, at=at):
                yield _row(where, index, key, LOGIN, at, _NOTHING, None, account_id)
                index += 1
            case BehaviourForgotten(at=at):
                yield _row(where, index, key, FORGET, at, _NOTHING, None)
                index += 1


def _row(
    where: Where, index: int, key: str, action: str, at: int, behaved: Behaved, shown: Shown | None, customer: str = ""
) -> Behaviour:
    visitor = "" if key.startswith(UNLINKED_PREFIX) else key.removeprefix(ANONYMOUS_PREFIX)
    return Behaviour(
        shard=where.shard,
        position=where.position,
        index=index,
        at=at,
        event_id=behaved.id,
        action=action,
        visitor=visitor,
        customer=key if key.startswith(ACCOUNT_PREFIX) else customer,
        session=behaved.session,
        sku=behaved.sku,
        quantity=behaved.quantity,
        price=shown.price.amount if shown is not None else 0,
        currency=shown.price.currency if shown is not None else "",
        query=behaved.query,
        placement=behaved.placement,
        rank=behaved.rank,
        list_id=behaved.list_id,
        variant="",
        propensity=0.0,
        order_id=behaved.order_id,
        referrer="",
        category=shown.category if shown is not None else "",
        received_at=where.at,
    )
