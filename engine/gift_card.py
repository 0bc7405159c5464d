"""Prepaid money: gift cards, and the store credit of accounts. One ledger: what comes in, what is held, what is spent.

A card's key is made from its code, which nobody keeps; store credit's from its account and currency. Money is reserved
and committed by orders like stock, so a balance can't be spent twice, and comes back when an order dies.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from . import holds
from .holds import HoldAnswer, HoldCommand, HoldEvent, Holds
from .kernel import (
    Accepted,
    Answer,
    Command,
    Event,
    Instant,
    Kind,
    Message,
    Outcome,
    Rejected,
    ReminderDue,
    invalid,
    tag_of,
)
from .money import MOST_AMOUNT, Money
from .reasons import Reason
from .reservation import Commit, Committed, Done, Release, Reserve, Return, Returned

MOST_OPEN = 1_000
"""Orders that may be holding money of one card at the same time."""

TOP_UPS_KEPT = 1_000
"""Top-ups that are remembered by id."""

LONGEST_NOTE = 255
"""Characters."""


def store_credit_key(account: str, currency: str) -> str:
    """The key of an account's credit in a currency; its tag is the account."""
    return f"{account}@{currency}"


class IssueCard(Command, frozen=True):
    """Make the card; again with the same content: no change. `hint` is what may be shown of its code."""

    amount: Money
    hint: str = ""
    expires_at: Instant = 0
    note: str = ""


class TopUp(Command, frozen=True):
    """Money comes in. The same `top_up_id` again changes nothing and gets the same answer. It opens a store credit."""

    top_up_id: str
    amount: Money
    note: str = ""


class SetCard(Command, frozen=True):
    """Block or unblock the card, or change when it expires (0: never); None leaves as it is."""

    blocked: bool | None = None
    expires_at: Instant | None = None
    note: str = ""


class LookCard(Command, frozen=True):
    """Read the balance."""


class CardIssued(Event, frozen=True):
    amount: Money
    hint: str
    expires_at: Instant
    note: str
    at: Instant


class ToppedUp(Event, frozen=True):
    top_up_id: str
    amount: Money
    note: str
    at: Instant


class CardSet(Event, frozen=True):
    blocked: bool
    expires_at: Instant
    note: str
    at: Instant


class CardView(Answer, frozen=True):
    """The balance in minor units; `available` is what orders may still reserve."""

    key: str
    currency: str
    balance: int
    reserved: int
    available: int
    hint: str
    blocked: bool
    expires_at: Instant
    issued_at: Instant


class Card(msgspec.Struct, array_like=True, gc=False):
    """The state of a card or a credit; `currency` is empty until it is opened, and never changes then.

    issued + topped up + returned - spent = balance, of which `holds.reserved` is held by orders.
    """

    key: str
    currency: str = ""
    balance: int = 0
    hint: str = ""
    blocked: bool = False
    expires_at: Instant = 0
    issued_at: Instant = 0
    issued: CardIssued | None = None
    top_ups: dict[str, None] = {}
    holds: Holds = msgspec.field(default_factory=Holds)

    @property
    def available(self) -> int:
        return self.balance - self.holds.reserved


def _issue(card: Card, command: IssueCard, now: Instant) -> Outcome:
    if refusal := _misshapen(command.amount, command.note) or _misshapen_hint(command.hint):
        return refusal
    issued = CardIssued(command.amount, command.hint, command.expires_at, command.note, now)
    if card.issued is not None:
        same = msgspec.structs.replace(issued, at=card.issued.at) == card.issued
        return Accepted((), view(card)) if same else Rejected(Reason.KEY_REUSED)
    return Accepted(
        (issued,),
        CardView(
            *(card.key, command.amount.currency, command.amount.amount, 0, command.amount.amount, command.hint),
            *(False, command.expires_at, now),
        ),
    )


def _top_up(card: Card, command: TopUp, now: Instant) -> Outcome:
    if not 0 < len(command.top_up_id) <= LONGEST_NOTE:
        return invalid("top_up_id", f"have 1 to {LONGEST_NOTE} characters")
    if refusal := _misshapen(command.amount, command.note):
        return refusal
    if command.top_up_id in card.top_ups:
        return Accepted((), Done())
    if card.currency and command.amount.currency != card.currency:
        return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted((card.currency, command.amount.currency))})
    if card.balance + command.amount.amount > MOST_AMOUNT:
        return invalid("amount", f"not bring the balance above {MOST_AMOUNT}")
    return Accepted((ToppedUp(command.top_up_id, command.amount, command.note, now),), Done())


def _top_up_card(card: Card, command: TopUp, now: Instant) -> Outcome:
    return _top_up(card, command, now) if card.currency else Rejected(Reason.NOT_FOUND)


def _set(card: Card, command: SetCard, now: Instant) -> Outcome:
    if len(command.note) > LONGEST_NOTE:
        return invalid("note", f"have at most {LONGEST_NOTE} characters")
    if not card.currency:
        return Rejected(Reason.NOT_FOUND)
    blocked = card.blocked if command.blocked is None else command.blocked
    expires_at = card.expires_at if command.expires_at is None else command.expires_at
    if (blocked, expires_at) == (card.blocked, card.expires_at):
        return Accepted((), view(card))
    shown = msgspec.structs.replace(view(card), blocked=blocked, expires_at=expires_at)
    return Accepted((CardSet(blocked, expires_at, command.note, now),), shown)


