"""The after-sale topics as one: what an order does at their commands, what it waits for, and what answers change."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ...kernel import Accepted, Command, Effect, Event, Instant, Outcome, Rejected, Reply
from ...reasons import Reason
from ..messages import Status
from ..state import Order, view
from . import cancellation, edit_process, edits, fulfilment, notes, refunds, returns
from .cancellation import CancelUnits, UnitsCancelled, UnitsGivenBack, cancel_the_rest
from .edits import (
    EditBegun,
    EditEnded,
    EditLineHeld,
    EditLineMoved,
    EditOrder,
    EditPaymentAsked,
    EditPaymentAskedAgain,
    EditPaymentDeclined,
    EditPaymentMoved,
    PayEdit,
    WithdrawEdit,
)
from .fulfilment import (
    CreateShipment,
    MoveShipment,
    ShipmentCreated,
    ShipmentMoved,
    ShipmentTracked,
    TrackShipment,
    ship_the_rest,
)
from .notes import AddNote, NoteAdded
from .refunds import PartRefunded, PartRefundRefused, RefundAsked, RefundOrder
from .returns import (
    AnswerReturn,
    InspectReturn,
    ReceiveReturn,
    RefundReturn,
    RequestReturn,
    ReturnInspected,
    ReturnMoved,
    ReturnRequested,
    ReturnSettled,
    WithdrawReturn,
)
from .state import AfterSale, after_of, not_kept, status_of

AfterSaleCommand = (
    CreateShipment
    | TrackShipment
    | MoveShipment
    | CancelUnits
    | RefundOrder
    | RequestReturn
    | AnswerReturn
    | WithdrawReturn
    | ReceiveReturn
    | InspectReturn
    | RefundReturn
    | AddNote
    | EditOrder
    | PayEdit
    | WithdrawEdit
)
AfterSaleEvent = (
    ShipmentCreated
    | ShipmentTracked
    | ShipmentMoved
    | UnitsCancelled
    | UnitsGivenBack
    | RefundAsked
    | PartRefunded
    | PartRefundRefused
    | ReturnRequested
    | ReturnMoved
    | ReturnInspected
    | ReturnSettled
    | NoteAdded
    | EditBegun
    | EditLineHeld
    | EditPaymentAsked
    | EditPaymentAskedAgain
    | EditPaymentMoved
    | EditPaymentDeclined
    | EditLineMoved
    | EditEnded
)

Decided = tuple[Event, ...] | Rejected

_TOPICS: tuple[Any, ...] = (fulfilment, cancellation, refunds, returns, edits, notes)
_DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {
    command: decision for topic in _TOPICS for command, decision in topic.DECISIONS.items()
}
COMMANDS = tuple(_DECISIONS)
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    event: change for topic in _TOPICS for event, change in topic.CHANGES.items()
}


def decide(order: Order, command: Command, now: Instant) -> Outcome:
    """What an after-sale command would record at `now`, and its answer."""
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.source and type(command) is not AddNote:
        # Neither its money nor its goods are this shop's to move.
        return Rejected(Reason.ORDER_IMPORTED, {"source": order.source})
    return _outcome(order, _DECISIONS[type(command)](order, after_of(order), command, now))


def cancel(order: Order, reason: str, by: str, now: Instant) -> Outcome:
    """Cancel a whole order that isn't any more as its checkout left it."""
    refusal = not_kept(order)
    return refusal or _outcome(order, cancel_the_rest(order, after_of(order), reason, by, now))


def fulfil(order: Order, by: str, now: Instant) -> Outcome:
    """Have everything leave that hasn't, of an order with an after-sale state."""
    status = status_of(order)
    if status in (Status.FULFILLED, Status.DELIVERED):
        return _outcome(order, ())
    if not_kept(order) or status is Status.CANCELLED:
        return Rejected(Reason.ORDER_NOT_FULFILLABLE, {"status": str(status)})
    return _outcome(order, ship_the_rest(after_of(order), by, now))


def _outcome(order: Order, decided: Decided) -> Outcome:
    """Answer with the order as it will be: the events are tried on a copy."""
    if isinstance(decided, Rejected):
        return decided
    after = order.after.copied() if order.after is not None else None
    trial = msgspec.structs.replace(order, after=after)
    for event in decided:
        CHANGES[type(event)](trial, event)
    return Accepted(decided, view(trial))


def effects(order: Order, after: AfterSale) -> Iterator[Effect]:
    """What the after-sale state waits for."""
    yield from cancellation.effects(order, after)
    yield from refunds.effects(order, after)
    yield from edit_process.effects(order, after)


ANSWERS: dict[str, Callable[[Order, AfterSale, str, Reply, Instant], Outcome]] = {
    "back": cancellation.answered,
    "refund": refunds.answered,
    **edit_process.ANSWERS,
}
"""By the name of the effect, the part of its id before the colon."""
