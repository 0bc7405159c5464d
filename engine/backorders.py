"""Back-orders and pre-orders: units that are sold before they are here, up to a limit, and shipped in order.

Part of the stock's entity (`engine.stock`). What no unit is there for is *promised*: nothing is taken from on_hand, so
no quantity is ever below zero. Goods that arrive, or come back, go to the promises first, the oldest first, each as a
whole; until then nobody else gets them. A filled promise is a reservation like any other, committed at once if it was
paid. A pre-order is a promise with a date.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Message, Outcome, Rejected, invalid
from .reasons import Reason
from .reservation import Committed, Done, Ended, Expired, Held, Hold, Released, Reserve

if TYPE_CHECKING:
    from .stock import Stock

MOST_PROMISED = 100_000
"""Units of one stock that can be promised."""


class LookBackorder(Command, frozen=True):
    """Read whether an order still waits for goods."""

    order_id: str


class Backordered(Event, frozen=True):
    """Units are promised that aren't here; else as `Reserved`."""

    reservation_id: str
    quantity: int
    expires_at: Instant
    customer: str = ""


class BackorderSold(Event, frozen=True):
    """The promise is paid: it is kept, however long it takes."""

    reservation_id: str
    at: Instant


class BackorderFilled(Event, frozen=True):
    """The units are here: from now on the reservation holds them."""

    reservation_id: str
    quantity: int
    at: Instant


class BackorderReturned(Event, frozen=True):
    """So many units of the paid promise `promise_id` are wanted no more."""

    reservation_id: str
    promise_id: str
    quantity: int
    at: Instant
    customer: str = ""


class BackorderView(Answer, frozen=True):
    """Units of the order that wait for goods (0: none, they are here), and units promised before it."""

    waiting: int
    ahead: int


class Promise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reservation without units."""

    sequence: int
    expires_at: Instant
    quantity: int
    customer: str = ""
    paid: bool = False


BackorderEvent = Backordered | BackorderSold | BackorderFilled | BackorderReturned


def held(stock: "Stock", sequence: int, expires_at: Instant) -> Held:
    """The answer to a reservation that is promised."""
    return Held(sequence, expires_at, backordered=True, ships_from=stock.available_from or stock.expected_at)


def promise_of_order(stock: "Stock", reservation_id: str) -> tuple[str, Promise] | None:
    """The paid promise that a return of this name is about: an order has one reservation of a stock, and each part of
    it that comes back has a name of its own."""
    order_id = reservation_id.partition(":")[0] + ":"
    for name, promise in stock.promises.items():
        if promise.paid and (name == reservation_id or name.startswith(order_id)):
            return name, promise
    return None


def take_back(stock: "Stock", name: str, promise_id: str, quantity: int, now: Instant, customer: str) -> Outcome:
    """Units that never were here don't come back: they aren't promised any more."""
    promise = stock.promises[promise_id]
    if quantity > promise.quantity:
        return invalid("quantity", f"be at most the {promise.quantity} units of the reservation")
    return Accepted((BackorderReturned(name, promise_id, quantity, now, customer),), Done())


def due(stock: "Stock", now: Instant) -> Iterator[Expired]:
    """Promises that weren't paid in time. They held no unit."""
    for name, promise in stock.promises.items():
        if not promise.paid and promise.expires_at <= now:
            yield Expired(name, 0, now)


def with_fills(stock: "Stock", outcome: Accepted, now: Instant) -> Accepted:
    """The outcome, and what of the promises it fills: in their order, until one doesn't fit."""
    free = stock.available + sum(_freed(stock, event) for event in outcome.events)
    waiting = dict(stock.promises)
    for event in outcome.events:
        _follow(waiting, event)
    fills: list[Event] = []
    for name, promise in waiting.items():
        if promise.quantity > free:
            break
        free -= promise.quantity
        fills.append(BackorderFilled(name, promise.quantity, now))
        if promise.paid:
            fills.append(Committed(name, promise.quantity, now))
    return Accepted((*outcome.events, *fills), outcome.answer) if fills else outcome


