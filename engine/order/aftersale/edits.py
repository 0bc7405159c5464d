"""Edits and exchanges: units are taken out, lines are added, and the difference in price is settled.

An edit happens as a whole or not at all. What it adds is reserved like in a checkout; what it takes out stays locked
until then. More to pay is asked for as a further payment, within a window: a provider's token serves once, so the
customer gives a new one. Less to pay is refunded. An exchange is an edit whose credit is an inspected return: before
the inspection nobody knows what it is worth.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ...cart import Line
from ...kernel import Command, Event, Instant, Rejected, invalid
from ...money import MOST_TOTAL, Money
from ...reasons import Reason
from ...reservation import MOST_UNITS
from ...stock import stock_key
from ..messages import Status
from ..state import ASK_AGAIN_MS, Order
from .cancellation import give_back, give_back_claims
from .records import Edit, EditPayment, EditStatus, Item, LineAmount, LineUnits, ReturnStatus, Step
from .refunds import asking, less, name_of, worth
from .returns import ReturnSettled, accepted_units, not_next
from .state import (
    AfterSale,
    GiveBack,
    begun,
    misnamed,
    not_kept,
    refundable,
    status_of,
    too_many,
    unavailable_units,
)
from .transitions import EDIT, may_follow

MOST_EDITS = 50
MOST_ITEMS = 600
"""Lines of an order, with those that were added."""
LONGEST_WINDOW_S = 86_400
SECOND_MS = 1_000


class EditOrder(Command, frozen=True):
    """Take units out and add lines, at their prices. With `return_id`, an exchange for that return instead.

    `window_s` bounds how long the added lines are held while more is to be paid. The same `edit_id` again: no change.
    """

    edit_id: str
    add: tuple[Line, ...] = ()
    remove: tuple[LineUnits, ...] = ()
    return_id: str = ""
    window_s: int = 3_600
    reason: str = ""
    by: str = ""


class PayEdit(Command, frozen=True):
    """Pay what an edit costs more. After a refusal by the provider it may be tried again, with another token."""

    edit_id: str
    gateway: str
    token: str
    by: str = ""


class WithdrawEdit(Command, frozen=True):
    """Give an edit up that isn't paid."""

    edit_id: str
    by: str = ""


class EditBegun(Event, frozen=True):
    edit_id: str
    added: tuple[Line, ...]
    removed: tuple[LineUnits, ...]
    return_id: str
    credit: int
    due: Money | None
    pay_by: Instant
    reason: str
    by: str
    at: Instant


class EditLineHeld(Event, frozen=True):
    edit_id: str
    line: int
    sequence: int
    at: Instant


class EditPaymentAsked(Event, frozen=True):
    edit_id: str
    gateway: str
    token: str
    by: str
    at: Instant


class EditPaymentAskedAgain(Event, frozen=True):
    """The provider settles later, and hasn't told in time."""

    edit_id: str


class EditPaymentMoved(Event, frozen=True):
    """The payment is pending, authorized or captured; or it was undone, or can't be."""

    edit_id: str
    payment: EditPayment
    payment_id: str
    at: Instant


class EditPaymentDeclined(Event, frozen=True):
    edit_id: str
    code: str
    at: Instant


class EditLineMoved(Event, frozen=True):
    """The stock has sold, lost or released the added line."""

    edit_id: str
    line: int
    step: Step


class EditEnded(Event, frozen=True):
    """It is done, or was refused, has expired or was withdrawn; then all of it is undone."""

    edit_id: str
    status: EditStatus
    reason: Reason | None
    by: str
    at: Instant
    set_off: tuple[LineAmount, ...] = ()
    """What of the credit, by the lines that it comes from, paid for the lines that were added."""


Decided = tuple[Event, ...] | Rejected


