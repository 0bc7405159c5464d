"""The stock of one SKU at one location: what is on hand, what is held for whom, and until when.

A reservation ends in exactly one way: commit, release or expiry. Every command names its reservation (or receipt), so
sending one twice is harmless. Memory is bounded by the holds that are open, not by the units ever sold.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from . import backorders, incoming
from .backorders import (
    MOST_PROMISED,
    Backordered,
    BackorderEvent,
    BackorderSold,
    BackorderView,
    LookBackorder,
    Promise,
)
from .incoming import Dispatch, Dispatched, DispatchTaken, Expect, ExpectationSet, ExpectationTold, Expected
from .kernel import (
    Accepted,
    Answer,
    Command,
    Event,
    Instant,
    Kind,
    Message,
    Outcome,
    Rejected,
    ReminderDue,
    invalid,
    tag_of,
)
from .money import MOST_TOTAL
from .reasons import Reason
from .reservation import (
    COMMIT_KNOWN_MS,
    DAY_MS,
    ENDED_KEPT_MS,
    FORGET_EVERY_MS,
    LONGEST_HOLD_MS,
    MOST_EXPIRED_AT_ONCE,
    MOST_UNITS,
    SECOND_MS,
    SOLD_KEPT_MS,
    Commit,
    Committed,
    Done,
    Ended,
    Expired,
    Held,
    Hold,
    NextExpiryFound,
    Release,
    Released,
    Reserve,
    Reserved,
    Return,
    Returned,
    Sold,
)

__all__ = [
    "COMMIT_KNOWN_MS",
    "DAY_MS",
    "ENDED_KEPT_MS",
    "LONGEST_HOLD_MS",
    "MOST_EXPIRED_AT_ONCE",
    "MOST_ON_HAND",
    "MOST_UNITS",
    "RECEIPTS_KEPT",
    "SECOND_MS",
    "SOLD_KEPT_MS",
    "STOCK",
    "Adjust",
    "Adjusted",
    "Commit",
    "Committed",
    "Done",
    "Ended",
    "Expired",
    "Held",
    "Hold",
    "LookStock",
    "NextExpiryFound",
    "PolicySet",
    "Receive",
    "Received",
    "Release",
    "Released",
    "Reserve",
    "Reserved",
    "Return",
    "Returned",
    "SetPolicy",
    "Sold",
    "Stock",
    "StockView",
    "stock_key",
]

MOST_ON_HAND = 1_000_000_000
"""Units of one SKU at one location."""

RECEIPTS_KEPT = 1_000
"""Receipts, and as many adjustments, that are remembered by id."""


DEFAULT_LOCATION = "default"


def stock_key(sku: str, location: str = DEFAULT_LOCATION) -> str:
    """The key of a SKU's stock at a location; its tag is the SKU."""
    return f"{sku}@{location}"


class Receive(Command, frozen=True):
    """Goods arrived. The same `receipt_id` again changes nothing and gets the same answer.

    `cost` is what all of them cost in minor units of `currency`, landed here; without a currency nobody knows.
    """

    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""
    cost: int = 0
    currency: str = ""


class Adjust(Command, frozen=True):
    """Correct on_hand by `delta` (breakage, count), never below what is reserved."""

    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class SetPolicy(Command, frozen=True):
    """Change safety stock, the limit per customer (0: none) or what is expected to come; None leaves as it is.

    `backorder_limit` units are sold beyond what is here, to be shipped from `available_from` on (0: nobody knows).
    """

    safety_stock: int | None = None
    customer_limit: int | None = None
    incoming: int | None = None
    backorder_limit: int | None = None
    available_from: Instant | None = None


class LookStock(Command, frozen=True):
    """Read the quantities."""


class Received(Event, frozen=True):
    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""
    cost: int = 0
    currency: str = ""


class Adjusted(Event, frozen=True):
    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class PolicySet(Event, frozen=True):
    safety_stock: int
    customer_limit: int
    incoming: int
    backorder_limit: int = 0
    available_from: Instant = 0


