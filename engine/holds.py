"""The reservations of a small participant (a coupon, a gift card, an allotment): what is held, sold and ended.

The entity says what may be reserved and what it counts; this keeps the protocol's promises: a retry gets its first
answer, nothing begins after its end, everything ends once, and memory is bounded.
"""

from collections.abc import Callable
from itertools import islice

import msgspec

from .kernel import Accepted, Event, Instant, Outcome, Rejected, ReminderDue, invalid
from .reasons import Reason
from .reservation import (
    COMMIT_KNOWN_MS,
    ENDED_KEPT_MS,
    FORGET_EVERY_MS,
    LONGEST_HOLD_MS,
    MOST_EXPIRED_AT_ONCE,
    SOLD_KEPT_MS,
    Commit,
    Committed,
    Done,
    Ended,
    Expired,
    Held,
    Hold,
    NextExpiryFound,
    Release,
    Released,
    Reserve,
    Reserved,
    Return,
    Returned,
    Sold,
    forget_before,
)

HoldCommand = Reserve | Commit | Release | Return
HoldEvent = Reserved | Committed | Released | Expired | Returned | NextExpiryFound
HoldAnswer = Held | Done
"""For the unions of a kind that has holds."""


class Holds(msgspec.Struct, array_like=True, gc=False):
    """The reservations of one entity; `reserved` is what the open ones hold together."""

    reserved: int = 0
    next_sequence: int = 1
    next_expiry: Instant = 0
    """No open hold expires before this; 0 when none is open."""
    forget_at: Instant = 0
    open: dict[str, Hold] = {}
    sold: dict[str, Sold] = {}
    ended: dict[str, Ended] = {}


def decide(
    holds: Holds, command: HoldCommand | ReminderDue, now: Instant, refusal_of: Callable[[Reserve], Rejected | None]
) -> Outcome:
    """What the command would record at `now`; `refusal_of` says why a new reservation can't be had, if it can't."""
    match command:
        case Reserve():
            return _reserve(holds, command, now, refusal_of)
        case Commit():
            return _commit(holds, command, now)
        case Release():
            return _release(holds, command, now)
        case Return():
            return _return(holds, command, now)
    return _expire(holds, now)


def _reserve(holds: Holds, command: Reserve, now: Instant, refusal_of: Callable[[Reserve], Rejected | None]) -> Outcome:
    name, expires_at = command.reservation_id, command.expires_at
    if not name:
        return invalid("reservation_id", "not be empty")
    if command.quantity <= 0:
        return invalid("quantity", "be 1 or more")
    if expires_at - now > LONGEST_HOLD_MS:
        return invalid("expires_at", f"be at most {LONGEST_HOLD_MS} ms ahead")
    if known := holds.open.get(name) or holds.sold.get(name):
        # A retry gets its first answer, so a lost reply is always safe to send again.
        return Accepted((), Held(known.sequence, known.expires_at))
    if name in holds.ended or expires_at <= now:
        return Rejected(Reason.RESERVATION_ENDED)
    if refusal := refusal_of(command):
        return refusal
    return Accepted(
        (Reserved(name, command.quantity, expires_at, command.customer),), Held(holds.next_sequence, expires_at)
    )


def _commit(holds: Holds, command: Commit, now: Instant) -> Outcome:
    hold = holds.open.get(command.reservation_id)
    if hold is not None and hold.sequence == command.sequence:
        # Even past its expiry: as long as nobody recorded the end, it is still held.
        return Accepted((Committed(command.reservation_id, hold.quantity, now),), _DONE)
    if command.reservation_id in holds.ended:
        return Rejected(Reason.RESERVATION_ENDED)
    if not 0 < command.sequence < holds.next_sequence:
        return Rejected(Reason.RESERVATION_UNKNOWN)
    if now - command.expires_at >= COMMIT_KNOWN_MS:
        # It may have ended in another way and be forgotten: the order undoes what it must not keep.
        return Rejected(Reason.RESERVATION_ENDED)
    return Accepted((), _DONE)


