"""Goods that come back: asked for in time, granted, received, inspected line by line, then paid back or exchanged.

Units in a return can't be returned again, unless it is refused, withdrawn, or they don't arrive. What is sold again
goes back on hand; what is written off left the stock's books when it was sold.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ...kernel import Command, Event, Instant, Rejected, invalid
from ...reasons import Reason
from ..state import Order
from .cancellation import give_back
from .records import Finding, LineAmount, LineUnits, Return, ReturnedUnits, ReturnStatus, ShipmentStatus
from .refunds import asking, less, name_of, no_credit, worth
from .state import AfterSale, begun, misnamed, not_kept, refundable, too_long, too_many, unavailable_units
from .transitions import RETURN, may_follow

MOST_RETURNS = 100
LONGEST_WINDOW_DAYS = 3_650
DAY_MS = 86_400_000


class RequestReturn(Command, frozen=True):
    """Ask to send units back, within `window_days` of their arrival (0: at any time; where nobody told of an arrival,
    the day on which they left counts). The same `return_id` again changes nothing."""

    return_id: str
    units: tuple[ReturnedUnits, ...]
    note: str = ""
    window_days: int = 0
    by: str = ""


class AnswerReturn(Command, frozen=True):
    """Grant the return, or refuse it."""

    return_id: str
    authorized: bool
    note: str = ""
    by: str = ""


class WithdrawReturn(Command, frozen=True):
    """The customer keeps it after all."""

    return_id: str
    by: str = ""


class ReceiveReturn(Command, frozen=True):
    """The parcel arrived."""

    return_id: str
    by: str = ""


class InspectReturn(Command, frozen=True):
    """What was found in it: units to be sold again and units to be written off; the rest of a line didn't arrive."""

    return_id: str
    findings: tuple[Finding, ...]
    note: str = ""
    by: str = ""


class RefundReturn(Command, frozen=True):
    """Pay the return back: what its accepted units were paid with, or these amounts, less a restocking fee."""

    return_id: str
    lines: tuple[LineAmount, ...] = ()
    fee: int = 0
    by: str = ""
    to_credit: bool = False
    """As in `RefundOrder`."""


class ReturnRequested(Event, frozen=True):
    return_id: str
    units: tuple[ReturnedUnits, ...]
    note: str
    by: str
    at: Instant


class ReturnMoved(Event, frozen=True):
    """It was granted, refused, withdrawn or received."""

    return_id: str
    status: ReturnStatus
    note: str
    by: str
    at: Instant


class ReturnInspected(Event, frozen=True):
    return_id: str
    findings: tuple[Finding, ...]
    note: str
    by: str
    at: Instant


class ReturnSettled(Event, frozen=True):
    """It was paid back, or exchanged: `credit` is what it was worth in the end."""

    return_id: str
    status: ReturnStatus
    credit: int
    fee: int
    by: str
    at: Instant


Decided = tuple[Event, ...] | Rejected


def _request(order: Order, after: AfterSale, command: RequestReturn, now: Instant) -> Decided:
    refusal = misnamed(return_id=command.return_id, by=command.by) or too_long(note=command.note)
    if refusal:
        return refusal
    if known := after.returns.get(command.return_id):
        return () if known.units == command.units else Rejected(Reason.KEY_REUSED)
    if not 0 <= command.window_days <= LONGEST_WINDOW_DAYS:
        return invalid("window_days", f"be 0 to {LONGEST_WINDOW_DAYS}")
    if refusal := not_kept(order) or unavailable_units(after, command.units, "returnable"):
        return refusal
    if command.window_days and (late := _late(after, command, now)):
        return Rejected(Reason.RETURN_WINDOW_OVER, {"skus": late, "days": command.window_days})
    if len(after.returns) >= MOST_RETURNS:
        return too_many("returns", MOST_RETURNS)
    return (ReturnRequested(command.return_id, command.units, command.note, command.by, now),)


