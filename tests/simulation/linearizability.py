"""Is there an order of a SKU's operations, each somewhere between question and answer, that explains every answer?

The search is that of Wing and Gong with the memory of Lowe, as in Porcupine: try what may come next, step back where an
answer doesn't fit, and never look twice at one set of operations done with one state reached.
"""

from collections.abc import Sequence
from typing import NamedTuple

from actors.client import FIRST_PAUSE_S
from engine.kernel import Command, Rejected, Reply
from engine.reasons import Reason
from engine.stock import Adjust, Commit, Held, LookStock, Receive, Release, Reserve, StockView, stock_key

from .auditor import Auditor
from .chronicle import Chronicle

FOREVER = float("inf")
MOST_STATES = 20_000
"""A history whose search takes more is left undecided."""


class Expire(Command, frozen=True):
    """A hold ended by itself: nobody asked, and the journal tells when at the latest."""

    reservation_id: str


class Operation(NamedTuple):
    """A command with the time in which it took effect, if it did; `reply` None: nobody heard."""

    command: Command
    asked: float
    answered: float
    reply: Reply


class Counter(NamedTuple):
    """The model: units on hand, what is held by whom, and how reservations ended."""

    on_hand: int = 0
    held: frozenset[tuple[str, int]] = frozenset()
    ended: frozenset[tuple[str, str]] = frozenset()
    receipts: frozenset[str] = frozenset()

    @property
    def reserved(self) -> int:
        return sum(quantity for _, quantity in self.held)


def step(counter: Counter, operation: Operation) -> Counter | None:
    """The state after the operation, or None if it can't be answered like that here."""
    command, reply = operation.command, operation.reply
    refused = reply.reason if isinstance(reply, Rejected) else None
    held, ended = dict(counter.held), dict(counter.ended)
    match command:
        case Receive(receipt_id=name, quantity=units):
            if refused:
                return None
            return _booked(counter, name, units)
        case Adjust(adjustment_id=name, delta=units):
            if refused:
                fits = refused is Reason.STOCK_IN_USE and counter.on_hand + units < counter.reserved
                return counter if fits else None
            if name not in counter.receipts and counter.on_hand + units < counter.reserved:
                return counter if reply is None else None
            return _booked(counter, name, units)
        case Reserve(reservation_id=name, quantity=units):
            return _reserve(counter, operation, held, ended, name, units)
        case Commit(reservation_id=name):
            if name in held:
                left = frozenset(counter.held - {(name, held[name])})
                sold = counter._replace(
                    on_hand=counter.on_hand - held[name], held=left, ended=counter.ended | {(name, "committed")}
                )
                return None if refused else sold
            fits = reply is None or bool(refused) == (ended.get(name) != "committed")
            return counter if fits else None
        case Release(reservation_id=name):
            return None if refused else _end(counter, held, name, "released")
        case Expire(reservation_id=name):
            return _end(counter, held, name, "expired") if name in held else None
        case LookStock():
            told = (reply.on_hand, reply.reserved) if isinstance(reply, StockView) else None
            return counter if told in (None, (counter.on_hand, counter.reserved)) else None
    raise AssertionError(command)


def _booked(counter: Counter, name: str, units: int) -> Counter:
    if name in counter.receipts:
        return counter
    return counter._replace(on_hand=counter.on_hand + units, receipts=counter.receipts | {name})


def _reserve(
    counter: Counter, operation: Operation, held: dict[str, int], ended: dict[str, str], name: str, units: int
) -> Counter | None:
    reply = operation.reply
    refused = reply.reason if isinstance(reply, Rejected) else None
    if name in held or ended.get(name) == "committed":
        return None if refused else counter
    if refused is Reason.RESERVATION_ENDED:
        # Also of a hold whose time was over before it began.
        return counter
    if name in ended:
        return counter if reply is None else None
    enough = units <= counter.on_hand - counter.reserved
    if refused:
        return counter if refused is Reason.INSUFFICIENT_STOCK and not enough else None
    if not enough:
        return counter if reply is None else None
    assert reply is None or isinstance(reply, Held)
    return counter._replace(held=counter.held | {(name, units)})


def _end(counter: Counter, held: dict[str, int], name: str, how: str) -> Counter:
    left = frozenset(counter.held - {(name, held[name])}) if name in held else counter.held
    if name in dict(counter.ended):
        return counter
    return counter._replace(held=left, ended=counter.ended | {(name, how)})


def explain(operations: Sequence[Operation], start: Counter | None = None) -> bool | None:
    """Whether the operations are linearizable; None when the search grew too large."""
    operations = sorted(operations, key=lambda operation: operation.asked)
    all_answered = sum(1 << index for index, each in enumerate(operations) if each.answered < FOREVER)
    seen: set[tuple[int, Counter]] = set()
    stack = [(0, start or Counter())]
    while stack:
        done, counter = stack.pop()
        if done & all_answered == all_answered:
            return True
        if (done, counter) in seen:
            continue
        seen.add((done, counter))
        if len(seen) > MOST_STATES:
            return None
        # Nothing may come next that was asked only after something not yet done was answered.
        first_answer = min(
            (each.answered for index, each in enumerate(operations) if not done >> index & 1), default=FOREVER
        )
        for index, each in enumerate(operations):
            if each.asked > first_answer:
                break
            if not done >> index & 1 and (after := step(counter, each)) is not None:
                stack.append((done | 1 << index, after))
    return False


def operations_of(auditor: Auditor, sku: str) -> list[Operation]:
    """Everything that was asked of a SKU's stock from outside. Each try of a command is an operation by itself: one
    that nobody heard of may have taken effect at any time since, or never."""
    key = stock_key(sku)
    operations = []
    for asked in auditor.asked:
        if asked.key != key or asked.kind != "stock":
            continue
        answered = asked.answered_at if asked.answered and asked.answered_at is not None else FOREVER
        looks = isinstance(asked.command, LookStock)
        if answered < FOREVER:
            operations.append(Operation(asked.command, asked.at, answered, asked.reply))
        # A client sends again what was not answered: an earlier try of its own may have been heard, too.
        if not looks and answered - asked.at > FIRST_PAUSE_S:
            operations.append(Operation(asked.command, asked.at, FOREVER, None))
    book = auditor.stocks.get(key)
    for name, at in book.expiries if book is not None else ():
        began = min(each.asked for each in operations if getattr(each.command, "reservation_id", "") == name)
        operations.append(Operation(Expire(name), began, at, None))
    return operations


def judge_counters(chronicle: Chronicle, auditor: Auditor, skus: Sequence[str]) -> None:
    """Accuse histories that no order explains."""
    for sku in skus:
        operations = operations_of(auditor, sku)
        if explain(operations) is False:
            chronicle.accuse(auditor.time, f"the history of {sku} is not linearizable ({len(operations)} operations)")
