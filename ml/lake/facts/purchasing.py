"""Purchase orders: what was ordered from whom, what it was promised for, and what came when."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine.kernel import Event
from engine.landed_cost import cost_of_part
from engine.purchase import PURCHASE, Purchase
from engine.purchase.events import (
    PurchaseCancelled,
    PurchaseClosed,
    PurchaseDrafted,
    PurchaseReceived,
    PurchaseRescheduled,
    PurchaseSent,
)
from engine.purchase.state import landed_of

from ..tables import PurchaseRow, Row
from .around import Where, happened_at

KINDS = {
    PurchaseDrafted: "drafted",
    PurchaseSent: "sent",
    PurchaseRescheduled: "rescheduled",
    PurchaseReceived: "received",
    PurchaseClosed: "closed",
    PurchaseCancelled: "cancelled",
}


class Story(msgspec.Struct, array_like=True, gc=False):
    """A purchase order, and for when its goods were promised at its sending: its state forgets that."""

    purchase: Purchase
    first_promised_at: int = 0


def story_of(purchase: Purchase) -> Story:
    """Of a state whose beginning isn't known any more: what is promised now."""
    content = purchase.content
    return Story(purchase, content.expected_at if content is not None and purchase.sent_at else 0)


def apply(story: Story, event: Event) -> None:
    """The order is now as the event tells."""
    PURCHASE.apply(story.purchase, event)
    if isinstance(event, PurchaseSent):
        story.first_promised_at = event.expected_at


class Part(NamedTuple):
    """What a row says of one line."""

    sku: str
    units: int
    damaged: int
    landed_cost: int


def purchase_rows(where: Where, story: Story, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry; `story` is as before it and is changed."""
    purchase = story.purchase
    index = 0
    for event in events:
        before = {sku: (purchase.outstanding(sku), done.received) for sku, done in purchase.progress.items()}
        apply(story, event)
        kind, content = KINDS.get(type(event)), purchase.content
        if kind is None or content is None:
            continue
        costs = {line.sku: line.unit_cost for line in content.lines}
        for part in _parts(purchase, event, before):
            yield PurchaseRow(
                shard=where.shard,
                position=where.position,
                index=index,
                at=happened_at(where, event),
                purchase_id=purchase.key,
                kind=kind,
                supplier=content.supplier,
                location=content.location,
                sku=part.sku,
                units=part.units,
                damaged=part.damaged,
                unit_cost=costs[part.sku],
                landed_cost=part.landed_cost,
                currency=content.currency,
                cost_currency=content.cost_currency or content.currency,
                sent_at=purchase.sent_at,
                promised_at=content.expected_at if purchase.sent_at else 0,
                first_promised_at=story.first_promised_at,
            )
            index += 1


def _parts(purchase: Purchase, event: Event, before: dict[str, tuple[int, int]]) -> Iterator[Part]:
    content = purchase.content
    assert content is not None
    if isinstance(event, PurchaseReceived):
        landed = dict(zip((line.sku for line in content.lines), landed_of(content), strict=True))
        ordered = {line.sku: line.quantity for line in content.lines}
        for came in event.lines:
            whole = landed[came.sku]
            cost = cost_of_part(whole, ordered[came.sku], before[came.sku][1], came.quantity) if came.quantity else 0
            yield Part(came.sku, came.quantity, came.damaged, cost)
    elif isinstance(event, PurchaseClosed | PurchaseCancelled):
        for line in content.lines:
            yield Part(line.sku, before[line.sku][0], 0, 0)
    else:
        for line, cost in zip(content.lines, landed_of(content), strict=True):
            yield Part(line.sku, line.quantity, 0, cost)