class StockView(Answer, frozen=True):
    """Quantities in units; available = on_hand - reserved - safety_stock, shown as at least 0.

    `incoming` is what was set by hand and what purchase orders and transfers are to bring, the first of it at
    `expected_at` (0: nobody knows). The average cost is in thousandths of a minor unit.
    """

    on_hand: int
    reserved: int
    available: int
    safety_stock: int
    incoming: int
    customer_limit: int
    version: int
    expected_at: Instant = 0
    average_cost_milli: int = 0
    cost_currency: str = ""
    backorder_limit: int = 0
    promised: int = 0
    """Units sold that aren't here yet."""
    available_from: Instant = 0

    @property
    def backorderable(self) -> int:
        """Units that can be sold before they are here."""
        return max(0, self.backorder_limit - self.promised)


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


def _reserve(stock: Stock, command: Reserve, now: Instant) -> Outcome:
    reservation_id, quantity, expires_at = command.reservation_id, command.quantity, command.expires_at
    if not reservation_id:
        return invalid("reservation_id", "not be empty")
    if not 0 < quantity <= MOST_UNITS:
        return invalid("quantity", f"be 1 to {MOST_UNITS}")
    if expires_at - now > LONGEST_HOLD_MS:
        return invalid("expires_at", f"be at most {LONGEST_HOLD_MS} ms ahead")
    if known := stock.open.get(reservation_id) or stock.sold.get(reservation_id):
        # A retry gets its first answer, so a lost reply is always safe to send again.
        return Accepted((), Held(known.sequence, known.expires_at))
    if promise := stock.promises.get(reservation_id):
        return Accepted((), backorders.held(stock, promise.sequence, promise.expires_at))
    if reservation_id in stock.ended or expires_at <= now:
        return _refuse(stock, Reason.RESERVATION_ENDED)
    # While somebody waits for goods, nobody passes by.
    is_here = quantity <= stock.available and not stock.promises
    if not is_here and (refusal := backorders.refusal(stock, command)):
        return refusal
    if stock.customer_limit:
        # Who can't be told from others is counted alone.
        bought = stock.bought.get(command.customer, 0) if command.customer else 0
        if bought + quantity > stock.customer_limit:
            return _refuse(stock, Reason.CUSTOMER_LIMIT, limit=stock.customer_limit, bought=bought)
    if not is_here:
        promised = Backordered(reservation_id, quantity, expires_at, command.customer)
        return Accepted((promised,), backorders.held(stock, stock.next_sequence, expires_at))
    return Accepted(
        (Reserved(reservation_id, quantity, expires_at, command.customer),), Held(stock.next_sequence, expires_at)
    )


def _commit(stock: Stock, command: Commit, now: Instant) -> Outcome:
    hold = stock.open.get(command.reservation_id)
    if hold is not None and hold.sequence == command.sequence:
        # Even past its expiry: as long as nobody recorded the end, the units are still held.
        return Accepted((Committed(command.reservation_id, hold.quantity, now),), _DONE)
    promise = stock.promises.get(command.reservation_id)
    if promise is not None and promise.sequence == command.sequence:
        return Accepted(() if promise.paid else (BackorderSold(command.reservation_id, now),), _DONE)
    if command.reservation_id in stock.ended:
        return _refuse(stock, Reason.RESERVATION_ENDED)
    if not 0 < command.sequence < stock.next_sequence:
        return _refuse(stock, Reason.RESERVATION_UNKNOWN)
    if now - command.expires_at >= COMMIT_KNOWN_MS:
        # It may have ended in another way and be forgotten: the order undoes what it must not keep.
        return _refuse(stock, Reason.RESERVATION_ENDED)
    return Accepted((), _DONE)


def _release(stock: Stock, command: Release, now: Instant) -> Outcome:
    # A reservation committed longer ago than `SOLD_KEPT_MS` can't be told from one that never was. An order releases
    # only what it never asked to commit.
    if not command.reservation_id:
        return invalid("reservation_id", "not be empty")
    if command.reservation_id in stock.ended or command.reservation_id in stock.sold:
        return Accepted((), _DONE)
    promise = stock.promises.get(command.reservation_id)
    if promise is not None and promise.paid:
        return Accepted((), _DONE)
    hold = stock.open.get(command.reservation_id)
    return Accepted((Released(command.reservation_id, hold.quantity if hold else 0, now),), _DONE)


