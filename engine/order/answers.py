"""What an order does at each answer to one of its effects.

Answers come late, twice, or after the order has changed its mind: one that it no longer waits for changes nothing,
except money that was taken and is not wanted.
"""

from collections.abc import Callable, Iterable

from ..cart import CartView, Line
from ..kernel import Accepted, EffectAnswered, Event, Instant, Outcome, Rejected, Reply
from ..payment import ALREADY_REFUNDED, Authorized, Captured, Declined, Pending, Refunded, Voided
from ..reasons import Reason
from ..reservation import Held
from ..stock import StockView
from .aftersale.process import ANSWERS as AFTER_SALE
from .events import (
    CartGivenBack,
    CartTaken,
    LineAvailable,
    LineHeld,
    LineLost,
    LineRefused,
    LineReleased,
    LineReturned,
    LineSold,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderRejected,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentMismatched,
    PaymentPending,
    PaymentRefunded,
    PaymentVoided,
    SurplusPaymentFound,
    SurplusRefunded,
    UndoRefused,
)
from .messages import Status
from .ownership import note_answered
from .participants import details_of
from .state import DEAD, VOIDABLE, CartSeal, Order, Payment, Step, participant_at, total_of

AMOUNT_MISMATCH = "amount_mismatch"
"""The code of an order that is rejected because another amount was paid than it asked for."""


def effect_answered(order: Order, command: EffectAnswered, now: Instant) -> Outcome:
    """What the answer to the effect changes."""
    name, _, rest = command.effect_id.partition(":")
    if rest and order.after is not None and (answered := AFTER_SALE.get(name)) is not None:
        return answered(order, order.after, rest, command.reply, now)
    return _ANSWERS[name](order, rest, command.reply, now)


def _seal_answered(order: Order, _rest: str, reply: Reply, now: Instant) -> Outcome:
    if order.status is not Status.SEALING:
        return Accepted()
    if isinstance(reply, Rejected):
        changed = reply.reason is Reason.VERSION_CONFLICT
        return Accepted((OrderRejected(Reason.CART_CHANGED if changed else reply.reason, reply.details, now),))
    assert isinstance(reply, CartView), "a cart answers a seal with its lines"
    if order.total is not None:
        # What was looked at before is what is bought, or nothing.
        if _units_of(reply.lines) != _units_of(order.lines):
            return Accepted((OrderRejected(Reason.CART_CHANGED, {"version": reply.version}, now),))
        return Accepted((CartTaken(order.lines, order.total, now),))
    return Accepted((CartTaken(reply.lines, total_of(reply.lines), now),))


def _units_of(lines: tuple[Line, ...]) -> dict[str, int]:
    return {line.sku: line.quantity for line in lines}


def _reserve_answered(order: Order, rest: str, reply: Reply, now: Instant) -> Outcome:
    line = int(rest)
    if order.status is not Status.RESERVING or order.steps[line] is not Step.ASKED:
        return Accepted()
    if isinstance(reply, Rejected):
        return Accepted(_not_held(order, LineRefused(line, reply.reason, reply.details), now))
    assert isinstance(reply, Held), "a participant answers a reservation with its sequence"
    if now >= order.pay_by:
        # Too late to ask for a payment; the line is released like the others.
        return Accepted((OrderExpired(now),))
    return Accepted((LineHeld(line, reply.sequence, now, reply.backordered, reply.ships_from),))


def _look_answered(order: Order, rest: str, reply: Reply, now: Instant) -> Outcome:
    index = int(rest)
    if order.status is not Status.RESERVING or order.steps[index] is not Step.WAITING:
        return Accepted()
    assert isinstance(reply, StockView), "a stock answers a look with its quantities"
    wanted = participant_at(order, index)
    if max(reply.available, reply.backorderable) >= wanted.quantity:
        return Accepted(_not_held(order, LineAvailable(index), now))
    details = {**details_of(wanted), "requested": wanted.quantity, "available": reply.available}
    return Accepted(_not_held(order, LineRefused(index, Reason.INSUFFICIENT_STOCK, details), now))


def _not_held(order: Order, event: LineRefused | LineAvailable, now: Instant) -> tuple[Event, ...]:
    """What is recorded of a participant of an order that can't be had; with the last of them the order ends."""
    if any(_is_looked_at(order, index) for index in range(len(order.steps)) if index != event.line):
        return (event,)
    refusals = [*order.refusals.values(), event] if isinstance(event, LineRefused) else order.refusals.values()
    return (event, _rejected_for(refusals, now))


