"""A lease: of several processes that could do a task, one may, until its time is up or it gives the task back.

Decided by one clock, that of the host which runs the entity. A holder that stops renewing loses it without a word, so
what is done under a lease must bear being done twice for a moment.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from .reasons import Reason

LONGEST_LEASE_MS = 600_000
LONGEST_HOLDER = 255
"""Characters."""


class AcquireLease(Command, frozen=True):
    """Take the lease, or keep it, for so long from now; refused while somebody else has it."""

    holder: str
    for_ms: int


class GiveLeaseBack(Command, frozen=True):
    """The holder stops: the next one need not wait."""

    holder: str


class LeaseAcquired(Event, frozen=True):
    holder: str
    until: Instant


class LeaseGivenBack(Event, frozen=True):
    holder: str


class LeaseView(Answer, frozen=True):
    """Who has it, until when; an empty holder: nobody."""

    holder: str
    until: Instant


class Lease(msgspec.Struct, array_like=True, gc=False):
    """The state of a lease."""

    key: str
    version: int = 0
    holder: str = ""
    until: Instant = 0


def _acquire(lease: Lease, command: AcquireLease, now: Instant) -> Outcome:
    if not 0 < len(command.holder) <= LONGEST_HOLDER:
        return invalid("holder", f"have 1 to {LONGEST_HOLDER} characters")
    if not 0 < command.for_ms <= LONGEST_LEASE_MS:
        return invalid("for_ms", f"be 1 to {LONGEST_LEASE_MS}")
    if lease.holder not in ("", command.holder) and lease.until > now:
        return Rejected(Reason.LEASE_TAKEN, {"holder": lease.holder, "until": lease.until})
    until = now + command.for_ms
    return Accepted((LeaseAcquired(command.holder, until),), LeaseView(command.holder, until))


def _give_back(lease: Lease, command: GiveLeaseBack, _now: Instant) -> Outcome:
    if lease.holder != command.holder:
        return Accepted((), LeaseView(lease.holder, lease.until))
    return Accepted((LeaseGivenBack(command.holder),), LeaseView("", 0))


_DECISIONS: dict[type[Command], Callable[[Lease, Any, Instant], Outcome]] = {
    AcquireLease: _acquire,
    GiveLeaseBack: _give_back,
}


def decide(lease: Lease, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](lease, command, now)


def apply(lease: Lease, event: Event) -> None:
    """Change the lease as the event tells."""
    lease.version += 1
    if isinstance(event, LeaseAcquired):
        lease.holder, lease.until = event.holder, event.until
    else:
        lease.holder, lease.until = "", 0


LEASE = Kind(
    name="lease",
    new=Lease,
    decide=decide,
    apply=apply,
    commands=AcquireLease | GiveLeaseBack,
    events=LeaseAcquired | LeaseGivenBack,
    answers=LeaseView,
    state=Lease,
)
