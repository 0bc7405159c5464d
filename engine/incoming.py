"""What comes into a stock and goes out of it beside sales: deliveries with their cost, expectations, dispatches.

Part of the stock's entity (`engine.stock`): its decisions are made on one SKU at one location.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Message, Outcome, invalid
from .reservation import MOST_UNITS

if TYPE_CHECKING:
    from .stock import Stock

EXPECTATIONS_KEPT = 1_000
"""Purchase orders' lines and transfers that a stock waits for, with those that came already."""

DISPATCHES_KEPT = 1_000
"""Dispatches that are remembered by id: far more than are under way at once."""

MILLI = 1_000
"""An average cost is kept in thousandths of a minor unit: an average of cents needs more than cents."""


class Expect(Command, frozen=True):
    """`quantity` units are on their way (0: none any more) and should be here by `at` (0: nobody knows).

    One who expects says the same `expectation_id` again and again, each time with a higher `revision`: of two copies
    that come in the wrong order the newer one stands.
    """

    expectation_id: str
    revision: int
    quantity: int
    at: Instant = 0


class Dispatch(Command, frozen=True):
    """Take units away for another location: all of them or, where fewer are free, none. Safety stock may go."""

    dispatch_id: str
    quantity: int
    reference: str = ""


class ExpectationSet(Event, frozen=True):
    expectation_id: str
    revision: int
    quantity: int
    at: Instant = 0


class Dispatched(Event, frozen=True):
    """So many units left, each at the average cost of then. 0: there were too few, and this is for good."""

    dispatch_id: str
    quantity: int
    reference: str = ""
    cost_milli: int = 0
    currency: str = ""


class DispatchTaken(Answer, frozen=True):
    """So many units were taken (all or 0), at this average cost in thousandths of a minor unit of a currency."""

    quantity: int
    cost_milli: int
    currency: str


class ExpectationTold(Answer, frozen=True):
    """The stock knows."""


class Expected(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What somebody expects to come, as last told."""

    revision: int
    quantity: int
    at: Instant


def _expect(stock: "Stock", command: Expect, _now: Instant) -> Outcome:
    if not command.expectation_id:
        return invalid("expectation_id", "not be empty")
    if not 0 <= command.quantity <= MOST_UNITS:
        return invalid("quantity", f"be 0 to {MOST_UNITS}")
    known = stock.expected.get(command.expectation_id)
    if known is not None and known.revision >= command.revision:
        return Accepted((), _TOLD)
    if known is None and len(stock.expected) >= EXPECTATIONS_KEPT and not _finished(stock):
        return invalid("expectation_id", f"be one of at most {EXPECTATIONS_KEPT} at a time")
    return Accepted((ExpectationSet(command.expectation_id, command.revision, command.quantity, command.at),), _TOLD)


def _dispatch(stock: "Stock", command: Dispatch, _now: Instant) -> Outcome:
    if not command.dispatch_id:
        return invalid("dispatch_id", "not be empty")
    if not 0 < command.quantity <= MOST_UNITS:
        return invalid("quantity", f"be 1 to {MOST_UNITS}")
    if known := stock.dispatches.get(command.dispatch_id):
        return Accepted((), DispatchTaken(known.quantity, known.cost_milli, known.currency))
    # That there were too few is recorded, too: a late copy of this command must not take units that nobody waits for.
    taken = command.quantity if command.quantity <= stock.on_hand - stock.reserved else 0
    dispatched = Dispatched(
        command.dispatch_id, taken, command.reference, stock.average_cost_milli, stock.cost_currency
    )
    return Accepted((dispatched,), DispatchTaken(taken, stock.average_cost_milli, stock.cost_currency))


def _apply_expectation(stock: "Stock", event: ExpectationSet) -> None:
    # Those that came are remembered too, so that a late copy of an old word doesn't bring them back.
    if event.expectation_id not in stock.expected and len(stock.expected) >= EXPECTATIONS_KEPT:
        del stock.expected[_finished(stock)]
    stock.expected[event.expectation_id] = Expected(event.revision, event.quantity, event.at)
    awaited = [each for each in stock.expected.values() if each.quantity]
    stock.expected_units = sum(each.quantity for each in awaited)
    stock.expected_at = min((each.at for each in awaited if each.at), default=0)


def _apply_dispatched(stock: "Stock", event: Dispatched) -> None:
    stock.on_hand -= event.quantity
    stock.dispatches[event.dispatch_id] = event
    if len(stock.dispatches) > DISPATCHES_KEPT:
        del stock.dispatches[next(iter(stock.dispatches))]


def take_in_cost(stock: "Stock", quantity: int, cost: int, currency: str) -> None:
    """Average the cost (minor units for all of `quantity`) in, before these units are counted.

    Units of unknown cost count as costing what the others do on average. A cost in another currency than the first
    is left out: whoever buys in foreign money converts it, see `engine.purchase`.
    """
    if stock.cost_currency not in ("", currency):
        return
    others = stock.on_hand if stock.cost_currency else 0
    units, value = others + quantity, others * stock.average_cost_milli + cost * MILLI
    stock.average_cost_milli = (2 * value + units) // (2 * units)
    stock.cost_currency = currency


def _finished(stock: "Stock") -> str:
    """The oldest expectation that nobody waits for any more, or an empty string."""
    return next((name for name, each in stock.expected.items() if not each.quantity), "")


_TOLD = ExpectationTold()

DECISIONS: Mapping[type[Command], Callable[["Stock", Any, Instant], Outcome]] = {
    Expect: _expect,
    Dispatch: _dispatch,
}

CHANGES: Mapping[type[Message], Callable[["Stock", Any], None]] = {
    ExpectationSet: _apply_expectation,
    Dispatched: _apply_dispatched,
}
