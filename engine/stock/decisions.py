"""What a stock does at each command, and when a hold expires."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from .. import backorders, incoming
from ..backorders import MOST_PROMISED, Backordered, BackorderSold
from ..kernel import Accepted, Command, Instant, Outcome, Rejected, ReminderDue, invalid, tag_of
from ..money import MOST_TOTAL
from ..reasons import Reason
from ..reservation import (
    COMMIT_KNOWN_MS,
    LONGEST_HOLD_MS,
    MOST_EXPIRED_AT_ONCE,
    MOST_UNITS,
    Commit,
    Committed,
    Done,
    Expired,
    Held,
    NextExpiryFound,
    Release,
    Released,
    Reserve,
    Reserved,
    Return,
    Returned,
)
from .messages import Adjust, Adjusted, LookStock, PolicySet, Receive, Received, SetPolicy
from .state import Stock, view

MOST_ON_HAND = 1_000_000_000
"""Units of one SKU at one location."""


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


def decide(stock: Stock, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    outcome = _DECISIONS[type(command)](stock, command, now)
    if stock.promises and type(outcome) is Accepted and outcome.events:
        return backorders.with_fills(stock, outcome, now)
    return outcome
