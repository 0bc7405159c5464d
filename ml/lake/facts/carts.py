"""Carts: one row for each change of a line, and for what becomes of the whole."""

from collections.abc import Iterator, Sequence

from engine.cart import (
    CartCleared,
    CartMerged,
    CartSealed,
    CartUnsealed,
    Line,
    LineRemoved,
    LineSet,
    LinesTakenIn,
)
from engine.kernel import Event

from ..tables import CartRow, Row
from .around import Where, happened_at

MARKS = (b"LineSet", b"LineRemoved", b"CartCleared", b"CartSealed", b"CartUnsealed", b"CartMerged", b"LinesTakenIn")
"""Entry types as they stand in the bytes."""


def cart_rows(where: Where, cart_id: str, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry of this cart."""
    index = 0
    for event in events:
        for kind, line, sku, order_id in _told(event):
            yield CartRow(
                shard=where.shard,
                position=where.position,
                index=index,
                at=happened_at(where, event),
                cart_id=cart_id,
                kind=kind,
                sku=sku,
                units=line.quantity if line is not None else 0,
                price=line.price.amount if line is not None else 0,
                currency=line.price.currency if line is not None else "",
                customer="",
                order_id=order_id,
            )
            index += 1


def _told(event: Event) -> Iterator[tuple[str, Line | None, str, str]]:
    """Kind, line, SKU and order."""
    match event:
        case LineSet(line=line):
            yield "set", line, line.sku, ""
        case LinesTakenIn(lines=lines):
            for line in lines:
                yield "set", line, line.sku, ""
        case LineRemoved(sku=sku):
            yield "removed", None, sku, ""
        case CartCleared():
            yield "cleared", None, "", ""
        case CartMerged():
            yield "merged", None, "", ""
        case CartSealed(order_id=order_id):
            yield "sealed", None, "", order_id
        case CartUnsealed(order_id=order_id):
            yield "unsealed", None, "", order_id