def _return(stock: Stock, command: Return, now: Instant) -> Outcome:
    if not command.reservation_id:
        return invalid("reservation_id", "not be empty")
    if not 0 < command.quantity <= MOST_UNITS:
        return invalid("quantity", f"be 1 to {MOST_UNITS}")
    if ended := stock.ended.get(command.reservation_id):
        return Accepted((), _DONE) if ended.how == "returned" else _refuse(stock, Reason.RESERVATION_ENDED)
    if command.reservation_id in stock.open:
        return _refuse(stock, Reason.RESERVATION_UNKNOWN)
    if stock.promises and (found := backorders.promise_of_order(stock, command.reservation_id)):
        name, quantity = command.reservation_id, command.quantity
        return backorders.take_back(stock, name, found[0], quantity, now, command.customer)
    return Accepted((Returned(command.reservation_id, command.quantity, now, command.customer),), _DONE)


def _receive(stock: Stock, command: Receive, _now: Instant) -> Outcome:
    if not command.receipt_id:
        return invalid("receipt_id", "not be empty")
    if not 0 < command.quantity <= MOST_UNITS:
        return invalid("quantity", f"be 1 to {MOST_UNITS}")
    if not 0 <= command.cost <= MOST_TOTAL:
        return invalid("cost", f"be 0 to {MOST_TOTAL}")
    if command.receipt_id in stock.receipts:
        return Accepted((), _DONE)
    if stock.on_hand + command.quantity > MOST_ON_HAND:
        return invalid("quantity", f"not bring on_hand above {MOST_ON_HAND}")
    received = Received(
        command.receipt_id, command.quantity, command.reason, command.reference, command.cost, command.currency
    )
    return Accepted((received,), _DONE)


def _adjust(stock: Stock, command: Adjust, _now: Instant) -> Outcome:
    if not command.adjustment_id:
        return invalid("adjustment_id", "not be empty")
    if not 0 < abs(command.delta) <= MOST_UNITS:
        return invalid("delta", f"be -{MOST_UNITS} to {MOST_UNITS} and not 0")
    if command.adjustment_id in stock.adjustments:
        return Accepted((), _DONE)
    if stock.on_hand + command.delta > MOST_ON_HAND:
        return invalid("delta", f"not bring on_hand above {MOST_ON_HAND}")
    if stock.on_hand + command.delta < stock.reserved:
        return _refuse(stock, Reason.STOCK_IN_USE, on_hand=stock.on_hand, reserved=stock.reserved)
    return Accepted((Adjusted(command.adjustment_id, command.delta, command.reason, command.reference),), _DONE)


def _set_policy(stock: Stock, command: SetPolicy, _now: Instant) -> Outcome:
    for field in ("safety_stock", "customer_limit", "incoming"):
        value = getattr(command, field)
        if value is not None and not 0 <= value <= MOST_ON_HAND:
            return invalid(field, f"be 0 to {MOST_ON_HAND}")
    if command.backorder_limit is not None and not 0 <= command.backorder_limit <= MOST_PROMISED:
        return invalid("backorder_limit", f"be 0 to {MOST_PROMISED}")
    if command.available_from is not None and command.available_from < 0:
        return invalid("available_from", "be an instant, or 0 for none")
    policy = PolicySet(
        stock.safety_stock if command.safety_stock is None else command.safety_stock,
        stock.customer_limit if command.customer_limit is None else command.customer_limit,
        stock.incoming if command.incoming is None else command.incoming,
        stock.backorder_limit if command.backorder_limit is None else command.backorder_limit,
        stock.available_from if command.available_from is None else command.available_from,
    )
    if policy == _policy_of(stock):
        return Accepted((), _DONE)
    return Accepted((policy,), _DONE)


def _policy_of(stock: Stock) -> PolicySet:
    return PolicySet(
        stock.safety_stock, stock.customer_limit, stock.incoming, stock.backorder_limit, stock.available_from
    )


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


def _look(stock: Stock, _command: LookStock, _now: Instant) -> Outcome:
    return Accepted((), view(stock))


