"""Units that are cancelled before they leave: they go back to their stock, what was paid for them goes back too."""

from collections.abc import Callable, Iterator
from typing import Any

from ...kernel import Accepted, Command, Effect, Event, Instant, Outcome, Rejected, Reply, Send
from ...reasons import Reason
from ...reservation import Return
from ..messages import Status
from ..state import Order
from .records import Cancellation, LineUnits
from .refunds import asking, less, name_of, worth
from .state import (
    AfterSale,
    GiveBack,
    begun,
    misnamed,
    not_kept,
    parts_of,
    refundable,
    status_of,
    too_many,
    unavailable_units,
)

MOST_CANCELLATIONS = 100

ALL = "all"
"""The cancellation of a whole order of which parts were cancelled, edited or refunded before."""


class CancelUnits(Command, frozen=True):
    """Cancel these units, which haven't been packed. The same `cancellation_id` again changes nothing."""

    cancellation_id: str
    units: tuple[LineUnits, ...]
    reason: str = ""
    by: str = ""


class UnitsCancelled(Event, frozen=True):
    cancellation_id: str
    units: tuple[LineUnits, ...]
    reason: str
    by: str
    at: Instant


class UnitsGivenBack(Event, frozen=True):
    """Their stock has these units on hand again."""

    give_back_id: str


Decided = tuple[Event, ...] | Rejected


def _cancel(order: Order, after: AfterSale, command: CancelUnits, now: Instant) -> Decided:
    if refusal := misnamed(cancellation_id=command.cancellation_id, reason=command.reason, by=command.by):
        return refusal
    if known := after.cancellations.get(command.cancellation_id):
        return () if known.units == command.units else Rejected(Reason.KEY_REUSED)
    if refusal := not_kept(order) or unavailable_units(after, command.units, "open"):
        return refusal
    if len(after.cancellations) >= MOST_CANCELLATIONS:
        return too_many("cancellations", MOST_CANCELLATIONS)
    if (under_way := after.edit_under_way) is not None and _all_of(after, command.units):
        # Else a cancelled order would come back with what the edit adds.
        return Rejected(Reason.EDIT_UNDER_WAY, {"edit": under_way.edit_id})
    return cancelling(order, after, command.cancellation_id, command.units, command.reason, command.by, now)


def cancelling(
    order: Order,
    after: AfterSale,
    cancellation_id: str,
    units: tuple[LineUnits, ...],
    reason: str,
    by: str,
    now: Instant,
) -> tuple[Event, ...]:
    """Cancel open units and give back what was paid for them."""
    cancelled = UnitsCancelled(cancellation_id, units, reason, by, now)
    left = refundable(order, after)
    lines = worth(after, units)
    # Money that was given back before, out of goodwill, isn't given twice.
    amount = min(left, sum(line.amount for line in lines))
    lines = less(lines, sum(line.amount for line in lines) - amount)
    if _all_of(after, units):
        # Nothing is left of the order: what belongs to no line, such as shipping, goes back as well.
        amount = left
    name = name_of("cancel", cancellation_id)
    return (cancelled, *asking(order, after, name, amount, lines, reason, by, now))


def _all_of(after: AfterSale, units: tuple[LineUnits, ...]) -> bool:
    """Whether nothing is left of the order without these units."""
    return sum(item.kept for item in after.items) == sum(each.quantity for each in units)


def cancel_the_rest(order: Order, after: AfterSale, reason: str, by: str, now: Instant) -> Decided:
    """The whole order is cancelled, though parts of it have changed since its checkout."""
    status = status_of(order)
    if status is Status.CANCELLED:
        return ()
    under_way = after.edit_under_way
    if status is not Status.CONFIRMED or under_way or any(item.packed for item in after.items):
        return Rejected(Reason.ORDER_NOT_CANCELLABLE, {"status": str(status)})
    units = tuple(LineUnits(line, item.open) for line, item in enumerate(after.items) if item.open)
    return cancelling(order, after, ALL, units, reason, by, now)


def give_back(order: Order, source: str, line: int, quantity: int) -> None:
    """Have the next units of the line go back on hand, before they are counted; `source` names why, once for each."""
    after = begun(order)
    for stock, units in parts_of(order, line, quantity) if quantity else ():
        after.giving_back[f"{source}:{line}:{stock}"] = GiveBack(stock, units)


def give_back_claims(order: Order) -> None:
    """Once nothing is left of the order, the use of a coupon and the place in a sale go back; money does by refunds."""
    after = begun(order)
    if any(item.kept for item in after.items):
        return
    for claim in order.claims:
        if not claim.pays:
            after.giving_back[f"claim:{claim.kind}:{claim.key}"] = GiveBack(claim.key, claim.quantity, claim.kind)


def _apply_cancelled(order: Order, event: UnitsCancelled) -> None:
    after = begun(order)
    after.cancellations[event.cancellation_id] = Cancellation(
        event.cancellation_id, event.units, event.reason, event.at
    )
    for each in event.units:
        give_back(order, name_of("cancel", event.cancellation_id), each.line, each.quantity)
        after.change_item(each.line, cancelled=each.quantity, credited=each.quantity)
    give_back_claims(order)


def _apply_given_back(order: Order, event: UnitsGivenBack) -> None:
    del begun(order).giving_back[event.give_back_id]


def effects(order: Order, after: AfterSale) -> Iterator[Effect]:
    """Units on their way back. Each has a name of its own, by which the stock knows them for days: one that is
    sent twice brings them back once."""
    for name, units in after.giving_back.items():
        back = Return(f"{order.order_id}:{name}", units.quantity, order.customer)
        yield Send(f"back:{name}", units.kind, units.key, back)


def answered(_order: Order, after: AfterSale, name: str, _reply: Reply, _now: Instant) -> Outcome:
    """The stock's answer."""
    return Accepted((UnitsGivenBack(name),) if name in after.giving_back else ())


DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {CancelUnits: _cancel}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    UnitsCancelled: _apply_cancelled,
    UnitsGivenBack: _apply_given_back,
}