def _release(holds: Holds, command: Release, now: Instant) -> Outcome:
    name = command.reservation_id
    if not name:
        return invalid("reservation_id", "not be empty")
    if name in holds.ended or name in holds.sold:
        return Accepted((), _DONE)
    hold = holds.open.get(name)
    return Accepted((Released(name, hold.quantity if hold else 0, now),), _DONE)


def _return(holds: Holds, command: Return, now: Instant) -> Outcome:
    name = command.reservation_id
    if not name:
        return invalid("reservation_id", "not be empty")
    if command.quantity <= 0:
        return invalid("quantity", "be 1 or more")
    if ended := holds.ended.get(name):
        return Accepted((), _DONE) if ended.how == "returned" else Rejected(Reason.RESERVATION_ENDED)
    if name in holds.open:
        return Rejected(Reason.RESERVATION_UNKNOWN)
    return Accepted((Returned(name, command.quantity, now, command.customer),), _DONE)


def _expire(holds: Holds, now: Instant) -> Outcome:
    """Expire what is due. `next_expiry` is only a bound, so where it said more than was true it is found anew."""
    if not holds.next_expiry or holds.next_expiry > now:
        return Accepted()
    due = list(islice((item for item in holds.open.items() if item[1].expires_at <= now), MOST_EXPIRED_AT_ONCE))
    expired = [Expired(name, hold.quantity, now) for name, hold in due]
    if len(due) == MOST_EXPIRED_AT_ONCE:
        # There may be more: the bound stays in the past, and the next reminder comes at once.
        return Accepted(tuple(expired))
    remaining = [hold.expires_at for hold in holds.open.values() if hold.expires_at > now]
    return Accepted((*expired, NextExpiryFound(min(remaining, default=0))))


def apply(holds: Holds, event: Event) -> Hold | None:
    """Change the holds as the event tells; the hold that it ends, if it ends one, so that the entity can count."""
    match event:
        case Reserved():
            _open(holds, event)
        case Committed(reservation_id=name, at=at):
            hold = _close(holds, name, at)
            assert hold is not None, "only an open reservation is committed"
            holds.sold[name] = Sold(hold.sequence, hold.expires_at, at)
            return hold
        case Released(reservation_id=name, at=at):
            hold = _close(holds, name, at)
            holds.ended[name] = Ended(at, "released")
            return hold
        case Expired(reservation_id=name, at=at):
            hold = _close(holds, name, at)
            holds.ended[name] = Ended(at, "expired")
            return hold
        case Returned(reservation_id=name, at=at):
            holds.ended[name] = Ended(at, "returned")
        case NextExpiryFound(expires_at=expires_at):
            holds.next_expiry = expires_at
    return None


def _open(holds: Holds, event: Reserved) -> None:
    holds.open[event.reservation_id] = Hold(holds.next_sequence, event.expires_at, event.quantity, event.customer)
    holds.next_sequence += 1
    holds.reserved += event.quantity
    if not holds.next_expiry or event.expires_at < holds.next_expiry:
        holds.next_expiry = event.expires_at


def _close(holds: Holds, name: str, at: Instant) -> Hold | None:
    """Take the reservation out of the open ones, if it is one of them, and now and then forget old ones."""
    if at >= holds.forget_at:
        holds.forget_at = at + FORGET_EVERY_MS
        forget_before(holds.sold, at - SOLD_KEPT_MS)
        forget_before(holds.ended, at - ENDED_KEPT_MS)
    hold = holds.open.pop(name, None)
    if hold is not None:
        holds.reserved -= hold.quantity
        if not holds.open:
            holds.next_expiry = 0
    return hold


_DONE = Done()


def remind_at(holds: Holds) -> Instant | None:
    """When a hold may expire; never later than the first does."""
    return holds.next_expiry or None