def _look(card: Card, _command: LookCard, _now: Instant) -> Outcome:
    return Accepted((), view(card)) if card.currency else Rejected(Reason.NOT_FOUND)


def _hold(card: Card, command: Any, now: Instant) -> Outcome:
    return holds.decide(card.holds, command, now, lambda reserve: _refusal_of(card, reserve, now))


def _refusal_of(card: Card, reserve: Reserve, now: Instant) -> Rejected | None:
    """Why the money can't be held; `terms` is the currency of the order."""
    if not card.currency:
        return _refuse(card, Reason.GIFT_CARD_UNKNOWN)
    if card.blocked:
        return _refuse(card, Reason.GIFT_CARD_BLOCKED)
    if card.expires_at and now >= card.expires_at:
        return _refuse(card, Reason.GIFT_CARD_EXPIRED)
    if reserve.terms not in ("", card.currency):
        return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted((card.currency, reserve.terms))})
    if reserve.quantity > card.available or len(card.holds.open) >= MOST_OPEN:
        return _refuse(card, Reason.GIFT_CARD_INSUFFICIENT, requested=reserve.quantity, available=card.available)
    return None


def _refuse(card: Card, reason: Reason, **details: Any) -> Rejected:
    return Rejected(reason, {"gift_card": card.hint or tag_of(card.key), **details})


def _misshapen(amount: Money, note: str) -> Rejected | None:
    if not amount.is_price() or not amount.amount:
        return invalid("amount", "be more than nothing, in minor units and an ISO 4217 currency")
    return invalid("note", f"have at most {LONGEST_NOTE} characters") if len(note) > LONGEST_NOTE else None


def _misshapen_hint(hint: str) -> Rejected | None:
    return invalid("hint", f"have at most {LONGEST_NOTE} characters") if len(hint) > LONGEST_NOTE else None


def view(card: Card) -> CardView:
    """The card as it is now."""
    return CardView(
        card.key,
        card.currency,
        card.balance,
        card.holds.reserved,
        card.available,
        card.hint,
        card.blocked,
        card.expires_at,
        card.issued_at,
    )


def apply(card: Card, event: Message) -> None:
    """Change the card as the event tells."""
    match event:
        case CardIssued():
            card.issued = event
            card.currency, card.balance = event.amount.currency, event.amount.amount
            card.hint, card.expires_at, card.issued_at = event.hint, event.expires_at, event.at
        case ToppedUp():
            if not card.currency:
                card.currency, card.issued_at = event.amount.currency, event.at
            card.balance += event.amount.amount
            card.top_ups[event.top_up_id] = None
            if len(card.top_ups) > TOP_UPS_KEPT:
                del card.top_ups[next(iter(card.top_ups))]
        case CardSet():
            card.blocked, card.expires_at = event.blocked, event.expires_at
        case _:
            assert isinstance(event, Event), "all else is an event of holds"
            holds.apply(card.holds, event)
            if isinstance(event, Committed):
                card.balance -= event.quantity
            elif isinstance(event, Returned):
                card.balance += event.quantity


_Decisions = dict[type[Command], Callable[[Card, Any, Instant], Outcome]]

_BOTH: _Decisions = {
    SetCard: _set,
    LookCard: _look,
    Reserve: _hold,
    Commit: _hold,
    Release: _hold,
    Return: _hold,
    ReminderDue: _hold,
}
_CARD_DECISIONS: _Decisions = {**_BOTH, IssueCard: _issue, TopUp: _top_up_card}
_CREDIT_DECISIONS: _Decisions = {**_BOTH, TopUp: _top_up}


def decide_card(card: Card, command: Command, now: Instant) -> Outcome:
    """What the command to a gift card would record at `now`, and its answer."""
    return _CARD_DECISIONS[type(command)](card, command, now)


def decide_credit(card: Card, command: Command, now: Instant) -> Outcome:
    """What the command to an account's credit would record at `now`, and its answer."""
    return _CREDIT_DECISIONS[type(command)](card, command, now)


def remind_at(card: Card) -> Instant | None:
    """When an order's hold may expire."""
    return holds.remind_at(card.holds)


GIFT_CARD = Kind(
    name="gift-card",
    new=Card,
    decide=decide_card,
    apply=apply,
    commands=IssueCard | TopUp | SetCard | LookCard | HoldCommand,
    events=CardIssued | ToppedUp | CardSet | HoldEvent,
    answers=CardView | HoldAnswer,
    state=Card,
    remind_at=remind_at,
)

STORE_CREDIT = Kind(
    name="store-credit",
    new=Card,
    decide=decide_credit,
    apply=apply,
    commands=TopUp | SetCard | LookCard | HoldCommand,
    events=ToppedUp | CardSet | HoldEvent,
    answers=CardView | HoldAnswer,
    state=Card,
    remind_at=remind_at,
)
