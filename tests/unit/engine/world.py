"""A small world without a runtime: entities, a clock that only moves by hand, a bank, and effects done in turn."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
import pytest

from engine.kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Outcome,
    Rejected,
    ReminderDue,
    Reply,
    Send,
)
from engine.kinds import KINDS
from engine.money import Money
from engine.order.aftersale.state import status_of
from engine.order.aftersale.transitions import ORDER, may_follow
from engine.payment import (
    ABOVE_CAPTURED,
    ALREADY_REFUNDED,
    Authorize,
    Authorized,
    Capture,
    Captured,
    Declined,
    Pending,
    Refund,
    Refunded,
    Void,
    Voided,
)

START: Instant = 1_800_000_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def named(cases: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The rows of a table as parameters; the first column is the name of the case."""
    return [pytest.param(*case, id=name) for name, *case in cases]


class Bank:
    """A provider with a ledger: `balance` is what it took for an order and did not give back."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        self.captures: dict[str, int] = {}
        self.voided: set[str] = set()
        self.refunds: dict[str, Answer] = {}
        self.silent = False
        self.calls: list[Command] = []

    def balance(self, order_id: str) -> int:
        return sum(amount for key, amount in self.taken.items() if key.startswith(order_id))

    def call(self, call: Any) -> Answer:
        self.calls.append(call)
        match call:
            case Authorize():
                return self._authorize(call)
            case Capture():
                key = call.payment_id.removeprefix("pay-")
                if key in self.voided:
                    return Declined("voided")
                self._take(key, call.amount.amount)
                return Captured(call.payment_id)
            case Void():
                self.voided.add(call.authorize_key)
                returned = self.taken.pop(call.authorize_key, 0)
                return Voided(Money(returned, call.amount.currency) if returned else None)
            case Refund():
                self.refunds[call.key] = self.refunds.get(call.key) or self._refund(call)
                return self.refunds[call.key]
        raise AssertionError(call)

    def _refund(self, call: Refund) -> Answer:
        key = call.payment_id.removeprefix("pay-")
        kept = self.taken.get(key, 0)
        if call.amount.amount > kept:
            return Declined(ABOVE_CAPTURED if kept else ALREADY_REFUNDED)
        self.taken[key] = kept - call.amount.amount
        return Refunded(f"re-{call.key}")

    def _authorize(self, call: Authorize) -> Answer:
        if call.key in self.voided:
            return Declined("voided")
        match call.token:
            case "tok_declined":
                return Declined("card_declined")
            case "tok_async":
                return Authorized(f"pay-{call.key}", True) if call.key in self.taken else Pending(f"pay-{call.key}")
            case "tok_two_steps":
                return Authorized(f"pay-{call.key}", False)
        self._take(call.key, call.amount.amount)
        return Authorized(f"pay-{call.key}", True)

    def charge(self, order_id: str, amount: int) -> Authorized:
        """Take the money of a pending payment, or of one whose answer nobody heard."""
        key = f"{order_id}:pay"
        if key not in self.voided:
            self._take(key, amount)
        return Authorized(f"pay-{key}", True)

    def _take(self, key: str, amount: int) -> None:
        if key not in self.taken:
            self.captures[key] = self.captures.get(key, 0) + 1
        self.taken[key] = amount


@cache
def journaled(kind: str) -> "msgspec.msgpack.Decoder[list[Event]]":
    """Reads events of the kind as a journal does."""
    return msgspec.msgpack.Decoder(list[KINDS[kind].events])


class World:
    """Every command is decided and applied at once; `journal` keeps each event as it would be read back."""

    def __init__(self) -> None:
        self.now = START
        self.bank = Bank()
        self.states: dict[tuple[str, str], Any] = {}
        self.journal: dict[tuple[str, str], list[Event]] = {}

    def state(self, kind: str, key: str) -> Any:
        if (kind, key) not in self.states:
            self.states[kind, key] = KINDS[kind].new(key)
            self.journal[kind, key] = []
        return self.states[kind, key]

    def decide(self, kind: str, key: str, command: Command) -> Outcome:
        """What the command would do, with nothing done; the state is shown to be left alone."""
        state = self.state(kind, key)
        before = msgspec.msgpack.encode(state)
        outcome = KINDS[kind].decide(state, command, self.now)
        assert msgspec.msgpack.encode(state) == before, "deciding never changes the state"
        return outcome

    def send(self, kind: str, key: str, command: Command) -> Reply:
        outcome = self.decide(kind, key, command)
        if isinstance(outcome, Rejected):
            return outcome
        self.record(kind, key, outcome)
        return outcome.answer

    def record(self, kind: str, key: str, outcome: Accepted) -> None:
        events = journaled(kind).decode(msgspec.msgpack.encode(outcome.events))
        assert tuple(events) == outcome.events, "events survive the journal"
        for event in events:
            state = self.state(kind, key)
            before = status_of(state) if kind == "order" and state.status is not None else None
            KINDS[kind].apply(state, event)
            if kind == "order" and (after := status_of(state)) != before:
                assert may_follow(ORDER, before, after), f"{before} -> {after} is not in the table"
            self.journal[kind, key].append(event)

    def effects(self, order_id: str) -> list[Effect]:
        wanted = KINDS["order"].effects
        assert wanted is not None
        return list(wanted(self.state("order", order_id)))

    def carry_out(self, effect: Effect) -> Reply:
        if isinstance(effect, Send):
            return self.send(effect.kind, effect.key, effect.command)
        return self.bank.call(effect.call)

    def answer(self, order_id: str, effect_id: str, reply: Reply) -> None:
        self.send("order", order_id, EffectAnswered(effect_id, reply))

    def run(self, order_id: str, *, until: Callable[[], bool] = lambda: False) -> Any:
        """Carry out the order's effects until it waits for none; the order's state then."""
        for _ in range(10_000):
            # A provider that is silent or settles later leaves nothing to do but to wait.
            waiting = [e for e in self.effects(order_id) if not (self.bank.silent and not isinstance(e, Send))]
            if not waiting or until():
                return self.state("order", order_id)
            self.answer(order_id, waiting[0].id, self.carry_out(waiting[0]))
        raise AssertionError(f"{order_id} never comes to rest")

    def advance(self, milliseconds: int) -> None:
        """Let time pass, and wake whoever asked for it."""
        self.now += milliseconds
        for (kind, key), state in list(self.states.items()):
            remind_at = KINDS[kind].remind_at
            for _ in range(1_000):
                due = remind_at(state) if remind_at is not None else None
                if due is None or due > self.now:
                    break
                self.send(kind, key, ReminderDue())
            else:
                raise AssertionError(f"the reminder of {kind} {key} fires for ever")

    def check_folds(self) -> None:
        """fold(journal) = live state, and every state is its own snapshot."""
        for (kind, key), events in self.journal.items():
            folded = KINDS[kind].new(key)
            for event in events:
                KINDS[kind].apply(folded, event)
            live = self.states[kind, key]
            assert folded == live
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(live), type=KINDS[kind].state) == live
