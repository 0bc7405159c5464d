"""A cycle count: what should be on a location's shelves against what is, while the shop sells on.

A process: it asks the stock for its quantity at the instant of each count, so units sold before or after make no
difference: what is booked, by an id, is the difference that was there at that instant.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from .foreseen import accepted_with_view
from .kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Outcome,
    Rejected,
    Send,
    invalid,
)
from .reasons import Reason
from .reservation import MOST_UNITS
from .stock import Adjust, LookStock, StockView, stock_key

MOST_LINES = 500
LONGEST_TEXT = 200


class CountStatus(StrEnum):
    OPEN = "open"
    BOOKING = "booking"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class OpenCount(Command, frozen=True):
    """Begin a sheet for these SKUs of a location."""

    location: str
    skus: tuple[str, ...]
    note: str = ""
    by: str = ""


class RecordCount(Command, frozen=True):
    """So many units are on the shelf. It is compared with the stock now or, where whoever counted has read the stock
    at the shelf, with what it said then (`on_hand_seen`). Counting again replaces the count."""

    sku: str
    counted: int
    on_hand_seen: int | None = None
    by: str = ""


class ApproveCount(Command, frozen=True):
    """Book the differences; lines that nobody counted stay as they are."""

    reason: str = "count"
    by: str = ""


class CancelCount(Command, frozen=True):
    """Book nothing."""

    by: str = ""


class LookCount(Command, frozen=True):
    """Read the sheet."""


class CountOpened(Event, frozen=True):
    location: str
    skus: tuple[str, ...]
    at: Instant
    note: str = ""
    by: str = ""


class CountExpected(Event, frozen=True):
    line: int
    on_hand: int


class CountRecorded(Event, frozen=True):
    line: int
    counted: int
    at: Instant
    on_hand_seen: int | None = None
    by: str = ""


class CountCompared(Event, frozen=True):
    """At the instant of that count the stock said this."""

    line: int
    count: int
    on_hand: int


class CountApproved(Event, frozen=True):
    reason: str
    at: Instant
    by: str = ""


class CountAdjusted(Event, frozen=True):
    """The stock has booked the line's difference, or refuses it for this reason."""

    line: int
    refusal: str = ""


class CountCancelled(Event, frozen=True):
    at: Instant
    by: str = ""


class CountLine(msgspec.Struct, array_like=True, gc=False):
    """One SKU. `counts` tells how many times it was counted; only the last count matters."""

    sku: str
    expected: int | None = None
    """What the stock said when the sheet was opened."""
    counted: int | None = None
    counts: int = 0
    on_hand_then: int | None = None
    """What the stock said when it was counted."""
    counted_at: Instant = 0
    by: str = ""
    booked: bool = False
    refusal: str = ""

    @property
    def variance(self) -> int | None:
        """Units found (or, below zero, missed)."""
        return None if self.counted is None or self.on_hand_then is None else self.counted - self.on_hand_then


class Count(msgspec.Struct, array_like=True, gc=False):
    """The state of a sheet."""

    key: str
    version: int = 0
    status: CountStatus | None = None
    location: str = ""
    lines: list[CountLine] = []
    opened_at: Instant = 0
    note: str = ""
    reason: str = ""


class CountLineView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    sku: str
    expected: int | None
    counted: int | None
    on_hand_then: int | None
    variance: int | None
    booked: bool
    refusal: str
    counted_at: Instant
    by: str


class CountView(Answer, frozen=True):
    """The sheet now."""

    count_id: str
    version: int
    status: CountStatus
    location: str
    lines: tuple[CountLineView, ...]
    opened_at: Instant
    note: str