def _is_looked_at(order: Order, index: int) -> bool:
    """Whether it will be asked how much there is, because another has refused."""
    return order.steps[index] is Step.WAITING and participant_at(order, index).kind == "stock"


def payment_answered(order: Order, attempt: str, reply: Reply, now: Instant) -> Outcome:
    """The provider's answer, by whatever way and how often it comes: the first capture counts, any other goes back.

    `attempt` is empty for a callback: only the answer to our own call surely tells of the payment that we asked for.
    """
    if isinstance(reply, Authorized):
        return _authorized(order, reply, now, ours=bool(attempt) or reply.payment_id == order.payment_id)
    if order.status is not Status.AWAITING_PAYMENT:
        return Accepted()
    if isinstance(reply, Pending):
        if order.payment is not Payment.ASKED:
            return Accepted()
        action = reply.action if reply.action != order.action else None
        return Accepted((PaymentPending(reply.payment_id, now, action),))
    assert isinstance(reply, Declined), "a provider answers an authorization in one of three ways"
    return Accepted((OrderRejected(Reason.PAYMENT_DECLINED, {"code": reply.code}, now),))


def _authorized(order: Order, reply: Authorized, now: Instant, *, ours: bool) -> Outcome:
    known = order.payment_id if order.payment is Payment.AUTHORIZED else ""
    if order.status is Status.AWAITING_PAYMENT and known in ("", reply.payment_id):
        if _is_another_amount(order, reply):
            return _mismatched(order, reply.payment_id, reply, now) if ours else _foreign(order, reply)
        if reply.captured:
            return Accepted((PaymentCaptured(reply.payment_id, now),))
        return Accepted(() if known else (PaymentAuthorized(reply.payment_id),))
    return Accepted((SurplusPaymentFound(reply.payment_id, reply.amount),) if _is_surplus(order, reply) else ())


def _is_another_amount(order: Order, reply: Authorized | Captured) -> bool:
    """Whether the provider says that it was another amount, or another currency, than was asked for."""
    return reply.amount is not None and reply.amount != order.due


def _mismatched(order: Order, payment_id: str, reply: Authorized | Captured, now: Instant) -> Outcome:
    """What was paid isn't what was asked for: nothing is sold for it."""
    assert reply.amount is not None, "only an amount that was told can be another one"
    rejected = OrderRejected(Reason.PAYMENT_DECLINED, {"code": AMOUNT_MISMATCH}, now)
    return Accepted((PaymentMismatched(payment_id, reply.amount, now), rejected))


def _foreign(order: Order, reply: Authorized) -> Outcome:
    """Somebody else paid another amount in this order's name: it goes back, and the order waits for its own payment."""
    unknown = reply.captured and reply.payment_id not in order.surplus
    return Accepted((SurplusPaymentFound(reply.payment_id, reply.amount),) if unknown else ())


def _is_surplus(order: Order, reply: Authorized) -> bool:
    """Whether this is taken money that nothing else gives back."""
    if not reply.captured or order.payment is Payment.NONE or reply.payment_id in order.surplus:
        return False
    if order.payment is Payment.CAPTURED or order.payment is Payment.REFUNDED:
        return reply.payment_id != order.payment_id
    # The void of a dead order covers whatever came of its authorization. One that found nothing to give back didn't
    # cover what is heard of only now.
    voided = order.payment in VOIDABLE or (order.payment is Payment.VOIDED and order.returned is not None)
    return not (voided and order.status in DEAD) or order.undo_refused


def _capture_answered(order: Order, _rest: str, reply: Reply, now: Instant) -> Outcome:
    if order.status is not Status.AWAITING_PAYMENT or order.payment is not Payment.AUTHORIZED:
        return Accepted()
    if isinstance(reply, Captured):
        if _is_another_amount(order, reply):
            return _mismatched(order, order.payment_id, reply, now)
        return Accepted((PaymentCaptured(order.payment_id, now),))
    assert isinstance(reply, Declined), "a provider captures or declines"
    return Accepted((OrderRejected(Reason.PAYMENT_DECLINED, {"code": reply.code}, now),))


