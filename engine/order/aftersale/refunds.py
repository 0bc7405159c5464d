"""Money that goes back: in parts, by line, and never more than was captured.

A refund is an effect with an id and a provider's key of its own. What is asked for counts as given back until the
provider refuses it; an amount that spans several payments becomes as many refunds.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ...gift_card import STORE_CREDIT, TopUp, store_credit_key
from ...kernel import Accepted, Command, Effect, Event, Instant, Outcome, Rejected, Reply, Request, Send, invalid
from ...money import Money
from ...payment import Declined, Refunded
from ...payment import Refund as GiveBackPayment
from ...reasons import Reason
from ...reservation import Return
from ..ownership import has_account
from ..state import Order
from .records import LineAmount, LineUnits, Refund, RefundStatus
from .state import AfterSale, begun, misnamed, not_kept, payments_of, refundable, too_many

MOST_REFUNDS = 200
MOST_PER_COMMAND = 8
"""Payments that one amount may span, kept free below `MOST_REFUNDS` so that undoing always finds room."""


class RefundOrder(Command, frozen=True):
    """Give money back without anything coming back: so much for the lines named, or `amount` for none of them.

    With `to_credit` it becomes store credit of the account that placed the order.
    """

    refund_id: str
    amount: int
    lines: tuple[LineAmount, ...] = ()
    reason: str = ""
    by: str = ""
    to_credit: bool = False


class RefundAsked(Event, frozen=True):
    refund_id: str
    amount: Money
    gateway: str
    payment_id: str
    lines: tuple[LineAmount, ...]
    reason: str
    by: str
    at: Instant
    claim: tuple[str, str] | None = None


class PartRefunded(Event, frozen=True):
    """The provider gave it back."""

    refund_id: str
    reference: str
    at: Instant


class PartRefundRefused(Event, frozen=True):
    """The provider refuses for good: the amount can be asked for again, under another id."""

    refund_id: str
    code: str
    at: Instant


Decided = tuple[Event, ...] | Rejected


def worth(after: AfterSale, units: Iterable[LineUnits]) -> tuple[LineAmount, ...]:
    """What the next units of these lines were paid with, where that isn't nothing: no more than is left of the line."""
    amounts = []
    for each in units:
        item = after.items[each.line]
        amounts.append(LineAmount(each.line, min(item.value_of(each.quantity), item.paid - item.refunded)))
    return tuple(each for each in amounts if each.amount > 0)


def less(lines: tuple[LineAmount, ...], fee: int) -> tuple[LineAmount, ...]:
    """The lines' amounts with `fee` taken off, from the first line on."""
    left: list[LineAmount] = []
    for each in lines:
        taken = min(fee, each.amount)
        fee -= taken
        if each.amount > taken:
            left.append(LineAmount(each.line, each.amount - taken))
    return tuple(left)


def name_of(source: str, name: str) -> str:
    """The id of the refund that something else causes: no two causes share one."""
    return f"{source}-{name}"


def _refund(order: Order, after: AfterSale, command: RefundOrder, now: Instant) -> Decided:
    if refusal := misnamed(refund_id=command.refund_id, reason=command.reason, by=command.by):
        return refusal
    name = name_of("refund", command.refund_id)
    if asked := _parts_of(after, name):
        same = sum(part.amount.amount for part in asked) == command.amount
        return () if same else Rejected(Reason.KEY_REUSED)
    if refusal := not_kept(order) or _misshapen(after, command) or no_credit(order, command.to_credit):
        return refusal
    left = refundable(order, after)
    if command.amount > left:
        return Rejected(Reason.REFUND_TOO_HIGH, {"requested": command.amount, "refundable": left})
    if len(after.refunds) + MOST_PER_COMMAND > MOST_REFUNDS:
        return too_many("refunds", MOST_REFUNDS)
    amount, credited = command.amount, command.to_credit
    return asking(order, after, name, amount, command.lines, command.reason, command.by, now, to_credit=credited)


def _misshapen(after: AfterSale, command: RefundOrder) -> Rejected | None:
    if command.amount < 1:
        return invalid("amount", "be 1 or more")
    if not command.lines:
        return None
    if len({each.line for each in command.lines}) != len(command.lines):
        return invalid("lines", "name each line once")
    for each in command.lines:
        if not 0 <= each.line < len(after.items):
            return invalid("line", f"be 0 to {len(after.items) - 1}")
        item = after.items[each.line]
        if not 0 < each.amount <= item.paid - item.refunded:
            return Rejected(Reason.REFUND_TOO_HIGH, {"requested": each.amount, "refundable": item.paid - item.refunded})
    if sum(each.amount for each in command.lines) != command.amount:
        return invalid("amount", "be the sum of the lines' amounts")
    return None