def _expire(stock: Stock, _command: ReminderDue, now: Instant) -> Outcome:
    """Expire what is due. `next_expiry` is only a bound, so where it said more than was true it is found anew."""
    if not stock.next_expiry or stock.next_expiry > now:
        return Accepted()
    due = list(islice((item for item in stock.open.items() if item[1].expires_at <= now), MOST_EXPIRED_AT_ONCE))
    expired = [Expired(reservation_id, hold.quantity, now) for reservation_id, hold in due]
    if len(due) == MOST_EXPIRED_AT_ONCE:
        # There may be more: the bound stays in the past, and the next reminder comes at once.
        return Accepted(tuple(expired))
    expired += backorders.due(stock, now)
    remaining = [hold.expires_at for hold in stock.open.values() if hold.expires_at > now]
    remaining += [p.expires_at for p in stock.promises.values() if not p.paid and p.expires_at > now]
    return Accepted((*expired, NextExpiryFound(min(remaining, default=0))))


def _refuse(stock: Stock, reason: Reason, **details: Any) -> Rejected:
    return Rejected(reason, {"sku": tag_of(stock.key), **details})


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
        _count_back(stock, hold.customer, hold.quantity)
    stock.ended[event.reservation_id] = Ended(event.at, "released")


def _apply_expired(stock: Stock, event: Expired) -> None:
    hold = _close(stock, event.reservation_id, event.at) or backorders.drop(stock, event.reservation_id)
    if hold is not None:
        _count_back(stock, hold.customer, hold.quantity)
    stock.ended[event.reservation_id] = Ended(event.at, "expired")


def _apply_returned(stock: Stock, event: Returned) -> None:
    stock.on_hand += event.quantity
    stock.ended[event.reservation_id] = Ended(event.at, "returned")
    _count_back(stock, event.customer, event.quantity)


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
        _forget(stock.sold, at - SOLD_KEPT_MS)
        _forget(stock.ended, at - ENDED_KEPT_MS)
    hold = stock.open.pop(reservation_id, None)
    if hold is not None:
        stock.reserved -= hold.quantity
        if not stock.open and not stock.promises:
            stock.next_expiry = 0
    return hold


def _count_back(stock: Stock, customer: str, quantity: int) -> None:
    bought = stock.bought.get(customer)
    if bought is None:
        return
    if bought > quantity:
        stock.bought[customer] = bought - quantity
    else:
        del stock.bought[customer]


def _forget(ends: dict[str, Sold] | dict[str, Ended], before: Instant) -> None:
    """Drop the oldest, which come first, up to an instant."""
    old = []
    for reservation_id, end in ends.items():
        if end.at >= before:
            break
        old.append(reservation_id)
    for reservation_id in old:
        del ends[reservation_id]


def _remember(ids: dict[str, None], new: str) -> None:
    ids[new] = None
    if len(ids) > RECEIPTS_KEPT:
        del ids[next(iter(ids))]


_DONE = Done()

_DECISIONS: dict[type[Command], Callable[[Stock, Any, Instant], Outcome]] = {
    Reserve: _reserve,
    Commit: _commit,
    Release: _release,
    Return: _return,
    Receive: _receive,
    Adjust: _adjust,
    SetPolicy: _set_policy,
    LookStock: _look,
    ReminderDue: _expire,
    **incoming.DECISIONS,
    **backorders.DECISIONS,
}

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


def decide(stock: Stock, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    outcome = _DECISIONS[type(command)](stock, command, now)
    if stock.promises and type(outcome) is Accepted and outcome.events:
        return backorders.with_fills(stock, outcome, now)
    return outcome


def apply(stock: Stock, event: Event) -> None:
    """Change the stock as the event tells."""
    stock.version += 1
    _CHANGES[type(event)](stock, event)


def remind_at(stock: Stock) -> Instant | None:
    """When a hold may expire; never later than the first does."""
    return stock.next_expiry or None


STOCK = Kind(
    name="stock",
    new=Stock,
    decide=decide,
    apply=apply,
    commands=Receive
    | Adjust
    | SetPolicy
    | Reserve
    | Commit
    | Release
    | Return
    | LookStock
    | Expect
    | Dispatch
    | LookBackorder,
    events=Received
    | Adjusted
    | PolicySet
    | Reserved
    | Committed
    | Released
    | Expired
    | Returned
    | NextExpiryFound
    | ExpectationSet
    | Dispatched
    | BackorderEvent,
    answers=Held | Done | StockView | ExpectationTold | DispatchTaken | BackorderView,
    state=Stock,
    remind_at=remind_at,
    view=view,
)