def _freed(stock: "Stock", event: Event) -> int:
    """By how much the event changes what is available."""
    match type(event).__name__:
        case "Received" | "Returned" | "Released" | "Expired":
            return event.quantity  # type: ignore[attr-defined,no-any-return]
        case "Adjusted":
            return event.delta  # type: ignore[attr-defined,no-any-return]
        case "Dispatched" | "Reserved":
            return -event.quantity  # type: ignore[attr-defined,no-any-return]
        case "PolicySet":
            return stock.safety_stock - event.safety_stock  # type: ignore[attr-defined,no-any-return]
    return 0


def _follow(waiting: dict[str, Promise], event: Event) -> None:
    """Change a copy of the promises as the event will change them."""
    match event:
        case Released(reservation_id=name) | Expired(reservation_id=name):
            waiting.pop(name, None)
        case BackorderSold(reservation_id=name):
            waiting[name] = msgspec.structs.replace(waiting[name], paid=True)
        case BackorderReturned(promise_id=name, quantity=quantity):
            _reduce(waiting, name, quantity)
        case Backordered():
            # It is the last, and there is nothing for it: else it would not have been promised.
            return


def _reduce(promises: dict[str, Promise], name: str, quantity: int) -> None:
    left = promises[name].quantity - quantity
    if left:
        promises[name] = msgspec.structs.replace(promises[name], quantity=left)
    else:
        del promises[name]


def drop(stock: "Stock", name: str) -> Promise | None:
    """Take away a promise that ended unpaid."""
    promise = stock.promises.pop(name, None)
    if promise is not None:
        stock.promised -= promise.quantity
    return promise


def _look(stock: "Stock", command: LookBackorder, _now: Instant) -> Outcome:
    ahead = 0
    for name, promise in stock.promises.items():
        if name.partition(":")[0] == command.order_id:
            return Accepted((), BackorderView(promise.quantity, ahead))
        ahead += promise.quantity
    return Accepted((), BackorderView(0, 0))


def refusal(stock: "Stock", command: Reserve) -> Rejected | None:
    """Why so many units can't be promised."""
    if command.quantity <= stock.backorder_limit - stock.promised:
        return None
    available = 0 if stock.promises else max(0, stock.available)
    sku = stock.key.partition("@")[0]
    return Rejected(Reason.INSUFFICIENT_STOCK, {"sku": sku, "requested": command.quantity, "available": available})


def _apply_backordered(stock: "Stock", event: Backordered) -> None:
    promise = Promise(stock.next_sequence, event.expires_at, event.quantity, event.customer)
    stock.promises[event.reservation_id] = promise
    stock.next_sequence += 1
    stock.promised += event.quantity
    if not stock.next_expiry or event.expires_at < stock.next_expiry:
        stock.next_expiry = event.expires_at
    if stock.customer_limit and event.customer:
        stock.bought[event.customer] = stock.bought.get(event.customer, 0) + event.quantity


def _apply_sold(stock: "Stock", event: BackorderSold) -> None:
    promise = stock.promises[event.reservation_id]
    stock.promises[event.reservation_id] = msgspec.structs.replace(promise, paid=True)


def _apply_filled(stock: "Stock", event: BackorderFilled) -> None:
    promise = drop(stock, event.reservation_id)
    assert promise is not None, "only what is promised is filled"
    stock.open[event.reservation_id] = Hold(promise.sequence, promise.expires_at, promise.quantity, promise.customer)
    stock.reserved += promise.quantity


def _apply_returned(stock: "Stock", event: BackorderReturned) -> None:
    _reduce(stock.promises, event.promise_id, event.quantity)
    stock.promised -= event.quantity
    stock.ended[event.reservation_id] = Ended(event.at, "returned")
    bought = stock.bought.get(event.customer)
    if bought is not None:
        stock.bought[event.customer] = max(0, bought - event.quantity)


DECISIONS: Mapping[type[Command], Callable[[Any, Any, Instant], Outcome]] = {LookBackorder: _look}

CHANGES: Mapping[type[Message], Callable[[Any, Any], None]] = {
    Backordered: _apply_backordered,
    BackorderSold: _apply_sold,
    BackorderFilled: _apply_filled,
    BackorderReturned: _apply_returned,
}
