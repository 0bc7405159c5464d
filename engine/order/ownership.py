"""What ties an order to the account that placed it: the account notes it, and makes it anonymous when it is erased.

A guest's order has nothing of this: no effect, no event, no command.
"""

from collections.abc import Iterator

from ..kernel import Accepted, Effect, Instant, Outcome, Rejected, Reply, Send
from ..reasons import Reason
from .events import AccountNoted, OrderAnonymized
from .messages import Anonymize, NoteOrder, Status
from .state import Order, view

ACCOUNT_PREFIX = "acc_"
"""Every account's key begins so; a guest is counted by an e-mail address, which has an @."""


def has_account(order: Order) -> bool:
    """Whether an account placed the order."""
    return order.customer.startswith(ACCOUNT_PREFIX)


def ownership_effects(order: Order) -> Iterator[Effect]:
    """What the order of an account waits for once its checkout has ended."""
    if order.settlement is not None and not order.noted:
        confirmed = order.settlement.status is Status.CONFIRMED
        yield Send("note", "account", order.customer, NoteOrder(order.order_id, order.placed_at, confirmed))


def note_answered(order: Order, _rest: str, _reply: Reply, _now: Instant) -> Outcome:
    """Whatever the account said: one that doesn't exist any more notes nothing."""
    return Accepted((AccountNoted(),) if not order.noted else ())


def anonymize(order: Order, _command: Anonymize, _now: Instant) -> Outcome:
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    return Accepted((OrderAnonymized(),) if order.email else (), view(order))
