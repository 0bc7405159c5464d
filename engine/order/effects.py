"""What an order waits for, read from how far everything has come: never a stored list of things to do.

So a crash can lose no step, and undoing is the same reading in an order that is dead.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ..cart import Seal, Unseal
from ..kernel import Effect, Instant, Request, Send
from ..payment import Authorize, Capture, Refund, Void
from ..reservation import Commit, Release, Reserve, Return
from ..stock import LookStock
from .aftersale.edit_process import remind_at as after_sale_remind_at
from .aftersale.process import effects as after_sale_effects
from .messages import Status
from .ownership import has_account, ownership_effects
from .state import VOIDABLE, CartSeal, Order, Payment, Step, participant_at


def _sealing_effects(order: Order) -> Iterator[Effect]:
    yield Send("seal", "cart", order.cart_id, Seal(order.order_id, order.cart_version))


def _reserving_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        if step is Step.WAITING and order.refusals:
            # Nothing more is held, but whoever is refused is told of every line that is short.
            yield Send(f"look:{index}", "stock", participant_at(order, index).key, LookStock())
        elif step is Step.ASKED:
            wanted = participant_at(order, index)
            until, name = order.hold_until, _reservation_id(order, index)
            reserve = Reserve(name, wanted.quantity, until, order.customer, wanted.terms)
            yield Send(f"reserve:{index}", wanted.kind, wanted.key, reserve)


def _payment_effects(order: Order) -> Iterator[Effect]:
    if order.payment is Payment.ASKED:
        authorize = Authorize(
            order.authorize_key, order.due, order.token, order.order_id, True, order.payment_id, order.placed_at
        )
        # Asking again is a new effect with the same key: the runtime tells effects apart by id, the provider by key.
        yield Request(f"pay:{order.attempt}", order.gateway, authorize)
    elif order.payment is Payment.AUTHORIZED:
        capture = Capture(f"{order.order_id}:capture", order.payment_id, order.due)
        yield Request("capture", order.gateway, capture)


def _committing_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        if step is Step.HELD:
            commit = Commit(_reservation_id(order, index), order.sequences[index], order.hold_until)
            held = participant_at(order, index)
            yield Send(f"commit:{index}", held.kind, held.key, commit)


def _undoing_effects(order: Order) -> Iterator[Effect]:
    for index, step in enumerate(order.steps):
        if step is Step.HELD or step is Step.ASKED:
            # Where the answer isn't known yet, this also keeps the reservation from beginning late.
            held = participant_at(order, index)
            yield Send(f"release:{index}", held.kind, held.key, Release(_reservation_id(order, index)))
        elif step is Step.SOLD:
            sold = participant_at(order, index)
            back = Return(_reservation_id(order, index), sold.quantity, order.customer)
            yield Send(f"return:{index}", sold.kind, sold.key, back)
    if order.seal is CartSeal.ASKED or order.seal is CartSeal.HELD:
        # Also after a refusal: a second copy of the seal could come when the cart would take it.
        yield Send("unseal", "cart", order.cart_id, Unseal(order.order_id))
    if order.undo_refused or order.total is None:
        return
    if order.payment in VOIDABLE:
        key = f"{order.order_id}:void"
        void = Void(key, order.authorize_key, order.due, order.token, order.payment_id, order.placed_at)
        yield Request("void", order.gateway, void)
    elif order.payment is Payment.CAPTURED:
        refund = Refund(f"{order.order_id}:refund", order.payment_id, order.due)
        yield Request("refund", order.gateway, refund)


def _surplus_effects(order: Order) -> Iterator[Effect]:
    for payment_id, done in order.surplus.items():
        if not done:
            amount = order.surplus_amounts.get(payment_id, order.due)
            refund = Refund(f"{order.order_id}:refund:{payment_id}", payment_id, amount)
            yield Request(f"surplus:{payment_id}", order.gateway, refund)


def _reservation_id(order: Order, index: int) -> str:
    return f"{order.order_id}:{index}"


_EFFECTS: dict[Status | None, Callable[[Order], Iterator[Effect]]] = {
    Status.SEALING: _sealing_effects,
    Status.RESERVING: _reserving_effects,
    Status.AWAITING_PAYMENT: _payment_effects,
    Status.COMMITTING: _committing_effects,
    Status.REJECTED: _undoing_effects,
    Status.EXPIRED: _undoing_effects,
    Status.CANCELLED: _undoing_effects,
}


def effects(order: Order) -> Iterable[Effect]:
    """What the order waits for from its participants, cart and payment provider; each is made when it is reached."""
    waiting_for = _EFFECTS.get(order.status)
    found = waiting_for(order) if waiting_for is not None else ()
    if order.after is not None:
        found = chain(found, after_sale_effects(order, order.after))
    if order.settlement is not None and has_account(order):
        found = chain(found, ownership_effects(order))
    return chain(found, _surplus_effects(order)) if order.surplus else found


def remind_at(order: Order) -> Instant | None:
    """When the payment must be settled or, before that, asked for again."""
    if order.status is not Status.AWAITING_PAYMENT:
        return after_sale_remind_at(order.after) if order.after is not None else None
    return min(order.ask_again_at, order.pay_by) if order.payment is Payment.PENDING else order.pay_by
