"""What an order does at each command, reminder and answer to one of its effects."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..cart import Line
from ..kernel import Accepted, Command, EffectAnswered, Instant, Outcome, Rejected, ReminderDue, invalid
from ..money import MOST_TOTAL, Money
from ..payment import Pending
from ..pricing import adds_up
from ..reasons import Reason
from ..reservation import MOST_UNITS
from . import importing, numbering
from .aftersale import process, transitions
from .aftersale.edit_process import edit_of_key, reminded
from .aftersale.edit_process import payment_answered as edit_payment_answered
from .aftersale.transitions import may_follow
from .answers import effect_answered, payment_answered
from .events import CancelRequested, OrderCancelled, OrderExpired, OrderFulfilled, OrderPlaced, PaymentAskedAgain
from .messages import Anonymize, Cancel, Fulfil, LookOrder, OrderView, Place, Settlement, SettlePayment, Status
from .numbering import NumberOrder
from .ownership import anonymize
from .participants import misshapen, participants_of
from .state import DEAD, Order, Payment, paid_by, total_of, view, view_as

SECOND_MS = 1_000

LONGEST_PAYMENT_WINDOW_S = 86_400

MOST_LINES = 500

LONGEST_TEXT = 255
"""Characters of an email address, a token or any other name that comes from outside."""


def _place(order: Order, command: Place, now: Instant) -> Outcome:
    if refusal := _misshapen(command):
        return refusal
    lines = _one_line_per_sku(command.lines)
    total = _total_of(command, lines)
    if total is not None and (refusal := _not_payable(lines, total) or _not_claimable(command, lines, total)):
        return refusal
    if order.status is not None:
        if command.fingerprint != order.fingerprint:
            return Rejected(Reason.KEY_REUSED)
        return Accepted((), view(order))
    placed = OrderPlaced(
        command.fingerprint,
        command.email,
        command.gateway,
        command.token,
        lines,
        total,
        command.cart_id,
        command.customer,
        now + command.payment_window_s * SECOND_MS,
        now,
        command.units,
        command.claims,
        command.cart_version,
        command.quote,
        command.address,
    )
    status = Status.SEALING if command.cart_id else Status.RESERVING
    return Accepted(
        (placed,),
        OrderView(
            order.order_id,
            status,
            command.email,
            lines,
            total,
            now,
            None,
            "none",
            "",
            command.cart_id,
            command.claims,
            command.gateway,
            customer=command.customer,
            quote=command.quote,
            address=command.address,
        ),
    )


def _total_of(command: Place, lines: tuple[Line, ...]) -> Money | None:
    if command.quote is not None:
        return Money(command.quote.total, command.quote.currency)
    return total_of(lines) if lines else None


def _misshapen(command: Place) -> Rejected | None:
    for field in ("fingerprint", "email", "gateway", "token"):
        if not 0 < len(getattr(command, field)) <= LONGEST_TEXT:
            return invalid(field, f"have 1 to {LONGEST_TEXT} characters")
    if len(command.cart_id) > LONGEST_TEXT or len(command.customer) > LONGEST_TEXT:
        return invalid("customer", f"have at most {LONGEST_TEXT} characters, like cart_id")
    if not 0 < command.payment_window_s <= LONGEST_PAYMENT_WINDOW_S:
        return invalid("payment_window_s", f"be 1 to {LONGEST_PAYMENT_WINDOW_S}")
    told_by_cart = bool(command.cart_id) and command.cart_version is None
    if told_by_cart == bool(command.lines) or len(command.lines) > MOST_LINES:
        return invalid("lines", f"be 1 to {MOST_LINES}, or none where a cart tells them")
    if command.cart_version is not None and not command.cart_id:
        return invalid("cart_version", "come with a cart")
    if (command.units or command.claims or command.quote is not None) and (refusal := _misshapen_participants(command)):
        return refusal
    for line in command.lines:
        if not 0 < len(line.sku) <= LONGEST_TEXT or "@" in line.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters and no @")
        if not 0 < line.quantity <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS}")
        if not line.price.is_price():
            return invalid("price", "be a price in minor units and an ISO 4217 currency")
    return None


def _misshapen_participants(command: Place) -> Rejected | None:
    if not command.lines:
        return invalid("lines", "be known where units, claims or a quote are")
    return misshapen(command.units, command.claims)


def _not_claimable(command: Place, lines: tuple[Line, ...], total: Money) -> Rejected | None:
    if command.quote is not None:
        if not adds_up(command.quote, lines):
            return invalid("quote", "be of these lines and add up")
        used = {claim.key for claim in command.claims if claim.kind == "coupon"}
        if used != set(command.quote.coupons):
            return invalid("claims", "use up the coupons of the quote, and no others")
    if not command.units and not command.claims:
        return None
    if paid_by(command.claims) > total.amount:
        return invalid("claims", "pay at most the total")
    for participant in participants_of(lines, command.units, ()):
        if participant.quantity > MOST_UNITS:
            return invalid("units", f"be 1 to {MOST_UNITS} of each stock")
    return None


def _one_line_per_sku(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Lines of one SKU as one, at the price of the first: otherwise each could be held and all together not."""
    if len(lines) < 2:
        return lines
    merged: dict[str, Line] = {}
    for line in lines:
        first = merged.get(line.sku)
        if first is not None:
            line = msgspec.structs.replace(first, quantity=first.quantity + line.quantity)
        merged[line.sku] = line
    return tuple(merged.values())


