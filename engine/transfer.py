"""A transfer moves units from one location's stock to another's: sent, in transit, received in parts.

A process: it dispatches from the one stock and books into the other, each by an id, until both have answered. So units
are in exactly one place at any time: in a stock, in transit here, or written off.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from .bookings import Booking, booking_effects
from .foreseen import accepted_with_view
from .incoming import MILLI, Dispatch, DispatchTaken, Expect
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
from .stock import stock_key

MOST_LINES = 200
MOST_RECEIPTS = 200
"""Deliveries of one transfer."""
LONGEST_TEXT = 255


class TransferStatus(StrEnum):
    DISPATCHING = "dispatching"
    IN_TRANSIT = "in-transit"
    PARTLY_RECEIVED = "partly-received"
    RECEIVED = "received"
    CLOSED = "closed"
    """What never arrived is written off or back where it came from."""
    REFUSED = "refused"
    """Nothing that was asked for was free."""


class Units(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """So many of a SKU."""

    sku: str
    quantity: int


class StartTransfer(Command, frozen=True):
    """Send units from `source` to `destination`, each SKU once; expected there by `expected_at` (0: unknown)."""

    source: str
    destination: str
    lines: tuple[Units, ...]
    expected_at: Instant = 0
    note: str = ""
    by: str = ""


class ReceiveTransfer(Command, frozen=True):
    """A delivery arrived with these units; the same `receipt_id` again changes nothing."""

    receipt_id: str
    lines: tuple[Units, ...]
    by: str = ""


class CloseTransfer(Command, frozen=True):
    """No more will arrive: what is missing is lost or, with `went_back`, back in the stock it came from."""

    went_back: bool = False
    reason: str = ""
    by: str = ""


class LookTransfer(Command, frozen=True):
    """Read the transfer."""


class TransferStarted(Event, frozen=True):
    source: str
    destination: str
    lines: tuple[Units, ...]
    at: Instant
    expected_at: Instant = 0
    note: str = ""
    by: str = ""


class TransferLineSent(Event, frozen=True):
    """The source gave all units of the line, each at this average cost; 0: it had too few."""

    line: int
    quantity: int
    cost_milli: int = 0
    currency: str = ""


class TransferReceived(Event, frozen=True):
    receipt_id: str
    lines: tuple[Units, ...]
    at: Instant
    by: str = ""


class TransferClosed(Event, frozen=True):
    went_back: bool
    reason: str
    at: Instant
    by: str = ""


class TransferBooked(Event, frozen=True):
    """A stock has taken the booking, or, with a `refusal`, will never take it."""

    booking_id: str
    refusal: str = ""


class TransferExpectationTold(Event, frozen=True):
    line: int
    revision: int


class TransferLine(msgspec.Struct, array_like=True, gc=False):
    """One SKU: `sent` is None until the source has answered."""

    sku: str
    quantity: int
    sent: int | None = None
    received: int = 0
    lost: int = 0
    went_back: int = 0
    cost_milli: int = 0
    currency: str = ""
    revision: int = 0
    told: int = 0
    """The revision of the expectation that the destination knows."""

    @property
    def in_transit(self) -> int:
        return (self.sent or 0) - self.received - self.lost - self.went_back

    def booking(self, location: str, quantity: int) -> Booking:
        cost = (quantity * self.cost_milli + MILLI // 2) // MILLI if self.currency else 0
        return Booking(self.sku, location, quantity, cost, self.currency)


class Transfer(msgspec.Struct, array_like=True, gc=False):
    """The state of a transfer."""

    key: str
    version: int = 0
    status: TransferStatus | None = None
    source: str = ""
    destination: str = ""
    lines: list[TransferLine] = []
    started_at: Instant = 0
    expected_at: Instant = 0
    note: str = ""
    by: str = ""
    receipts: dict[str, None] = {}
    pending: dict[str, Booking] = {}
    refusals: dict[str, str] = {}
    """Bookings that a stock will never take, and why: for people to look into."""


class TransferLineView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    sku: str
    quantity: int
    sent: int
    received: int
    in_transit: int
    lost: int
    went_back: int


class TransferView(Answer, frozen=True):
    """The transfer now; `pending` counts bookings that a stock has yet to answer."""

    transfer_id: str
    version: int
    status: TransferStatus
    source: str
    destination: str
    lines: tuple[TransferLineView, ...]
    started_at: Instant
    expected_at: Instant
    note: str
    pending: int
    refusals: dict[str, str] = {}


def _start(transfer: Transfer, command: StartTransfer, now: Instant) -> Outcome:
    if refusal := _misshapen(command.lines):
        return refusal
    if command.source == command.destination or not command.source or not command.destination:
        return invalid("destination", "be another location than the source")
    if max(len(command.note), len(command.by), len(command.source), len(command.destination)) > LONGEST_TEXT:
        return invalid("note", f"have at most {LONGEST_TEXT} characters")
    if transfer.status is not None:
        asked = tuple(Units(line.sku, line.quantity) for line in transfer.lines)
        same = (transfer.source, transfer.destination, asked)
        if (command.source, command.destination, command.lines) != same:
            return Rejected(Reason.KEY_REUSED)
        return Accepted((), view(transfer))
    started = TransferStarted(
        command.source, command.destination, command.lines, now, command.expected_at, command.note, command.by
    )
    return _accepted(transfer, started)


def _receive(transfer: Transfer, command: ReceiveTransfer, now: Instant) -> Outcome:
    if not 0 < len(command.receipt_id) <= LONGEST_TEXT or ":" in command.receipt_id:
        return invalid("receipt_id", f"have 1 to {LONGEST_TEXT} characters and no colon")
    if refusal := _misshapen(command.lines):
        return refusal
    if transfer.status is None:
        return Rejected(Reason.NOT_FOUND)
    if command.receipt_id in transfer.receipts:
        return Accepted((), view(transfer))
    if transfer.status not in _OPEN or len(transfer.receipts) >= MOST_RECEIPTS:
        return Rejected(Reason.WRONG_STATE, {"status": str(transfer.status)})
    lines = {line.sku: line for line in transfer.lines}
    for units in command.lines:
        line = lines.get(units.sku)
        if line is None or line.in_transit < units.quantity:
            in_transit = 0 if line is None else line.in_transit
            return Rejected(Reason.MORE_THAN_SENT, {"sku": units.sku, "in_transit": in_transit})
    return _accepted(transfer, TransferReceived(command.receipt_id, command.lines, now, command.by))


def _close(transfer: Transfer, command: CloseTransfer, now: Instant) -> Outcome:
    if max(len(command.reason), len(command.by)) > LONGEST_TEXT:
        return invalid("reason", f"have at most {LONGEST_TEXT} characters")
    if transfer.status is None:
        return Rejected(Reason.NOT_FOUND)
    if transfer.status is TransferStatus.CLOSED:
        return Accepted((), view(transfer))
    if transfer.status not in _OPEN:
        return Rejected(Reason.WRONG_STATE, {"status": str(transfer.status)})
    return _accepted(transfer, TransferClosed(command.went_back, command.reason, now, command.by))


def _look(transfer: Transfer, _command: LookTransfer, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if transfer.status is None else Accepted((), view(transfer))


def _answered(transfer: Transfer, command: EffectAnswered, _now: Instant) -> Outcome:
    effect_id, reply = command.effect_id, command.reply
    if effect_id in transfer.pending:
        return Accepted((TransferBooked(effect_id, str(reply.reason) if isinstance(reply, Rejected) else ""),))
    what, line, revision = _parts(effect_id)
    if what == "send" and line < len(transfer.lines) and transfer.lines[line].sent is None:
        taken = reply if isinstance(reply, DispatchTaken) else DispatchTaken(0, 0, "")
        return Accepted((TransferLineSent(line, taken.quantity, taken.cost_milli, taken.currency),))
    if what == "expect" and line < len(transfer.lines) and transfer.lines[line].told < revision:
        return Accepted((TransferExpectationTold(line, revision),))
    return Accepted()


def _misshapen(lines: tuple[Units, ...]) -> Rejected | None:
    if not 0 < len(lines) <= MOST_LINES or len({units.sku for units in lines}) < len(lines):
        return invalid("lines", f"be 1 to {MOST_LINES}, each of another SKU")
    for units in lines:
        if not 0 < len(units.sku) <= LONGEST_TEXT or "@" in units.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters and no @")
        if not 0 < units.quantity <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS}")
    return None


def _accepted(transfer: Transfer, event: Event) -> Accepted:
    return accepted_with_view(transfer, event, apply, view)


def view(transfer: Transfer) -> TransferView:
    """The transfer as the world sees it."""
    assert transfer.status is not None, "only a transfer that was started is seen"
    lines = tuple(
        TransferLineView(
            line.sku, line.quantity, line.sent or 0, line.received, line.in_transit, line.lost, line.went_back
        )
        for line in transfer.lines
    )
    return TransferView(
        transfer.key,
        transfer.version,
        transfer.status,
        transfer.source,
        transfer.destination,
        lines,
        transfer.started_at,
        transfer.expected_at,
        transfer.note,
        len(transfer.pending),
        dict(transfer.refusals),
    )


def _apply_started(transfer: Transfer, event: TransferStarted) -> None:
    transfer.status = TransferStatus.DISPATCHING
    transfer.source, transfer.destination = event.source, event.destination
    transfer.lines = [TransferLine(units.sku, units.quantity) for units in event.lines]
    transfer.started_at, transfer.expected_at = event.at, event.expected_at
    transfer.note, transfer.by = event.note, event.by


def _apply_sent(transfer: Transfer, event: TransferLineSent) -> None:
    line = transfer.lines[event.line]
    line.sent, line.cost_milli, line.currency = event.quantity, event.cost_milli, event.currency
    line.revision += bool(event.quantity)
    if all(each.sent is not None for each in transfer.lines):
        sent = any(each.sent for each in transfer.lines)
        transfer.status = TransferStatus.IN_TRANSIT if sent else TransferStatus.REFUSED


def _apply_received(transfer: Transfer, event: TransferReceived) -> None:
    transfer.receipts[event.receipt_id] = None
    lines = {line.sku: (index, line) for index, line in enumerate(transfer.lines)}
    for units in event.lines:
        index, line = lines[units.sku]
        line.received += units.quantity
        line.revision += 1
        booking_id = f"{transfer.key}:{index}:{event.receipt_id}"
        transfer.pending[booking_id] = line.booking(transfer.destination, units.quantity)
    arrived = not any(line.in_transit for line in transfer.lines)
    transfer.status = TransferStatus.RECEIVED if arrived else TransferStatus.PARTLY_RECEIVED


def _apply_closed(transfer: Transfer, event: TransferClosed) -> None:
    transfer.status = TransferStatus.CLOSED
    for index, line in enumerate(transfer.lines):
        if not (missing := line.in_transit):
            continue
        line.revision += 1
        if event.went_back:
            line.went_back = missing
            transfer.pending[f"{transfer.key}:{index}::back"] = line.booking(transfer.source, missing)
        else:
            line.lost = missing


def _apply_booked(transfer: Transfer, event: TransferBooked) -> None:
    del transfer.pending[event.booking_id]
    if event.refusal:
        transfer.refusals[event.booking_id] = event.refusal


def _apply_told(transfer: Transfer, event: TransferExpectationTold) -> None:
    transfer.lines[event.line].told = event.revision


_OPEN = (TransferStatus.IN_TRANSIT, TransferStatus.PARTLY_RECEIVED)

_DECISIONS: dict[type[Command], Callable[[Transfer, Any, Instant], Outcome]] = {
    StartTransfer: _start,
    ReceiveTransfer: _receive,
    CloseTransfer: _close,
    LookTransfer: _look,
    EffectAnswered: _answered,
}

_CHANGES: dict[type[Event], Callable[[Transfer, Any], None]] = {
    TransferStarted: _apply_started,
    TransferLineSent: _apply_sent,
    TransferReceived: _apply_received,
    TransferClosed: _apply_closed,
    TransferBooked: _apply_booked,
    TransferExpectationTold: _apply_told,
}


def decide(transfer: Transfer, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](transfer, command, now)


def apply(transfer: Transfer, event: Event) -> None:
    """Change the transfer as the event tells."""
    transfer.version += 1
    _CHANGES[type(event)](transfer, event)


def effects(transfer: Transfer) -> Iterator[Effect]:
    """Units to fetch from the source, units to book in, and what the destination may expect."""
    for index, line in enumerate(transfer.lines):
        if line.sent is None:
            dispatch = Dispatch(f"{transfer.key}:{index}", line.quantity, transfer.key)
            yield Send(f"send:{index}:0", "stock", stock_key(line.sku, transfer.source), dispatch)
        elif line.told < line.revision:
            expect = Expect(f"{transfer.key}:{index}", line.revision, line.in_transit, transfer.expected_at)
            effect_id = f"expect:{index}:{line.revision}"
            yield Send(effect_id, "stock", stock_key(line.sku, transfer.destination), expect)
    yield from booking_effects(transfer.pending, "transfer", transfer.key)


def settled(transfer: Transfer) -> Answer | None:
    """The transfer once the source has answered for every line."""
    return None if transfer.status in (None, TransferStatus.DISPATCHING) else view(transfer)


def _parts(effect_id: str) -> tuple[str, int, int]:
    what, _, rest = effect_id.partition(":")
    line, _, revision = rest.partition(":")
    return (what, int(line), int(revision)) if what in ("send", "expect") else (what, 0, 0)


TRANSFER = Kind(
    name="transfer",
    new=Transfer,
    decide=decide,
    apply=apply,
    commands=StartTransfer | ReceiveTransfer | CloseTransfer | LookTransfer,
    events=TransferStarted
    | TransferLineSent
    | TransferReceived
    | TransferClosed
    | TransferBooked
    | TransferExpectationTold,
    answers=TransferView,
    state=Transfer,
    effects=effects,
    settled=settled,
    view=view,
    listed=True,
)