def _open(count: Count, command: OpenCount, now: Instant) -> Outcome:
    if not command.location or max(map(len, (command.location, command.note, command.by))) > LONGEST_TEXT:
        return invalid("location", f"have 1 to {LONGEST_TEXT} characters, and the note at most so many")
    if not 0 < len(command.skus) <= MOST_LINES or len(set(command.skus)) < len(command.skus):
        return invalid("skus", f"be 1 to {MOST_LINES}, each once")
    if any(not 0 < len(sku) <= LONGEST_TEXT or "@" in sku for sku in command.skus):
        return invalid("skus", f"have 1 to {LONGEST_TEXT} characters and no @")
    if count.status is not None:
        same = (count.location, tuple(line.sku for line in count.lines)) == (command.location, command.skus)
        return Accepted((), view(count)) if same else Rejected(Reason.KEY_REUSED)
    return _accepted(count, CountOpened(command.location, command.skus, now, command.note, command.by))


def _record(count: Count, command: RecordCount, now: Instant) -> Outcome:
    for field in ("counted", "on_hand_seen"):
        if not 0 <= (getattr(command, field) or 0) <= MOST_UNITS:
            return invalid(field, f"be 0 to {MOST_UNITS}")
    if len(command.by) > LONGEST_TEXT:
        return invalid("by", f"have at most {LONGEST_TEXT} characters")
    if count.status is None:
        return Rejected(Reason.NOT_FOUND)
    if count.status is not CountStatus.OPEN:
        return _wrong(count)
    index = next((index for index, line in enumerate(count.lines) if line.sku == command.sku), None)
    if index is None:
        return invalid("sku", "be on the sheet")
    return _accepted(count, CountRecorded(index, command.counted, now, command.on_hand_seen, command.by))


def _approve(count: Count, command: ApproveCount, now: Instant) -> Outcome:
    if not 0 < len(command.reason) <= LONGEST_TEXT or len(command.by) > LONGEST_TEXT:
        return invalid("reason", f"have 1 to {LONGEST_TEXT} characters")
    if count.status is None:
        return Rejected(Reason.NOT_FOUND)
    if count.status in (CountStatus.BOOKING, CountStatus.CLOSED):
        return Accepted((), view(count))
    if count.status is CountStatus.CANCELLED or any(_is_comparing(line) for line in count.lines):
        return _wrong(count)
    return _accepted(count, CountApproved(command.reason, now, command.by))


def _cancel(count: Count, command: CancelCount, now: Instant) -> Outcome:
    if len(command.by) > LONGEST_TEXT:
        return invalid("by", f"have at most {LONGEST_TEXT} characters")
    if count.status is None:
        return Rejected(Reason.NOT_FOUND)
    if count.status is CountStatus.CANCELLED:
        return Accepted((), view(count))
    return _accepted(count, CountCancelled(now, command.by)) if count.status is CountStatus.OPEN else _wrong(count)


