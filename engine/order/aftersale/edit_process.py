"""What an edit waits for and what answers change: its own small checkout, with the rules of the order's.

Answers come late or twice: one that nobody waits for changes nothing, except money that was taken and isn't wanted.
"""

from collections.abc import Iterator

from ...kernel import Accepted, Effect, Event, Instant, Outcome, Rejected, Reply, Request, Send
from ...money import Money
from ...payment import Authorize, Authorized, Capture, Captured, Declined, Pending, Void, Voided
from ...reasons import Reason
from ...reservation import Commit, Held, Release, Reserve
from ...stock import stock_key
from ..state import HOLD_GRACE_MS, Order
from .edits import (
    EditLineHeld,
    EditLineMoved,
    EditPaymentAskedAgain,
    EditPaymentDeclined,
    EditPaymentMoved,
    finishing,
    giving_up,
)
from .records import Edit, EditPayment, EditStatus, Step
from .refunds import RefundAsked, name_of
from .state import EDIT_ENDS, UNPAID, AfterSale


def effects(order: Order, after: AfterSale) -> Iterator[Effect]:
    """What edits wait for: the last one, and those before it that are still being undone."""
    for edit in after.edits.values():
        if edit.status is EditStatus.DONE:
            continue
        yield from _effects_on_stock(order, edit)
        yield from _effects_on_payment(order, edit)


def _effects_on_stock(order: Order, edit: Edit) -> Iterator[Effect]:
    hold_until = edit.pay_by + HOLD_GRACE_MS
    for index, step in enumerate(edit.steps):
        line, rest = edit.added[index], f"{edit.edit_id}:{index}"
        name, key = f"{order.order_id}:edit-{rest}", stock_key(line.sku)
        if edit.status in EDIT_ENDS:
            if step is Step.ASKED or step is Step.HELD:
                yield Send(f"edit-release:{rest}", "stock", key, Release(name))
        elif step is Step.ASKED:
            reserve = Reserve(name, line.quantity, hold_until, order.customer)
            yield Send(f"edit-reserve:{rest}", "stock", key, reserve)
        elif step is Step.HELD and edit.status is EditStatus.COMMITTING:
            commit = Commit(name, edit.sequences[index], hold_until)
            yield Send(f"edit-commit:{rest}", "stock", key, commit)


def _effects_on_payment(order: Order, edit: Edit) -> Iterator[Effect]:
    if edit.due is None or edit.payment not in UNPAID:
        return
    key = authorize_key(order, edit)
    if edit.status in EDIT_ENDS:
        void = Void(f"{key}:void", key, edit.due, edit.token, edit.payment_id, edit.created_at)
        yield Request(f"edit-void:{edit.edit_id}", edit.gateway, void)
    elif edit.payment is EditPayment.ASKED:
        authorize = Authorize(key, edit.due, edit.token, order.order_id, True, edit.payment_id, edit.created_at)
        yield Request(f"edit-pay:{edit.edit_id}:{edit.asked}", edit.gateway, authorize)
    elif edit.payment is EditPayment.AUTHORIZED:
        yield Request(
            f"edit-capture:{edit.edit_id}", edit.gateway, Capture(f"{key}:capture", edit.payment_id, edit.due)
        )


def authorize_key(order: Order, edit: Edit) -> str:
    """The provider's key of the edit's payment: each attempt, with a token of its own, has one."""
    return f"{order.order_id}:edit-{edit.edit_id}:pay-{edit.attempt}"


def edit_of_key(order: Order, key: str) -> Edit | None:
    """The edit that asked, or asks, for a payment with this key."""
    for edit in order.after.edits.values() if order.after is not None else ():
        if key == authorize_key(order, edit):
            return edit
    return None


def remind_at(after: AfterSale) -> Instant | None:
    """When an edit must be paid or, before that, its provider asked again."""
    edit = after.edit_under_way
    if edit is None or edit.status is not EditStatus.AWAITING_PAYMENT:
        return None
    return min(edit.ask_again_at, edit.pay_by) if edit.payment is EditPayment.PENDING else edit.pay_by


def reminded(order: Order, after: AfterSale, now: Instant) -> Outcome:
    """The time has come."""
    edit = after.edit_under_way
    if edit is None or edit.status is not EditStatus.AWAITING_PAYMENT:
        return Accepted()
    if now >= edit.pay_by:
        return Accepted(giving_up(order, after, edit, EditStatus.EXPIRED, Reason.PAYMENT_EXPIRED, "", now))
    if edit.payment is EditPayment.PENDING and now >= edit.ask_again_at:
        return Accepted((EditPaymentAskedAgain(edit.edit_id),))
    return Accepted()


# -- answers


def reserve_answered(order: Order, after: AfterSale, rest: str, reply: Reply, now: Instant) -> Outcome:
    edit, line = _found(after, rest)
    if edit is None or edit.status is not EditStatus.RESERVING or edit.steps[line] is not Step.ASKED:
        return Accepted()
    if isinstance(reply, Rejected):
        return Accepted(giving_up(order, after, edit, EditStatus.REFUSED, reply.reason, "", now))
    assert isinstance(reply, Held), "a stock answers a reservation with its sequence"
    if now >= edit.pay_by:
        return Accepted(giving_up(order, after, edit, EditStatus.REFUSED, Reason.RESERVATION_ENDED, "", now))
    return Accepted((EditLineHeld(edit.edit_id, line, reply.sequence, now),))


