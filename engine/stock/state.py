"""The quantities and reservations of a stock, and how events change them."""

from collections.abc import Callable
from typing import Any

import msgspec

from .. import backorders, incoming
from ..backorders import Promise
from ..incoming import Dispatched, Expected
from ..kernel import Event, Instant, Message
from ..reservation import (
    ENDED_KEPT_MS,
    FORGET_EVERY_MS,
    SOLD_KEPT_MS,
    Committed,
    Ended,
    Expired,
    Hold,
    NextExpiryFound,
    Released,
    Reserved,
    Returned,
    Sold,
    count_back,
    forget_before,
)
from .messages import Adjusted, PolicySet, Received, StockView

RECEIPTS_KEPT = 1_000
"""Receipts, and as many adjustments, that are remembered by id."""


class Stock(msgspec.Struct, array_like=True, gc=False):
    """The state of one SKU at one location; its version counts its events.

    Every reservation is in `open` first. From there it goes to `ended`, or over `sold` into oblivion: of one that is
    nowhere, a sequence below `next_sequence` tells that it was committed.
    """

    key: str
    version: int = 0
    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0
    incoming: int = 0
    customer_limit: int = 0
    next_sequence: int = 1
    next_expiry: Instant = 0
    """No open hold expires before this; 0 when none is open."""
    forget_at: Instant = 0
    open: dict[str, Hold] = {}
    sold: dict[str, Sold] = {}
    ended: dict[str, Ended] = {}
    bought: dict[str, int] = {}
    """Units held and committed by customer, counted only while there is a limit per customer."""
    receipts: dict[str, None] = {}
    adjustments: dict[str, None] = {}
    expected: dict[str, Expected] = {}
    expected_units: int = 0
    expected_at: Instant = 0
    """When the first of the expected units should come; 0 when nobody knows."""
    dispatches: dict[str, Dispatched] = {}
    average_cost_milli: int = 0
    """The moving average of what a unit here cost, in thousandths of a minor unit."""
    cost_currency: str = ""
    backorder_limit: int = 0
    available_from: Instant = 0
    promised: int = 0
    """What the promises are about together."""
    promises: dict[str, Promise] = {}
    """Reservations that wait for goods, the oldest first: see `engine.backorders`."""

    @property
    def available(self) -> int:
        """Units that can be reserved; below zero when the safety stock was raised over what is free."""
        return self.on_hand - self.reserved - self.safety_stock


def view(stock: Stock) -> StockView:
    """The quantities as the world sees them."""
    return StockView(
        stock.on_hand,
        stock.reserved,
        # What is left beside those who wait for more than that is nobody else's.
        0 if stock.promises else max(0, stock.available),
        stock.safety_stock,
        stock.incoming + stock.expected_units,
        stock.customer_limit,
        stock.version,
        stock.expected_at,
        stock.average_cost_milli,
        stock.cost_currency,
        stock.backorder_limit,
        stock.promised,
        stock.available_from,
    )


def _apply_reserved(stock: Stock, event: Reserved) -> None:
    stock.open[event.reservation_id] = Hold(stock.next_sequence, event.expires_at, event.quantity, event.customer)
    stock.next_sequence += 1
    stock.reserved += event.quantity
    if not stock.next_expiry or event.expires_at < stock.next_expiry:
        stock.next_expiry = event.expires_at
    if stock.customer_limit and event.customer:
        stock.bought[event.customer] = stock.bought.get(event.customer, 0) + event.quantity


def _apply_committed(stock: Stock, event: Committed) -> None:
    hold = _close(stock, event.reservation_id, event.at)
    assert hold is not None, "only an open reservation is committed"
    stock.on_hand -= hold.quantity
    stock.sold[event.reservation_id] = Sold(hold.sequence, hold.expires_at, event.at)


def _apply_released(stock: Stock, event: Released) -> None:
    hold = _close(stock, event.reservation_id, event.at) or backorders.drop(stock, event.reservation_id)
    if hold is not None:
        count_back(stock.bought, hold.customer, hold.quantity)
    stock.ended[event.reservation_id] = Ended(event.at, "released")


def _apply_expired(stock: Stock, event: Expired) -> None:
    hold = _close(stock, event.reservation_id, event.at) or backorders.drop(stock, event.reservation_id)
    if hold is not None:
        count_back(stock.bought, hold.customer, hold.quantity)
    stock.ended[event.reservation_id] = Ended(event.at, "expired")


def _apply_returned(stock: Stock, event: Returned) -> None:
    stock.on_hand += event.quantity
    stock.ended[event.reservation_id] = Ended(event.at, "returned")
    count_back(stock.bought, event.customer, event.quantity)


def _apply_received(stock: Stock, event: Received) -> None:
    if event.currency:
        incoming.take_in_cost(stock, event.quantity, event.cost, event.currency)
    stock.on_hand += event.quantity
    _remember(stock.receipts, event.receipt_id)


def _apply_adjusted(stock: Stock, event: Adjusted) -> None:
    stock.on_hand += event.delta
    _remember(stock.adjustments, event.adjustment_id)


def _apply_policy(stock: Stock, event: PolicySet) -> None:
    if not event.customer_limit:
        stock.bought = {}
    elif not stock.customer_limit:
        # Counting begins with what is held now; earlier sales were not counted by customer.
        holds: list[Hold | Promise] = [*stock.open.values(), *stock.promises.values()]
        for hold in holds:
            if hold.customer:
                stock.bought[hold.customer] = stock.bought.get(hold.customer, 0) + hold.quantity
    stock.safety_stock = event.safety_stock
    stock.customer_limit = event.customer_limit
    stock.incoming = event.incoming
    stock.backorder_limit = event.backorder_limit
    stock.available_from = event.available_from


def _apply_next_expiry(stock: Stock, event: NextExpiryFound) -> None:
    stock.next_expiry = event.expires_at


def _close(stock: Stock, reservation_id: str, at: Instant) -> Hold | None:
    """Take the reservation out of the open ones, if it is one of them, and now and then forget old ones."""
    if at >= stock.forget_at:
        stock.forget_at = at + FORGET_EVERY_MS
        forget_before(stock.sold, at - SOLD_KEPT_MS)
        forget_before(stock.ended, at - ENDED_KEPT_MS)
    hold = stock.open.pop(reservation_id, None)
    if hold is not None:
        stock.reserved -= hold.quantity
        if not stock.open and not stock.promises:
            stock.next_expiry = 0
    return hold


def _remember(ids: dict[str, None], new: str) -> None:
    ids[new] = None
    if len(ids) > RECEIPTS_KEPT:
        del ids[next(iter(ids))]


_CHANGES: dict[type[Message], Callable[[Stock, Any], None]] = {
    Reserved: _apply_reserved,
    Committed: _apply_committed,
    Released: _apply_released,
    Expired: _apply_expired,
    Returned: _apply_returned,
    Received: _apply_received,
    Adjusted: _apply_adjusted,
    PolicySet: _apply_policy,
    NextExpiryFound: _apply_next_expiry,
    **incoming.CHANGES,
    **backorders.CHANGES,
}


def apply(stock: Stock, event: Event) -> None:
    """Change the stock as the event tells."""
    stock.version += 1
    _CHANGES[type(event)](stock, event)
