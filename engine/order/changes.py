"""How events change an order."""

from collections.abc import Callable
from typing import Any

from ..address import DeliveryAddress
from ..cart import Line
from ..kernel import Instant, Message
from ..money import Money
from ..reasons import Reason
from .aftersale.state import status_of
from .events import (
    AccountNoted,
    CancelRequested,
    CartGivenBack,
    CartTaken,
    LineAvailable,
    LineHeld,
    LineLost,
    LineRefused,
    LineReleased,
    LineReturned,
    LineSold,
    OrderAnonymized,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderFulfilled,
    OrderPlaced,
    OrderRejected,
    PaymentAskedAgain,
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
from .messages import Settlement, Status
from .participants import participants_of, turn_of
from .state import ASK_AGAIN_MS, DEAD, CartSeal, Order, Payment, Step, participant_at


def _apply_placed(order: Order, event: OrderPlaced) -> None:
    order.fingerprint = event.fingerprint
    order.email = event.email
    order.gateway = event.gateway
    order.token = event.token
    order.cart_id = event.cart_id
    order.customer = event.customer
    order.pay_by = event.pay_by
    order.placed_at = event.at
    order.units = event.units
    order.claims = event.claims
    order.cart_version = event.cart_version
    order.quote = event.quote
    order.address = event.address
    if event.cart_id:
        order.status = Status.SEALING
        order.seal = CartSeal.ASKED
        order.lines = event.lines
        order.total = event.total
    elif event.total is not None:
        _begin_reserving(order, event.lines, event.total)


def _apply_cart_taken(order: Order, event: CartTaken) -> None:
    order.seal = CartSeal.HELD
    _begin_reserving(order, event.lines, event.total)


def _begin_reserving(order: Order, lines: tuple[Line, ...], total: Money) -> None:
    order.status = Status.RESERVING
    order.lines = lines
    order.total = total
    order.participants = participants_of(lines, order.units, order.claims)
    order.unanswered = len(order.participants) or len(lines)
    order.steps = [Step.WAITING] * order.unanswered
    order.sequences = [0] * order.unanswered
    _ask_next(order)


def _ask_next(order: Order) -> None:
    """Participants are asked one after the other, in all orders by the same rule: two that want the same two last units
    never hold one each, to be refused both."""
    waiting = [index for index, step in enumerate(order.steps) if step is Step.WAITING]
    if order.participants:
        following = min(waiting, key=lambda index: turn_of(order.participants[index]))
    else:
        following = min(waiting, key=lambda index: order.lines[index].sku)
    order.steps[following] = Step.ASKED


def _apply_line_held(order: Order, event: LineHeld) -> None:
    order.steps[event.line] = Step.HELD
    order.sequences[event.line] = event.sequence
    if event.backordered:
        order.backorders[participant_at(order, event.line).key] = event.ships_from
    order.unanswered -= 1
    if order.unanswered:
        _ask_next(order)
        return
    if order.due.amount:
        order.status = Status.AWAITING_PAYMENT
        order.payment = Payment.ASKED
    else:
        # No provider takes nothing: a gift is committed at once.
        _begin_committing(order)


def _apply_line_refused(order: Order, event: LineRefused) -> None:
    order.steps[event.line] = Step.REFUSED
    order.refusals[event.line] = event
    order.unanswered -= 1
    for index, other in enumerate(order.participants):
        # Only what is short of stock is told as a whole; nothing else is asked once the order can't be had.
        if other.kind != "stock" and order.steps[index] is Step.WAITING:
            order.steps[index] = Step.SPARED
            order.unanswered -= 1


def _apply_line_available(order: Order, event: LineAvailable) -> None:
    order.steps[event.line] = Step.SPARED
    order.unanswered -= 1


def _apply_payment_pending(order: Order, event: PaymentPending) -> None:
    order.payment = Payment.PENDING
    order.payment_id = event.payment_id
    order.ask_again_at = event.at + ASK_AGAIN_MS
    if event.action is not None:
        order.action = event.action


def _apply_asked_again(order: Order, event: PaymentAskedAgain) -> None:
    order.payment = Payment.ASKED
    order.attempt = event.attempt


def _apply_authorized(order: Order, event: PaymentAuthorized) -> None:
    order.payment = Payment.AUTHORIZED
    order.payment_id = event.payment_id


def _apply_mismatched(order: Order, event: PaymentMismatched) -> None:
    # Reserved or taken, only not as asked: the void of the order that is rejected for it undoes either.
    order.payment = Payment.AUTHORIZED
    order.payment_id = event.payment_id


def _apply_captured(order: Order, event: PaymentCaptured) -> None:
    order.payment = Payment.CAPTURED
    order.payment_id = event.payment_id
    _begin_committing(order)


def _begin_committing(order: Order) -> None:
    order.status = Status.COMMITTING
    order.unanswered = len(order.steps)


def _apply_line_sold(order: Order, event: LineSold) -> None:
    order.steps[event.line] = Step.SOLD
    order.unanswered -= 1


def _apply_line_lost(order: Order, event: LineLost) -> None:
    order.steps[event.line] = Step.LOST
    order.unanswered -= 1


def _apply_confirmed(order: Order, event: OrderConfirmed) -> None:
    order.status = Status.CONFIRMED
    order.steps = [Step.SOLD] * len(order.steps)
    order.unanswered = 0
    if order.cart_id:
        # Also when the order is cancelled later: a shopper begins a new cart.
        order.seal = CartSeal.KEPT
    order.settlement = Settlement(Status.CONFIRMED, event.at)


def _apply_rejected(order: Order, event: OrderRejected) -> None:
    if event.reason is Reason.PAYMENT_DECLINED and order.payment is not Payment.AUTHORIZED:
        order.payment = Payment.DECLINED
    _settle(order, Status.REJECTED, event.at, event.reason, event.details)


def _apply_expired(order: Order, event: OrderExpired) -> None:
    _settle(order, Status.EXPIRED, event.at, Reason.PAYMENT_EXPIRED)


def _apply_cancel_requested(order: Order, event: CancelRequested) -> None:
    order.cancel_note = event.note


def _apply_cancelled(order: Order, event: OrderCancelled) -> None:
    order.cancel_note = event.note
    _settle(order, Status.CANCELLED, event.at, Reason.ORDER_CANCELLED)


def _settle(order: Order, status: Status, at: Instant, reason: Reason, details: dict[str, Any] | None = None) -> None:
    """The order is dead; how its checkout ended was told once and stays, if it ended before."""
    order.status = status
    order.refusals = {}
    if order.settlement is None:
        order.settlement = Settlement(status, at, reason, details or {})


def _apply_fulfilled(order: Order, _event: OrderFulfilled) -> None:
    order.status = Status.FULFILLED
    if not order.email:
        # It was made anonymous while it still had to find its way.
        forget_address(order)


def _apply_line_released(order: Order, event: LineReleased) -> None:
    order.steps[event.line] = Step.RELEASED


def _apply_line_returned(order: Order, event: LineReturned) -> None:
    order.steps[event.line] = Step.RETURNED


def _apply_given_back(order: Order, _event: CartGivenBack) -> None:
    order.seal = CartSeal.GIVEN_BACK


def _apply_voided(order: Order, event: PaymentVoided) -> None:
    order.payment = Payment.VOIDED
    order.returned = event.returned


def _apply_refunded(order: Order, _event: PaymentRefunded) -> None:
    order.payment = Payment.REFUNDED


def _apply_surplus(order: Order, event: SurplusPaymentFound) -> None:
    order.surplus[event.payment_id] = False
    if event.amount is not None:
        order.surplus_amounts[event.payment_id] = event.amount


def _apply_surplus_refunded(order: Order, event: SurplusRefunded) -> None:
    order.surplus[event.payment_id] = True


def _apply_undo_refused(order: Order, event: UndoRefused) -> None:
    if event.payment_id in order.surplus:
        order.surplus[event.payment_id] = True
    else:
        order.undo_refused = True


def _apply_account_noted(order: Order, _event: AccountNoted) -> None:
    order.noted = True


def _apply_anonymized(order: Order, _event: OrderAnonymized) -> None:
    order.email = ""
    order.fingerprint = ""
    if order.settlement is not None:
        # Until then a payment may still be asked for with it.
        order.token = ""
    if order.after is not None:
        order.after.forget_person()
    if status_of(order) in (Status.FULFILLED, Status.DELIVERED) or status_of(order) in DEAD:
        forget_address(order)


def forget_address(order: Order) -> None:
    """Where goods went in the world stays, for the tax office; at whose door they were left doesn't."""
    if order.address is not None:
        order.address = DeliveryAddress("", "", "", order.address.country, region=order.address.region)


CHANGES: dict[type[Message], Callable[[Order, Any], None]] = {
    AccountNoted: _apply_account_noted,
    OrderAnonymized: _apply_anonymized,
    OrderPlaced: _apply_placed,
    CartTaken: _apply_cart_taken,
    LineHeld: _apply_line_held,
    LineRefused: _apply_line_refused,
    LineAvailable: _apply_line_available,
    PaymentPending: _apply_payment_pending,
    PaymentAskedAgain: _apply_asked_again,
    PaymentAuthorized: _apply_authorized,
    PaymentCaptured: _apply_captured,
    PaymentMismatched: _apply_mismatched,
    SurplusPaymentFound: _apply_surplus,
    LineSold: _apply_line_sold,
    LineLost: _apply_line_lost,
    CancelRequested: _apply_cancel_requested,
    OrderConfirmed: _apply_confirmed,
    OrderRejected: _apply_rejected,
    OrderExpired: _apply_expired,
    OrderCancelled: _apply_cancelled,
    OrderFulfilled: _apply_fulfilled,
    LineReleased: _apply_line_released,
    LineReturned: _apply_line_returned,
    CartGivenBack: _apply_given_back,
    PaymentVoided: _apply_voided,
    PaymentRefunded: _apply_refunded,
    SurplusRefunded: _apply_surplus_refunded,
    UndoRefused: _apply_undo_refused,
}