def commit_answered(order: Order, after: AfterSale, rest: str, reply: Reply, now: Instant) -> Outcome:
    edit, line = _found(after, rest)
    if edit is None or edit.status is not EditStatus.COMMITTING or edit.steps[line] is not Step.HELD:
        return Accepted()
    step = Step.LOST if isinstance(reply, Rejected) else Step.SOLD
    steps = [*edit.steps[:line], step, *edit.steps[line + 1 :]]
    moved = EditLineMoved(edit.edit_id, line, step)
    if Step.HELD in steps:
        return Accepted((moved,))
    if Step.LOST in steps:
        reason = Reason.RESERVATION_ENDED
        return Accepted((moved, *giving_up(order, after, edit, EditStatus.REFUSED, reason, "", now)))
    return Accepted(finishing(order, after, edit, "", now))


def release_answered(_order: Order, after: AfterSale, rest: str, _reply: Reply, _now: Instant) -> Outcome:
    edit, line = _found(after, rest)
    if edit is None or edit.status not in EDIT_ENDS or edit.steps[line] not in (Step.ASKED, Step.HELD):
        return Accepted()
    return Accepted((EditLineMoved(edit.edit_id, line, Step.RELEASED),))


def pay_answered(order: Order, after: AfterSale, rest: str, reply: Reply, now: Instant) -> Outcome:
    edit_id, _, asked = rest.partition(":")
    edit = after.edits.get(edit_id)
    return Accepted() if edit is None or int(asked) != edit.asked else payment_answered(order, after, edit, reply, now)


def payment_answered(order: Order, after: AfterSale, edit: Edit, reply: Reply, now: Instant) -> Outcome:
    """The provider's answer to the edit's last attempt, or its callback: the first capture counts."""
    name, awaited = edit.edit_id, edit.status is EditStatus.AWAITING_PAYMENT and edit.payment in UNPAID
    if isinstance(reply, Authorized):
        if not awaited or (edit.payment is EditPayment.AUTHORIZED and edit.payment_id != reply.payment_id):
            return Accepted(_surplus(order, after, edit, reply, now))
        if reply.amount is not None and reply.amount != edit.due:
            # What was paid isn't what was asked for: nothing is sold for it, and the void undoes it.
            moved = EditPaymentMoved(name, EditPayment.AUTHORIZED, reply.payment_id, now)
            refused = giving_up(order, after, edit, EditStatus.REFUSED, Reason.PAYMENT_DECLINED, "", now)
            return Accepted((moved, *refused))
        if not reply.captured and edit.payment is EditPayment.AUTHORIZED:
            return Accepted()
        payment = EditPayment.CAPTURED if reply.captured else EditPayment.AUTHORIZED
        return Accepted((EditPaymentMoved(name, payment, reply.payment_id, now),))
    if not awaited:
        return Accepted()
    if isinstance(reply, Pending):
        pending = EditPaymentMoved(name, EditPayment.PENDING, reply.payment_id, now)
        return Accepted((pending,) if edit.payment is EditPayment.ASKED else ())
    assert isinstance(reply, Declined), "a provider answers an authorization in one of three ways"
    return Accepted((EditPaymentDeclined(name, reply.code, now),))


def _surplus(order: Order, after: AfterSale, edit: Edit, reply: Authorized, now: Instant) -> tuple[Event, ...]:
    """Money that was taken though nobody wanted it goes back, unless a void does that already."""
    name = name_of("surplus", reply.payment_id)
    voided = edit.status in EDIT_ENDS and (edit.payment in UNPAID or edit.payment is EditPayment.VOIDED)
    ours = edit.payment is EditPayment.CAPTURED and edit.payment_id == reply.payment_id
    if not reply.captured or voided or ours or name in after.refunds:
        return ()
    amount = reply.amount or edit.due
    assert isinstance(amount, Money), "only an edit with something to pay is paid"
    return (RefundAsked(name, amount, edit.gateway, reply.payment_id, (), "surplus", "", now),)


def capture_answered(_order: Order, after: AfterSale, rest: str, reply: Reply, now: Instant) -> Outcome:
    edit = after.edits.get(rest)
    awaited = edit is not None and edit.status is EditStatus.AWAITING_PAYMENT
    if edit is None or not awaited or edit.payment is not EditPayment.AUTHORIZED:
        return Accepted()
    if isinstance(reply, Declined):
        return Accepted((EditPaymentDeclined(edit.edit_id, reply.code, now),))
    assert isinstance(reply, Captured), "a provider captures or declines"
    return Accepted((EditPaymentMoved(edit.edit_id, EditPayment.CAPTURED, edit.payment_id, now),))


def void_answered(_order: Order, after: AfterSale, rest: str, reply: Reply, now: Instant) -> Outcome:
    edit = after.edits.get(rest)
    if edit is None or edit.status not in EDIT_ENDS or edit.payment not in UNPAID:
        return Accepted()
    assert isinstance(reply, Voided | Declined), "a provider voids or declines"
    payment = EditPayment.UNDO_REFUSED if isinstance(reply, Declined) else EditPayment.VOIDED
    return Accepted((EditPaymentMoved(edit.edit_id, payment, edit.payment_id, now),))


def _found(after: AfterSale, rest: str) -> tuple[Edit | None, int]:
    edit_id, _, line = rest.partition(":")
    return after.edits.get(edit_id), int(line)


ANSWERS = {
    "edit-reserve": reserve_answered,
    "edit-commit": commit_answered,
    "edit-release": release_answered,
    "edit-pay": pay_answered,
    "edit-capture": capture_answered,
    "edit-void": void_answered,
}
"""By the name of the effect, the part of its id before the colon."""