def _look(count: Count, _command: LookCount, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if count.status is None else Accepted((), view(count))


def _answered(count: Count, command: EffectAnswered, _now: Instant) -> Outcome:
    what, _, rest = command.effect_id.partition(":")
    number, _, counts = rest.partition(":")
    index, reply = int(number), command.reply
    line = count.lines[index]
    if what == "adjust":
        refusal = str(reply.reason) if isinstance(reply, Rejected) else ""
        return Accepted(() if line.booked or line.refusal else (CountAdjusted(index, refusal),))
    on_hand = reply.on_hand if isinstance(reply, StockView) else 0
    if counts == "0":
        return Accepted((CountExpected(index, on_hand),) if line.expected is None else ())
    if _is_comparing(line) and int(counts) == line.counts:
        return Accepted((CountCompared(index, line.counts, on_hand),))
    return Accepted()


def _wrong(count: Count) -> Rejected:
    return Rejected(Reason.WRONG_STATE, {"status": str(count.status)})


def _is_comparing(line: CountLine) -> bool:
    return line.counted is not None and line.on_hand_then is None


def _accepted(count: Count, event: Event) -> Accepted:
    return accepted_with_view(count, event, apply, view)


def view(count: Count) -> CountView:
    """The sheet as the world sees it."""
    assert count.status is not None, "only a sheet that was opened is seen"
    lines = tuple(
        CountLineView(
            line.sku,
            line.expected,
            line.counted,
            line.on_hand_then,
            line.variance,
            line.booked,
            line.refusal,
            line.counted_at,
            line.by,
        )
        for line in count.lines
    )
    return CountView(count.key, count.version, count.status, count.location, lines, count.opened_at, count.note)


def _apply_opened(count: Count, event: CountOpened) -> None:
    count.status, count.location = CountStatus.OPEN, event.location
    count.lines = [CountLine(sku) for sku in event.skus]
    count.opened_at, count.note = event.at, event.note


def _apply_expected(count: Count, event: CountExpected) -> None:
    count.lines[event.line].expected = event.on_hand


def _apply_recorded(count: Count, event: CountRecorded) -> None:
    line = count.lines[event.line]
    line.counted, line.on_hand_then, line.counted_at, line.by = event.counted, event.on_hand_seen, event.at, event.by
    line.counts += 1


def _apply_compared(count: Count, event: CountCompared) -> None:
    count.lines[event.line].on_hand_then = event.on_hand


def _apply_approved(count: Count, event: CountApproved) -> None:
    count.status, count.reason = CountStatus.BOOKING, event.reason
    _close_when_booked(count)


def _apply_adjusted(count: Count, event: CountAdjusted) -> None:
    line = count.lines[event.line]
    line.booked, line.refusal = not event.refusal, event.refusal
    _close_when_booked(count)


def _apply_cancelled(count: Count, _event: CountCancelled) -> None:
    count.status = CountStatus.CANCELLED


def _close_when_booked(count: Count) -> None:
    if not any(_is_to_book(line) for line in count.lines):
        count.status = CountStatus.CLOSED


def _is_to_book(line: CountLine) -> bool:
    return bool(line.variance) and not line.booked and not line.refusal


_DECISIONS: dict[type[Command], Callable[[Count, Any, Instant], Outcome]] = {
    OpenCount: _open,
    RecordCount: _record,
    ApproveCount: _approve,
    CancelCount: _cancel,
    LookCount: _look,
    EffectAnswered: _answered,
}

_CHANGES: dict[type[Event], Callable[[Count, Any], None]] = {
    CountOpened: _apply_opened,
    CountExpected: _apply_expected,
    CountRecorded: _apply_recorded,
    CountCompared: _apply_compared,
    CountApproved: _apply_approved,
    CountAdjusted: _apply_adjusted,
    CountCancelled: _apply_cancelled,
}


def decide(count: Count, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](count, command, now)


def apply(count: Count, event: Event) -> None:
    """Change the sheet as the event tells."""
    count.version += 1
    _CHANGES[type(event)](count, event)


def effects(count: Count) -> Iterator[Effect]:
    """Quantities to ask for, and differences to book."""
    for index, line in enumerate(count.lines):
        key = stock_key(line.sku, count.location)
        if count.status is CountStatus.OPEN and line.expected is None:
            yield Send(f"look:{index}:0", "stock", key, LookStock())
        if count.status is CountStatus.OPEN and _is_comparing(line):
            yield Send(f"look:{index}:{line.counts}", "stock", key, LookStock())
        elif count.status is CountStatus.BOOKING and _is_to_book(line):
            assert line.variance is not None
            adjust = Adjust(f"{count.key}:{index}", line.variance, count.reason, count.key)
            yield Send(f"adjust:{index}", "stock", key, adjust)


def settled(count: Count) -> Answer | None:
    """The sheet when it waits for no stock."""
    return None if count.status is None or any(True for _ in effects(count)) else view(count)


COUNT = Kind(
    name="count",
    new=Count,
    decide=decide,
    apply=apply,
    commands=OpenCount | RecordCount | ApproveCount | CancelCount | LookCount,
    events=CountOpened | CountExpected | CountRecorded | CountCompared | CountApproved | CountAdjusted | CountCancelled,
    answers=CountView,
    state=Count,
    effects=effects,
    settled=settled,
    view=view,
    listed=True,
)