def _edit(order: Order, after: AfterSale, command: EditOrder, now: Instant) -> Decided:
    if refusal := misnamed(edit_id=command.edit_id, reason=command.reason, by=command.by):
        return refusal
    if known := after.edits.get(command.edit_id):
        same = (known.added, known.removed, known.return_id) == (command.add, command.remove, command.return_id)
        return () if same else Rejected(Reason.KEY_REUSED)
    if refusal := not_kept(order) or _misshapen(order, after, command):
        return refusal
    if (under_way := after.edit_under_way) is not None:
        return Rejected(Reason.EDIT_UNDER_WAY, {"edit": under_way.edit_id})
    if status_of(order) is Status.CANCELLED:
        return Rejected(Reason.ORDER_NOT_OPEN, {"status": str(Status.CANCELLED)})
    if len(after.edits) >= MOST_EDITS:
        return too_many("edits", MOST_EDITS)
    credit = _credit_of(order, after, command)
    if isinstance(credit, Rejected):
        return credit
    return _begun(order, after, command, credit, now)


def _misshapen(order: Order, after: AfterSale, command: EditOrder) -> Rejected | None:
    if not command.add if command.return_id else not (command.add or command.remove):
        return invalid("add", "not be empty where nothing is removed, nor in an exchange")
    if command.return_id and command.remove:
        return invalid("remove", "be empty in an exchange: what is returned is its credit")
    if not 0 < command.window_s <= LONGEST_WINDOW_S:
        return invalid("window_s", f"be 1 to {LONGEST_WINDOW_S}")
    if command.remove and (refusal := unavailable_units(after, command.remove, "open")):
        return refusal
    if len(after.items) + len(command.add) > MOST_ITEMS:
        return too_many("lines", MOST_ITEMS)
    if len({line.sku for line in command.add}) != len(command.add):
        return invalid("add", "name each SKU once")
    return _misshapen_lines(order, command.add)


def _misshapen_lines(order: Order, lines: tuple[Line, ...]) -> Rejected | None:
    assert order.total is not None, "a confirmed order has a total"
    for line in lines:
        if not line.sku or "@" in line.sku or not 0 < line.quantity <= MOST_UNITS or not line.price.is_price():
            return invalid("add", f"name a SKU, 1 to {MOST_UNITS} units and a price")
        if line.price.currency != order.total.currency:
            currencies = sorted({line.price.currency, order.total.currency})
            return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": currencies})
    if _cost(lines) > MOST_TOTAL:
        return invalid("add", f"cost at most {MOST_TOTAL} minor units together")
    return None


def _cost(lines: tuple[Line, ...]) -> int:
    return sum(line.price.amount * line.quantity for line in lines)


def _credit_of(order: Order, after: AfterSale, command: EditOrder) -> int | Rejected:
    """What is taken out or was returned is worth; no more than what is left of the order's money."""
    units = command.remove
    if command.return_id:
        if (known := after.returns.get(command.return_id)) is None:
            return Rejected(Reason.NOT_FOUND)
        if refusal := not_next(known, ReturnStatus.EXCHANGED):
            return refusal
        units = accepted_units(known)
    return min(refundable(order, after), sum(each.amount for each in worth(after, units)))


def _begun(order: Order, after: AfterSale, command: EditOrder, credit: int, now: Instant) -> tuple[Event, ...]:
    assert order.total is not None, "a confirmed order has a total"
    more = _cost(command.add) - credit
    due = Money(more, order.total.currency) if more > 0 else None
    pay_by = now + command.window_s * SECOND_MS
    name, removed, exchanged = command.edit_id, command.remove, command.return_id
    begins = EditBegun(name, command.add, removed, exchanged, credit, due, pay_by, command.reason, command.by, now)
    if command.add:
        return (begins,)
    return (begins, *finishing(order, after, _new(begins), command.by, now))


def finishing(order: Order, after: AfterSale, edit: Edit, by: str, now: Instant) -> tuple[Event, ...]:
    """The edit is done: what its added lines don't use up of the credit goes back."""
    units = accepted_units(after.returns[edit.return_id]) if edit.return_id else edit.removed
    lines = worth(after, units)
    lines = less(lines, sum(each.amount for each in lines) - edit.credit)
    back = max(0, min(edit.credit - _cost(edit.added), refundable(order, after)))
    refunded = less(lines, edit.credit - back)
    events: list[Event] = [EditEnded(edit.edit_id, EditStatus.DONE, None, by, now, _without(lines, refunded))]
    if edit.return_id:
        events.append(ReturnSettled(edit.return_id, ReturnStatus.EXCHANGED, edit.credit, 0, by, now))
    name = name_of("edit", edit.edit_id)
    return (*events, *asking(order, after, name, back, refunded, "edit", by, now))


