"""What a purchase order does at each command and each answer to one of its effects."""

from collections.abc import Callable
from typing import Any

from ..foreseen import accepted_with_view
from ..kernel import Accepted, Command, EffectAnswered, Event, Instant, Outcome, Rejected, invalid
from ..landed_cost import RATE_ONE
from ..money import MOST_AMOUNT, MOST_TOTAL, Money
from ..reasons import Reason
from ..reservation import MOST_UNITS
from .events import (
    PurchaseBooked,
    PurchaseCancelled,
    PurchaseClosed,
    PurchaseDrafted,
    PurchaseEdited,
    PurchaseExpectationTold,
    PurchaseLineClaimed,
    PurchaseReceived,
    PurchaseReorderEnded,
    PurchaseRescheduled,
    PurchaseSent,
)
from .messages import (
    CancelPurchase,
    ClosePurchase,
    DraftPurchase,
    EditPurchase,
    LookPurchase,
    PurchaseContent,
    PurchaseStatus,
    ReceivePurchase,
    ReschedulePurchase,
    SendPurchase,
)
from .state import OPEN, Purchase, apply, view

MOST_LINES = 200
MOST_CHARGES = 20
MOST_RECEIPTS = 200
"""Deliveries of one order."""
MOST_WEIGHT_G = 1_000_000
HIGHEST_RATE = 1_000_000 * RATE_ONE
LONGEST_TEXT = 255


def _draft(purchase: Purchase, command: DraftPurchase, now: Instant) -> Outcome:
    if refusal := _misshapen(command.content) or _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return _accepted(purchase, PurchaseDrafted(command.content, now, command.automatic, command.by))
    if purchase.drafted_as != command.content:
        return Rejected(Reason.KEY_REUSED)
    return Accepted((), view(purchase))


def _edit(purchase: Purchase, command: EditPurchase, now: Instant) -> Outcome:
    if refusal := _misshapen(command.content) or _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if command.content == purchase.content:
        return Accepted((), view(purchase))
    if command.if_version not in (None, purchase.version):
        return Rejected(Reason.VERSION_CONFLICT, {"version": purchase.version})
    if purchase.status is not PurchaseStatus.DRAFT:
        return _wrong(purchase)
    assert purchase.content is not None
    if (command.content.supplier, command.content.location) != (purchase.content.supplier, purchase.content.location):
        # What it has claimed is for this location.
        return invalid("supplier", "stay what it was, like the location")
    return _accepted(purchase, PurchaseEdited(command.content, now, command.by))


def _send(purchase: Purchase, command: SendPurchase, now: Instant) -> Outcome:
    if refusal := _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if purchase.status is PurchaseStatus.DRAFT:
        assert purchase.content is not None
        expected_at = command.expected_at or purchase.content.expected_at
        return _accepted(purchase, PurchaseSent(expected_at, now, command.by))
    return Accepted((), view(purchase)) if purchase.sent_at else _wrong(purchase)


def _reschedule(purchase: Purchase, command: ReschedulePurchase, now: Instant) -> Outcome:
    if refusal := _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if purchase.status not in OPEN:
        return _wrong(purchase)
    assert purchase.content is not None
    if purchase.content.expected_at == command.expected_at:
        return Accepted((), view(purchase))
    return _accepted(purchase, PurchaseRescheduled(command.expected_at, now, command.by))


def _receive(purchase: Purchase, command: ReceivePurchase, now: Instant) -> Outcome:
    if not 0 < len(command.receipt_id) <= LONGEST_TEXT or ":" in command.receipt_id:
        return invalid("receipt_id", f"have 1 to {LONGEST_TEXT} characters and no colon")
    if not 0 < len(command.lines) <= MOST_LINES or len({units.sku for units in command.lines}) < len(command.lines):
        return invalid("lines", f"be 1 to {MOST_LINES}, each of another SKU")
    for units in command.lines:
        if min(units.quantity, units.damaged) < 0 or not 0 < units.quantity + units.damaged <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS} with the damaged ones")
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if command.receipt_id in purchase.receipts:
        return Accepted((), view(purchase))
    # What comes after the last expected unit is over-delivery: it is in the house and must be booked, too.
    if not purchase.sent_at or purchase.status is PurchaseStatus.CANCELLED:
        return _wrong(purchase)
    if len(purchase.receipts) >= MOST_RECEIPTS:
        return _wrong(purchase)
    for units in command.lines:
        if units.sku not in purchase.progress:
            return invalid("sku", f"be one of the order's, which {units.sku} is not")
    return _accepted(purchase, PurchaseReceived(command.receipt_id, command.lines, now, command.by))


def _close(purchase: Purchase, command: ClosePurchase, now: Instant) -> Outcome:
    if refusal := _too_long("reason", command.reason) or _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if purchase.status is PurchaseStatus.CLOSED:
        return Accepted((), view(purchase))
    if purchase.status not in OPEN:
        return _wrong(purchase)
    return _accepted(purchase, PurchaseClosed(command.reason, now, command.by))


