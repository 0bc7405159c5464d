"""Stocks: one row for each change, with the quantities after it.

A stock's own state remembers every open hold. For its quantities a `Tally` is enough: a few numbers, however many
reservations there are, so the lake can keep one for every stock beside its positions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from engine.backorders import Backordered, BackorderFilled, BackorderReturned
from engine.incoming import Dispatched, take_in_cost
from engine.kernel import Event
from engine.reservation import Committed, Expired, Released, Reserved, Returned
from engine.stock import Adjusted, PolicySet, Received, Stock

from ..tables import Row, StockMove
from .around import Where, happened_at


class Tally(msgspec.Struct, array_like=True, gc=False):
    """The quantities of a stock at a version: all that its moves need to know. The key is SKU@location."""

    key: str
    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0
    average_cost_milli: int = 0
    cost_currency: str = ""


def tally_of(stock: Stock) -> Tally:
    """The quantities of a whole state."""
    return Tally(
        stock.key, stock.on_hand, stock.reserved, stock.safety_stock, stock.average_cost_milli, stock.cost_currency
    )


class Move(NamedTuple):
    """What an event does to the quantities."""

    kind: str
    units: int
    on_hand: int = 0
    reserved: int = 0


def _received(tally: Tally, event: Received) -> Move:
    if event.currency:
        take_in_cost(tally, event.quantity, event.cost, event.currency)  # type: ignore[arg-type]
    return Move("received", event.quantity, event.quantity)


def _policy(tally: Tally, event: PolicySet) -> Move:
    tally.safety_stock = event.safety_stock
    return Move("policy", 0)


MOVES: Mapping[type[Event], Callable[[Tally, Any], Move]] = {
    Received: _received,
    Adjusted: lambda _tally, event: Move("adjusted", event.delta, event.delta),
    Dispatched: lambda _tally, event: Move("dispatched", event.quantity, -event.quantity),
    Reserved: lambda _tally, event: Move("reserved", event.quantity, 0, event.quantity),
    Committed: lambda _tally, event: Move("sold", event.quantity, -event.quantity, -event.quantity),
    # Of what never was held, or was only promised, nothing is freed: its quantity is 0.
    Released: lambda _tally, event: Move("released", event.quantity, 0, -event.quantity),
    Expired: lambda _tally, event: Move("expired", event.quantity, 0, -event.quantity),
    Returned: lambda _tally, event: Move("returned", event.quantity, event.quantity),
    Backordered: lambda _tally, event: Move("backordered", event.quantity),
    BackorderFilled: lambda _tally, event: Move("backorder-filled", event.quantity, 0, event.quantity),
    BackorderReturned: lambda _tally, event: Move("backorder-returned", event.quantity),
    PolicySet: _policy,
}


def apply(tally: Tally, event: Event) -> Move | None:
    """The quantities are now as the event tells; None where they don't change."""
    moving = MOVES.get(type(event))
    if moving is None:
        return None
    move = moving(tally, event)
    tally.on_hand += move.on_hand
    tally.reserved += move.reserved
    return move


def stock_rows(where: Where, tally: Tally, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry; `tally` is before it and is changed."""
    sku, _, location = tally.key.partition("@")
    index = 0
    for event in events:
        if (move := apply(tally, event)) is None:
            continue
        yield StockMove(
            shard=where.shard,
            position=where.position,
            index=index,
            at=happened_at(where, event),
            sku=sku,
            location=location,
            kind=move.kind,
            units=move.units,
            on_hand_change=move.on_hand,
            reserved_change=move.reserved,
            on_hand=tally.on_hand,
            reserved=tally.reserved,
            available=tally.on_hand - tally.reserved - tally.safety_stock,
            safety_stock=tally.safety_stock,
            cost=getattr(event, "cost", 0),
            unit_cost_milli=tally.average_cost_milli,
            currency=tally.cost_currency,
            order_id=getattr(event, "reservation_id", "").partition(":")[0],
            reason=getattr(event, "reason", ""),
            reference=getattr(event, "reference", ""),
        )
        index += 1