def _without(lines: tuple[LineAmount, ...], others: tuple[LineAmount, ...]) -> tuple[LineAmount, ...]:
    """The lines' amounts without those of the others."""
    taken = {each.line: each.amount for each in others}
    left = (LineAmount(each.line, each.amount - taken.get(each.line, 0)) for each in lines)
    return tuple(each for each in left if each.amount)


def giving_up(
    order: Order, after: AfterSale, edit: Edit, status: EditStatus, reason: Reason | None, by: str, now: Instant
) -> tuple[Event, ...]:
    """The edit isn't done: what was paid for it goes back, all else is undone by its effects."""
    ended = EditEnded(edit.edit_id, status, reason, by, now)
    if edit.payment is not EditPayment.CAPTURED or edit.due is None:
        return (ended,)
    amount = min(edit.due.amount, refundable(order, after))
    name, no_lines = name_of("edit", edit.edit_id), tuple[LineAmount, ...]()
    return (ended, *asking(order, after, name, amount, no_lines, "edit", by, now, of=edit.payment_id))


def _pay(_order: Order, after: AfterSale, command: PayEdit, now: Instant) -> Decided:
    if refusal := misnamed(edit_id=command.edit_id, gateway=command.gateway, token=command.token, by=command.by):
        return refusal
    if not command.gateway or not command.token:
        return invalid("token", "not be empty, like gateway")
    if (edit := after.edits.get(command.edit_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if (edit.gateway, edit.token) == (command.gateway, command.token) and edit.payment is not EditPayment.NONE:
        return ()
    if edit.status is not EditStatus.AWAITING_PAYMENT or edit.payment is not EditPayment.NONE:
        return Rejected(Reason.STEP_NOT_ALLOWED, {"from": str(edit.status), "to": str(EditStatus.COMMITTING)})
    if now >= edit.pay_by:
        return Rejected(Reason.PAYMENT_EXPIRED)
    return (EditPaymentAsked(command.edit_id, command.gateway, command.token, command.by, now),)


def _withdraw(order: Order, after: AfterSale, command: WithdrawEdit, now: Instant) -> Decided:
    if refusal := misnamed(edit_id=command.edit_id, by=command.by):
        return refusal
    if (edit := after.edits.get(command.edit_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if edit.status is EditStatus.WITHDRAWN:
        return ()
    if not may_follow(EDIT, edit.status, EditStatus.WITHDRAWN):
        return Rejected(Reason.STEP_NOT_ALLOWED, {"from": str(edit.status), "to": str(EditStatus.WITHDRAWN)})
    return giving_up(order, after, edit, EditStatus.WITHDRAWN, None, command.by, now)


def _new(event: EditBegun) -> Edit:
    return Edit(
        event.edit_id,
        EditStatus.RESERVING,
        event.added,
        event.removed,
        event.return_id,
        event.credit,
        event.due,
        event.pay_by,
        event.reason,
        event.at,
        event.at,
        _ask_next((Step.WAITING,) * len(event.added), event.added),
        (0,) * len(event.added),
    )


def _ask_next(steps: tuple[Step, ...], added: tuple[Line, ...]) -> tuple[Step, ...]:
    """Added lines are reserved one after the other by their SKUs, as all orders do."""
    waiting = [index for index, step in enumerate(steps) if step is Step.WAITING]
    if not waiting:
        return steps
    return _with(steps, min(waiting, key=lambda index: added[index].sku), Step.ASKED)


def _with(steps: tuple[Any, ...], index: int, step: Any) -> tuple[Any, ...]:
    return (*steps[:index], step, *steps[index + 1 :])


def _change(order: Order, edit_id: str, **changes: Any) -> Edit:
    after = begun(order)
    changed = after.edits[edit_id] = msgspec.structs.replace(after.edits[edit_id], **changes)
    return changed


def _apply_begun(order: Order, event: EditBegun) -> None:
    after = begun(order)
    after.edits[event.edit_id] = _new(event)
    for each in event.removed:
        after.change_item(each.line, locked=each.quantity)


def _apply_held(order: Order, event: EditLineHeld) -> None:
    edit = begun(order).edits[event.edit_id]
    steps = _ask_next(_with(edit.steps, event.line, Step.HELD), edit.added)
    status = edit.status
    if set(steps) == {Step.HELD}:
        status = EditStatus.COMMITTING if edit.due is None else EditStatus.AWAITING_PAYMENT
    sequences = _with(edit.sequences, event.line, event.sequence)
    _change(order, event.edit_id, steps=steps, sequences=sequences, status=status, changed_at=event.at)


def _apply_asked(order: Order, event: EditPaymentAsked) -> None:
    edit = begun(order).edits[event.edit_id]
    _change(
        order,
        event.edit_id,
        gateway=event.gateway,
        token=event.token,
        attempt=edit.attempt + 1,
        asked=edit.asked + 1,
        payment=EditPayment.ASKED,
        payment_id="",
        code="",
    )


def _apply_asked_again(order: Order, event: EditPaymentAskedAgain) -> None:
    asked = begun(order).edits[event.edit_id].asked + 1
    _change(order, event.edit_id, payment=EditPayment.ASKED, asked=asked)


def _apply_payment_moved(order: Order, event: EditPaymentMoved) -> None:
    edit = _change(order, event.edit_id, payment=event.payment, payment_id=event.payment_id)
    if event.payment is EditPayment.PENDING:
        _change(order, event.edit_id, ask_again_at=event.at + ASK_AGAIN_MS)
    elif event.payment is EditPayment.CAPTURED and edit.status is EditStatus.AWAITING_PAYMENT:
        _change(order, event.edit_id, status=EditStatus.COMMITTING, changed_at=event.at)


def _apply_declined(order: Order, event: EditPaymentDeclined) -> None:
    _change(order, event.edit_id, payment=EditPayment.NONE, code=event.code)


def _apply_line_moved(order: Order, event: EditLineMoved) -> None:
    edit = begun(order).edits[event.edit_id]
    _change(order, event.edit_id, steps=_with(edit.steps, event.line, event.step))


def _apply_ended(order: Order, event: EditEnded) -> None:
    after = begun(order)
    edit = _change(order, event.edit_id, status=event.status, refusal=event.reason, changed_at=event.at)
    for each in edit.removed:
        after.change_item(each.line, locked=-each.quantity)
    if event.status is EditStatus.DONE:
        _apply_done(order, after, edit, event)
        return
    for index, step in enumerate(edit.steps):
        if step is Step.SOLD:
            line = edit.added[index]
            back = GiveBack(stock_key(line.sku), line.quantity)
            after.giving_back[f"{name_of('edit', edit.edit_id)}-undone:{index}"] = back


def _apply_done(order: Order, after: AfterSale, edit: Edit, event: EditEnded) -> None:
    for each in edit.removed:
        give_back(order, name_of("edit", edit.edit_id), each.line, each.quantity)
        after.change_item(each.line, cancelled=each.quantity, credited=each.quantity)
    for amount in event.set_off:
        after.change_item(amount.line, refunded=amount.amount)
    for line in edit.added:
        after.items.append(Item(line, line.price.amount * line.quantity, edit.edit_id))
    _change(order, edit.edit_id, steps=(Step.SOLD,) * len(edit.added))
    give_back_claims(order)


DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {
    EditOrder: _edit,
    PayEdit: _pay,
    WithdrawEdit: _withdraw,
}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    EditBegun: _apply_begun,
    EditLineHeld: _apply_held,
    EditPaymentAsked: _apply_asked,
    EditPaymentAskedAgain: _apply_asked_again,
    EditPaymentMoved: _apply_payment_moved,
    EditPaymentDeclined: _apply_declined,
    EditLineMoved: _apply_line_moved,
    EditEnded: _apply_ended,
}