def _late(after: AfterSale, command: RequestReturn, now: Instant) -> list[str]:
    """The SKUs of which the last parcel arrived too long ago."""
    arrived: dict[int, Instant] = {}
    for shipment in after.shipments.values():
        if shipment.status in (ShipmentStatus.SHIPPED, ShipmentStatus.DELIVERED):
            for each in shipment.units:
                arrived[each.line] = max(arrived.get(each.line, 0), shipment.changed_at)
    last = command.window_days * DAY_MS
    return [after.items[each.line].line.sku for each in command.units if now - arrived[each.line] > last]


def _answer(_order: Order, after: AfterSale, command: AnswerReturn, now: Instant) -> Decided:
    if refusal := misnamed(return_id=command.return_id, by=command.by) or too_long(note=command.note):
        return refusal
    status = ReturnStatus.AUTHORIZED if command.authorized else ReturnStatus.REFUSED
    return _move(after, command.return_id, status, command.note, command.by, now)


def _withdraw(_order: Order, after: AfterSale, command: WithdrawReturn, now: Instant) -> Decided:
    if refusal := misnamed(return_id=command.return_id, by=command.by):
        return refusal
    return _move(after, command.return_id, ReturnStatus.WITHDRAWN, "", command.by, now)


def _receive(_order: Order, after: AfterSale, command: ReceiveReturn, now: Instant) -> Decided:
    if refusal := misnamed(return_id=command.return_id, by=command.by):
        return refusal
    return _move(after, command.return_id, ReturnStatus.RECEIVED, "", command.by, now)