def _not_payable(lines: tuple[Line, ...], total: Money) -> Rejected | None:
    for line in lines:
        if line.price.currency != total.currency:
            currencies = sorted({line.price.currency for line in lines})
            return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": currencies})
        if line.quantity > MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS} for all lines of one SKU")
    if total.amount > MOST_TOTAL:
        return invalid("lines", f"cost at most {MOST_TOTAL} minor units together")
    return None


def _settle_payment(order: Order, command: SettlePayment, now: Instant) -> Outcome:
    if (edit := edit_of_key(order, command.authorize_key)) is not None:
        assert order.after is not None, "an edit is part of the after-sale state"
        return edit_payment_answered(order, order.after, edit, command.reply, now)
    if command.authorize_key != order.authorize_key:
        return invalid("authorize_key", "be the key that this order asked with")
    if order.status is None or order.source:
        # Whoever sold it elsewhere was paid there.
        return Rejected(Reason.NOT_FOUND)
    if isinstance(command.reply, Pending):
        waiting = order.status is Status.AWAITING_PAYMENT and order.payment is Payment.PENDING
        return Accepted((PaymentAskedAgain(order.attempt + 1),) if waiting else ())
    return payment_answered(order, "", command.reply, now)


def _cancel(order: Order, command: Cancel, now: Instant) -> Outcome:
    if len(command.reason) > LONGEST_TEXT:
        return invalid("reason", f"be at most {LONGEST_TEXT} characters")
    status = order.status
    if status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.after is not None and status not in DEAD and not order.after.untouched:
        return process.cancel(order, command.reason, command.by, now)
    if status is Status.CANCELLED or (status is Status.COMMITTING and order.cancel_note is not None):
        return Accepted((), view(order))
    if not may_follow(transitions.ORDER, status, Status.CANCELLED):
        return Rejected(Reason.ORDER_NOT_CANCELLABLE, {"status": str(status)})
    if status is Status.COMMITTING:
        # A commit may be on its way to the stock. What it did is known before it is undone.
        return Accepted((CancelRequested(command.reason, command.by),), view(order))
    settlement = order.settlement or Settlement(Status.CANCELLED, now, Reason.ORDER_CANCELLED)
    return Accepted((OrderCancelled(command.reason, now, command.by),), view_as(order, Status.CANCELLED, settlement))


def _fulfil(order: Order, command: Fulfil, now: Instant) -> Outcome:
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.after is not None:
        return process.fulfil(order, command.by, now)
    if order.status is Status.FULFILLED:
        return Accepted((), view(order))
    if not may_follow(transitions.ORDER, order.status, Status.FULFILLED):
        return Rejected(Reason.ORDER_NOT_FULFILLABLE, {"status": str(order.status)})
    return Accepted((OrderFulfilled(now, command.by),), view_as(order, Status.FULFILLED, order.settlement))


def _look(order: Order, _command: LookOrder, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if order.status is None else Accepted((), view(order))


def _remind(order: Order, _command: ReminderDue, now: Instant) -> Outcome:
    if order.status is not Status.AWAITING_PAYMENT:
        return reminded(order, order.after, now) if order.after is not None else Accepted()
    if now >= order.pay_by:
        return Accepted((OrderExpired(now),))
    if order.payment is Payment.PENDING and now >= order.ask_again_at:
        return Accepted((PaymentAskedAgain(order.attempt + 1),))
    return Accepted()


_DECISIONS: dict[type[Command], Callable[[Order, Any, Instant], Outcome]] = {
    Place: _place,
    EffectAnswered: effect_answered,
    SettlePayment: _settle_payment,
    Cancel: _cancel,
    Fulfil: _fulfil,
    LookOrder: _look,
    ReminderDue: _remind,
    NumberOrder: numbering.decide,
    **dict.fromkeys(process.COMMANDS, process.decide),
    Anonymize: anonymize,
    **importing.DECISIONS,
}


def decide(order: Order, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](order, command, now)