def _commit_answered(order: Order, rest: str, reply: Reply, now: Instant) -> Outcome:
    line = int(rest)
    if order.status is not Status.COMMITTING or order.steps[line] is not Step.HELD:
        return Accepted()
    all_sold = not isinstance(reply, Rejected) and Step.LOST not in order.steps
    if order.unanswered == 1 and all_sold and order.cancel_note is None:
        # That the order is confirmed says that its last line is sold: one event less in every purchase.
        return Accepted((OrderConfirmed(now),))
    answered = LineLost(line, reply.reason) if isinstance(reply, Rejected) else LineSold(line)
    if order.unanswered > 1:
        return Accepted((answered,))
    return Accepted((answered, _not_confirmed(order, answered, now)))


def _not_confirmed(order: Order, last: LineSold | LineLost, now: Instant) -> OrderCancelled | OrderRejected:
    """How an order ends whose participants have all answered, when not all are sold or it was cancelled meanwhile."""
    if order.cancel_note is not None:
        return OrderCancelled(order.cancel_note, now)
    lost = [line for line, step in enumerate(order.steps) if step is Step.LOST]
    if isinstance(last, LineLost):
        lost.append(last.line)
    return OrderRejected(
        Reason.RESERVATION_ENDED, {"lines": [details_of(participant_at(order, line)) for line in sorted(lost)]}, now
    )


def _release_answered(order: Order, rest: str, _reply: Reply, _now: Instant) -> Outcome:
    line = int(rest)
    waiting = order.status in DEAD and order.steps[line] in (Step.ASKED, Step.HELD)
    return Accepted((LineReleased(line),) if waiting else ())


def _return_answered(order: Order, rest: str, _reply: Reply, _now: Instant) -> Outcome:
    line = int(rest)
    return Accepted((LineReturned(line),) if order.status in DEAD and order.steps[line] is Step.SOLD else ())


def _unseal_answered(order: Order, _rest: str, _reply: Reply, _now: Instant) -> Outcome:
    waiting = order.status in DEAD and order.seal in (CartSeal.ASKED, CartSeal.HELD)
    return Accepted((CartGivenBack(),) if waiting else ())


def _void_answered(order: Order, _rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.status not in DEAD or order.payment not in VOIDABLE or order.undo_refused:
        return Accepted()
    if isinstance(reply, Declined):
        return Accepted((UndoRefused(order.payment_id, reply.code),))
    assert isinstance(reply, Voided), "a provider voids or declines"
    return Accepted((PaymentVoided(reply.returned),))


def _refund_answered(order: Order, _rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.status not in DEAD or order.payment is not Payment.CAPTURED or order.undo_refused:
        return Accepted()
    return Accepted((_gone_back(reply, order.payment_id, PaymentRefunded),))


def _surplus_refund_answered(order: Order, rest: str, reply: Reply, _now: Instant) -> Outcome:
    if order.surplus[rest]:
        return Accepted()
    return Accepted((_gone_back(reply, rest, lambda refund_id: SurplusRefunded(rest, refund_id)),))


def _gone_back(reply: Reply, payment_id: str, event: Callable[[str], Event]) -> Event:
    """What a refund comes to; its id is empty where somebody else gave the money back before us."""
    if isinstance(reply, Declined):
        return event("") if reply.code == ALREADY_REFUNDED else UndoRefused(payment_id, reply.code)
    assert isinstance(reply, Refunded), "a provider refunds or declines"
    return event(reply.refund_id)


_ANSWERS: dict[str, Callable[[Order, str, Reply, Instant], Outcome]] = {
    "seal": _seal_answered,
    "reserve": _reserve_answered,
    "look": _look_answered,
    "pay": payment_answered,
    "capture": _capture_answered,
    "commit": _commit_answered,
    "release": _release_answered,
    "return": _return_answered,
    "unseal": _unseal_answered,
    "void": _void_answered,
    "refund": _refund_answered,
    "surplus": _surplus_refund_answered,
    "note": note_answered,
}
"""By the name of the effect, the part of its id before the colon."""


def _rejected_for(refusals: Iterable[LineRefused], now: Instant) -> OrderRejected:
    """One reason for the order, with the details of every line that was refused for it; lack of stock goes first."""
    ordered = sorted(refusals, key=lambda refusal: refusal.line)
    short = any(refusal.reason is Reason.INSUFFICIENT_STOCK for refusal in ordered)
    reason = Reason.INSUFFICIENT_STOCK if short else ordered[0].reason
    return OrderRejected(reason, {"lines": [line.details for line in ordered if line.reason is reason]}, now)