def _move(after: AfterSale, return_id: str, status: ReturnStatus, note: str, by: str, now: Instant) -> Decided:
    if (known := after.returns.get(return_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if known.status is status:
        return ()
    if refusal := not_next(known, status):
        return refusal
    return (ReturnMoved(return_id, status, note, by, now),)


def not_next(known: Return, status: ReturnStatus) -> Rejected | None:
    """The refusal of a step that doesn't follow the return's."""
    if may_follow(RETURN, known.status, status):
        return None
    return Rejected(Reason.STEP_NOT_ALLOWED, {"from": str(known.status), "to": str(status)})


def _inspect(_order: Order, after: AfterSale, command: InspectReturn, now: Instant) -> Decided:
    if refusal := misnamed(return_id=command.return_id, by=command.by) or too_long(note=command.note):
        return refusal
    if (known := after.returns.get(command.return_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if known.findings and known.findings == command.findings:
        return ()
    if refusal := not_next(known, ReturnStatus.INSPECTED) or _misfound(known, command.findings):
        return refusal
    return (ReturnInspected(command.return_id, command.findings, command.note, command.by, now),)


def _misfound(known: Return, findings: tuple[Finding, ...]) -> Rejected | None:
    expected = {each.line: each.quantity for each in known.units}
    if {each.line for each in findings} != expected.keys() or len(findings) != len(expected):
        return invalid("findings", "name each line of the return once")
    for each in findings:
        units = each.restocked + each.written_off
        if min(each.restocked, each.written_off) < 0 or units > expected[each.line]:
            return invalid("findings", f"have 0 to {expected[each.line]} units of line {each.line}")
    return None


def _refund(order: Order, after: AfterSale, command: RefundReturn, now: Instant) -> Decided:
    if refusal := misnamed(return_id=command.return_id, by=command.by):
        return refusal
    if (known := after.returns.get(command.return_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if known.status is ReturnStatus.REFUNDED:
        return () if known.fee == command.fee else Rejected(Reason.KEY_REUSED)
    if refusal := not_next(known, ReturnStatus.REFUNDED):
        return refusal
    if (under_way := after.edit_under_way) is not None and under_way.return_id == command.return_id:
        return Rejected(Reason.EDIT_UNDER_WAY, {"edit": under_way.edit_id})
    lines = command.lines or worth(after, accepted_units(known))
    if refusal := _mispriced(after, known, command.lines) or no_credit(order, command.to_credit):
        return refusal
    amount, left = sum(each.amount for each in lines) - command.fee, refundable(order, after)
    if command.fee < 0 or amount < 0:
        return invalid("fee", f"be 0 to {amount + command.fee}")
    if amount > left:
        if command.lines:
            return Rejected(Reason.REFUND_TOO_HIGH, {"requested": amount, "refundable": left})
        # Some of it was given back before.
        amount = left
    lines = less(lines, sum(each.amount for each in lines) - amount)
    settled = ReturnSettled(command.return_id, ReturnStatus.REFUNDED, amount, command.fee, command.by, now)
    name, by, credited = name_of("return", command.return_id), command.by, command.to_credit
    return (settled, *asking(order, after, name, amount, lines, "return", by, now, to_credit=credited))


def accepted_units(known: Return) -> tuple[LineUnits, ...]:
    """What of a return has arrived."""
    return tuple(LineUnits(each.line, each.restocked + each.written_off) for each in known.findings)


def _mispriced(after: AfterSale, known: Return, lines: tuple[LineAmount, ...]) -> Rejected | None:
    """The refusal of amounts that a merchant chose."""
    returned = {each.line for each in accepted_units(known) if each.quantity}
    if len({each.line for each in lines}) != len(lines) or not {each.line for each in lines} <= returned:
        return invalid("lines", "name lines that have come back, each once")
    for each in lines:
        left = after.items[each.line].paid - after.items[each.line].refunded
        if not 0 <= each.amount <= left:
            return Rejected(Reason.REFUND_TOO_HIGH, {"requested": each.amount, "refundable": left})
    return None


def _apply_requested(order: Order, event: ReturnRequested) -> None:
    after = begun(order)
    after.returns[event.return_id] = Return(
        event.return_id,
        len(after.returns) + 1,
        event.units,
        ReturnStatus.REQUESTED,
        event.note,
        "",
        (),
        0,
        0,
        event.at,
        event.at,
    )
    for each in event.units:
        after.change_item(each.line, returning=each.quantity)


def _apply_moved(order: Order, event: ReturnMoved) -> None:
    after = begun(order)
    known = after.returns[event.return_id]
    if event.status in (ReturnStatus.REFUSED, ReturnStatus.WITHDRAWN):
        for each in known.units:
            after.change_item(each.line, returning=-each.quantity)
    answer = event.note or known.answer
    after.returns[event.return_id] = msgspec.structs.replace(
        known, status=event.status, answer=answer, changed_at=event.at
    )


def _apply_inspected(order: Order, event: ReturnInspected) -> None:
    after = begun(order)
    known = after.returns[event.return_id]
    expected = {each.line: each.quantity for each in known.units}
    for each in event.findings:
        give_back(order, name_of("return", event.return_id), each.line, each.restocked)
        missing = expected[each.line] - each.restocked - each.written_off
        after.change_item(each.line, returning=-missing, restocked=each.restocked)
    after.returns[event.return_id] = msgspec.structs.replace(
        known,
        status=ReturnStatus.INSPECTED,
        findings=event.findings,
        answer=event.note or known.answer,
        changed_at=event.at,
    )


def _apply_settled(order: Order, event: ReturnSettled) -> None:
    after = begun(order)
    known = after.returns[event.return_id]
    for each in accepted_units(known):
        after.change_item(each.line, credited=each.quantity)
    after.returns[event.return_id] = msgspec.structs.replace(
        known, status=event.status, credit=event.credit, fee=event.fee, changed_at=event.at
    )


DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {
    RequestReturn: _request,
    AnswerReturn: _answer,
    WithdrawReturn: _withdraw,
    ReceiveReturn: _receive,
    InspectReturn: _inspect,
    RefundReturn: _refund,
}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    ReturnRequested: _apply_requested,
    ReturnMoved: _apply_moved,
    ReturnInspected: _apply_inspected,
    ReturnSettled: _apply_settled,
}
