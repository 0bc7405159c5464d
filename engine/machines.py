"""The keys of machines: programs that use the shop in their own name. One register for the whole shop.

A key is shown once, to whoever makes it; here is only its hash.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, Rejected, invalid
from .reasons import Reason

REGISTER = "all"
"""The key of the shop's one register."""
MOST_MACHINES = 500
MOST_SCOPES = 8
LONGEST_TEXT = 200
"""Characters."""
USE_NOTED_MS = 3_600_000
"""When a machine was last seen is noted this exactly: each note is an entry of the journal."""


class AddMachine(Command, frozen=True):
    """Let a machine in, until `expires_at` (0: for good); again with the same hash: no change."""

    machine_id: str
    name: str
    secret: str
    scopes: tuple[str, ...]
    expires_at: Instant = 0
    by: str = ""


class RemoveMachine(Command, frozen=True):
    """Don't let it in any more; one that isn't there is out already."""

    machine_id: str


class UseMachine(Command, frozen=True):
    """Somebody comes with this hash of a key: is it the machine?"""

    machine_id: str
    secret: str


class LookMachines(Command, frozen=True):
    """Read the register."""


class Machine(Answer, frozen=True):
    machine_id: str
    name: str
    secret: str
    scopes: tuple[str, ...]
    created_at: Instant
    expires_at: Instant
    by: str
    used_at: Instant = 0


class MachinesView(Answer, frozen=True):
    machines: tuple[Machine, ...]


class MachineAdded(Event, frozen=True):
    machine: Machine


class MachineRemoved(Event, frozen=True):
    machine_id: str


class MachineUsed(Event, frozen=True):
    machine_id: str
    at: Instant


class Machines(msgspec.Struct, array_like=True, gc=False):
    """The state of the register."""

    name: str
    machines: dict[str, Machine] = {}


def _add(register: Machines, command: AddMachine, now: Instant) -> Outcome:
    for field in ("machine_id", "name", "secret"):
        if not 0 < len(getattr(command, field)) <= LONGEST_TEXT:
            return invalid(field, f"have 1 to {LONGEST_TEXT} characters")
    if not 0 < len(command.scopes) <= MOST_SCOPES:
        return invalid("scopes", f"be 1 to {MOST_SCOPES}")
    known = register.machines.get(command.machine_id)
    if known is not None:
        return Accepted((), known) if known.secret == command.secret else Rejected(Reason.VERSION_CONFLICT)
    if len(register.machines) >= MOST_MACHINES:
        return Rejected(Reason.TOO_MANY, {"limit": MOST_MACHINES})
    machine = Machine(
        command.machine_id, command.name, command.secret, command.scopes, now, command.expires_at, command.by
    )
    return Accepted((MachineAdded(machine),), machine)


def _remove(register: Machines, command: RemoveMachine, _now: Instant) -> Outcome:
    there = command.machine_id in register.machines
    return Accepted((MachineRemoved(command.machine_id),) if there else (), None)


def _use(register: Machines, command: UseMachine, now: Instant) -> Outcome:
    machine = register.machines.get(command.machine_id)
    if machine is None or machine.secret != command.secret or 0 < machine.expires_at <= now:
        return Rejected(Reason.LOGIN_REFUSED)
    used = (MachineUsed(machine.machine_id, now),) if now - machine.used_at >= USE_NOTED_MS else ()
    return Accepted(used, machine)


def _look(register: Machines, _command: LookMachines, _now: Instant) -> Outcome:
    return Accepted((), MachinesView(tuple(register.machines.values())))


_DECISIONS: dict[type[Command], Callable[[Machines, Any, Instant], Outcome]] = {
    AddMachine: _add,
    RemoveMachine: _remove,
    UseMachine: _use,
    LookMachines: _look,
}


def decide(register: Machines, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](register, command, now)


def _apply_added(register: Machines, event: MachineAdded) -> None:
    register.machines[event.machine.machine_id] = event.machine


def _apply_removed(register: Machines, event: MachineRemoved) -> None:
    del register.machines[event.machine_id]


def _apply_used(register: Machines, event: MachineUsed) -> None:
    machine = register.machines[event.machine_id]
    register.machines[event.machine_id] = msgspec.structs.replace(machine, used_at=event.at)


_CHANGES: dict[type[Message], Callable[[Machines, Any], None]] = {
    MachineAdded: _apply_added,
    MachineRemoved: _apply_removed,
    MachineUsed: _apply_used,
}


def apply(register: Machines, event: Event) -> None:
    """Change the register as the event tells."""
    _CHANGES[type(event)](register, event)


MACHINES = Kind(
    name="machines",
    new=Machines,
    decide=decide,
    apply=apply,
    commands=AddMachine | RemoveMachine | UseMachine | LookMachines,
    events=MachineAdded | MachineRemoved | MachineUsed,
    answers=Machine | MachinesView,
    state=Machines,
)