def _cancel(purchase: Purchase, command: CancelPurchase, now: Instant) -> Outcome:
    if refusal := _too_long("reason", command.reason) or _too_long("by", command.by):
        return refusal
    if purchase.status is None:
        return Rejected(Reason.NOT_FOUND)
    if purchase.status is PurchaseStatus.CANCELLED:
        return Accepted((), view(purchase))
    if purchase.status not in (PurchaseStatus.DRAFT, PurchaseStatus.SENT):
        return _wrong(purchase)
    return _accepted(purchase, PurchaseCancelled(command.reason, now, command.by))


def _look(purchase: Purchase, _command: LookPurchase, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if purchase.status is None else Accepted((), view(purchase))


def _answered(purchase: Purchase, command: EffectAnswered, _now: Instant) -> Outcome:
    effect_id, reply = command.effect_id, command.reply
    if effect_id in purchase.pending:
        return Accepted((PurchaseBooked(effect_id, str(reply.reason) if isinstance(reply, Rejected) else ""),))
    what, _, rest = effect_id.partition(":")
    if what == "claim" and rest in purchase.unclaimed:
        held_by = str(reply.details.get("purchase_id") or "another") if isinstance(reply, Rejected) else ""
        return Accepted((PurchaseLineClaimed(rest, held_by),))
    if what == "unclaim" and rest in purchase.claimed:
        return Accepted((PurchaseReorderEnded(rest),))
    if what == "expect":
        sku, _, revision = rest.rpartition(":")
        progress = purchase.progress.get(sku)
        if progress is not None and progress.told < int(revision):
            return Accepted((PurchaseExpectationTold(sku, int(revision)),))
    return Accepted()


def _misshapen(content: PurchaseContent) -> Rejected | None:
    if not content.supplier or not content.location or "@" in content.location:
        return invalid("supplier", "be named, like the location")
    if not Money(0, content.currency).is_price() or not Money(0, content.cost_currency or "USD").is_price():
        return invalid("currency", "be an ISO 4217 currency")
    if not 0 < content.rate_millionths <= HIGHEST_RATE:
        return invalid("rate_millionths", f"be 1 to {HIGHEST_RATE}")
    for field in ("supplier", "location", "note"):
        if refusal := _too_long(field, getattr(content, field)):
            return refusal
    return _misshapen_lines(content)


def _misshapen_lines(content: PurchaseContent) -> Rejected | None:
    lines, charges = content.lines, content.charges
    if not 0 < len(lines) <= MOST_LINES or len({line.sku for line in lines}) < len(lines):
        return invalid("lines", f"be 1 to {MOST_LINES}, each of another SKU")
    for line in lines:
        if not 0 < len(line.sku) <= LONGEST_TEXT or "@" in line.sku or ":" in line.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters, no @ and no colon")
        if not 0 < line.quantity <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS}")
        if not 0 <= line.unit_cost <= MOST_AMOUNT or not 0 <= line.weight_g <= MOST_WEIGHT_G:
            return invalid("unit_cost", f"be 0 to {MOST_AMOUNT}, and weight_g 0 to {MOST_WEIGHT_G}")
    if len(charges) > MOST_CHARGES or any(not 0 <= each.amount <= MOST_AMOUNT for each in charges):
        return invalid("charges", f"be at most {MOST_CHARGES}, each 0 to {MOST_AMOUNT}")
    if any(len(each.name) > LONGEST_TEXT for each in charges):
        return invalid("charges", f"have names of at most {LONGEST_TEXT} characters")
    total = sum(line.quantity * line.unit_cost for line in lines) + sum(each.amount for each in charges)
    if max(total, total * content.rate_millionths // RATE_ONE) > MOST_TOTAL:
        return invalid("lines", f"cost at most {MOST_TOTAL} minor units together")
    return None


def _too_long(field: str, text: str) -> Rejected | None:
    return invalid(field, f"have at most {LONGEST_TEXT} characters") if len(text) > LONGEST_TEXT else None


def _wrong(purchase: Purchase) -> Rejected:
    return Rejected(Reason.WRONG_STATE, {"status": str(purchase.status)})


def _accepted(purchase: Purchase, event: Event) -> Accepted:
    return accepted_with_view(purchase, event, apply, view)


_DECISIONS: dict[type[Command], Callable[[Purchase, Any, Instant], Outcome]] = {
    DraftPurchase: _draft,
    EditPurchase: _edit,
    SendPurchase: _send,
    ReschedulePurchase: _reschedule,
    ReceivePurchase: _receive,
    ClosePurchase: _close,
    CancelPurchase: _cancel,
    LookPurchase: _look,
    EffectAnswered: _answered,
}


def decide(purchase: Purchase, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](purchase, command, now)