def no_credit(order: Order, wanted: bool) -> Rejected | None:
    """The refusal of store credit for somebody who has no account."""
    return invalid("to_credit", "be for the order of an account") if wanted and not has_account(order) else None


def _parts_of(after: AfterSale, name: str) -> list[Refund]:
    return [refund for key, refund in after.refunds.items() if key.partition("/")[0] == name]


def asking(
    order: Order,
    after: AfterSale,
    name: str,
    amount: int,
    lines: tuple[LineAmount, ...],
    reason: str,
    by: str,
    now: Instant,
    *,
    of: str = "",
    to_credit: bool = False,
) -> tuple[Event, ...]:
    """Ask for `amount`, which is refundable, of as many payments as it takes; of the payment `of` first.

    `to_credit`: what a provider was paid becomes store credit. What a gift card paid goes back to the card.
    """
    assert order.total is not None, "a confirmed order has a total"
    credit = (STORE_CREDIT.name, store_credit_key(order.customer, order.total.currency)) if to_credit else None
    events: list[Event] = []
    for paid in sorted(payments_of(order, after), key=lambda paid: paid.payment_id != of):
        part = min(amount, paid.captured - paid.refunded)
        if part <= 0:
            continue
        # The lines' amounts are told once, with the first part.
        told = lines if not events else ()
        name_of_part = f"{name}/{len(events) + 1}" if events else name
        money = Money(part, order.total.currency)
        to = paid.claim or credit
        events.append(RefundAsked(name_of_part, money, paid.gateway, paid.payment_id, told, reason, by, now, to))
        amount -= part
    assert amount == 0, "never more is asked for than was captured"
    return tuple(events)


def _apply_asked(order: Order, event: RefundAsked) -> None:
    after = begun(order)
    after.refunds[event.refund_id] = Refund(
        event.refund_id,
        event.amount,
        event.gateway,
        event.payment_id,
        RefundStatus.ASKED,
        event.reason,
        "",
        event.lines,
        event.at,
        event.at,
        event.claim,
    )
    for each in event.lines:
        after.change_item(each.line, refunded=each.amount)


def _apply_refunded(order: Order, event: PartRefunded) -> None:
    _end(begun(order), event.refund_id, RefundStatus.DONE, event.reference, event.at)


def _apply_refused(order: Order, event: PartRefundRefused) -> None:
    after = begun(order)
    for each in after.refunds[event.refund_id].lines:
        after.change_item(each.line, refunded=-each.amount)
    _end(after, event.refund_id, RefundStatus.REFUSED, event.code, event.at)


def _end(after: AfterSale, refund_id: str, status: RefundStatus, reference: str, at: Instant) -> None:
    after.refunds[refund_id] = msgspec.structs.replace(
        after.refunds[refund_id], status=status, reference=reference, changed_at=at
    )


def effects(order: Order, after: AfterSale) -> Iterator[Effect]:
    """Every refund that the provider hasn't answered."""
    for refund in after.refunds.values():
        if refund.status is not RefundStatus.ASKED:
            continue
        name, key = f"refund:{refund.refund_id}", f"{order.order_id}:refund:{refund.refund_id}"
        if refund.claim is None:
            yield Request(name, refund.gateway, GiveBackPayment(key, refund.payment_id, refund.amount))
        elif refund.gateway:
            yield Send(name, *refund.claim, TopUp(key, refund.amount, refund.reason))
        else:
            yield Send(name, *refund.claim, Return(key, refund.amount.amount, order.customer))


def answered(_order: Order, after: AfterSale, refund_id: str, reply: Reply, now: Instant) -> Outcome:
    """The provider's answer; one that comes late or twice changes nothing."""
    refund = after.refunds.get(refund_id)
    if refund is None or refund.status is not RefundStatus.ASKED:
        return Accepted()
    if isinstance(reply, Rejected):
        return Accepted((PartRefundRefused(refund_id, str(reply.reason), now),))
    if isinstance(reply, Declined):
        return Accepted((PartRefundRefused(refund_id, reply.code, now),))
    if refund.claim is not None:
        return Accepted((PartRefunded(refund_id, "", now),))
    assert isinstance(reply, Refunded), "a provider refunds or declines"
    return Accepted((PartRefunded(refund_id, reply.refund_id, now),))


DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {RefundOrder: _refund}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    RefundAsked: _apply_asked,
    PartRefunded: _apply_refunded,
    PartRefundRefused: _apply_refused,
}
