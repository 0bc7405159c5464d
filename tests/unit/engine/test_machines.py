"""The register of machines: known by the hash of their keys, until they end."""

import pytest

from engine.kernel import Command, Rejected
from engine.machines import (
    MOST_MACHINES,
    USE_NOTED_MS,
    AddMachine,
    LookMachines,
    Machine,
    Machines,
    MachinesView,
    RemoveMachine,
    UseMachine,
    apply,
    decide,
)
from engine.reasons import Reason

START = 1_800_000_000_000
WAREHOUSE = AddMachine("m1", "warehouse", "hash", ("merchant",), START + 10_000, "admin-key")


def send(register: Machines, command: Command, now: int = START) -> object:
    outcome = decide(register, command, now)
    if isinstance(outcome, Rejected):
        return outcome.reason
    for event in outcome.events:
        apply(register, event)
    return outcome.answer


@pytest.fixture
def register() -> Machines:
    made = Machines("all")
    assert isinstance(send(made, WAREHOUSE), Machine)
    return made


def test_a_machine_is_added_once(register: Machines) -> None:
    assert isinstance(send(register, WAREHOUSE), Machine)
    other = AddMachine("m1", "warehouse", "another hash", ("merchant",))
    assert send(register, other) is Reason.VERSION_CONFLICT


@pytest.mark.parametrize(
    ("machine_id", "secret", "now"), [("m2", "hash", START), ("m1", "wrong", START), ("m1", "hash", START + 10_000)]
)
def test_only_a_machines_own_key_opens_and_only_in_time(
    register: Machines, machine_id: str, secret: str, now: int
) -> None:
    assert isinstance(send(register, UseMachine("m1", "hash")), Machine)
    assert send(register, UseMachine(machine_id, secret), now) is Reason.LOGIN_REFUSED


def test_a_use_is_noted_to_the_hour(register: Machines) -> None:
    send(register, AddMachine("m2", "till", "hash", ("support",)))
    for later in (0, 1, USE_NOTED_MS - 1):
        send(register, UseMachine("m2", "hash"), START + later)
    assert register.machines["m2"].used_at == START
    send(register, UseMachine("m2", "hash"), START + USE_NOTED_MS)
    assert register.machines["m2"].used_at == START + USE_NOTED_MS


def test_a_removed_machine_is_out(register: Machines) -> None:
    for _ in range(2):
        assert send(register, RemoveMachine("m1")) is None
    assert send(register, UseMachine("m1", "hash")) is Reason.LOGIN_REFUSED
    assert send(register, LookMachines()) == MachinesView(())


def test_the_register_is_bounded(register: Machines) -> None:
    for number in range(MOST_MACHINES - 1):
        send(register, AddMachine(f"n{number}", "x", "hash", ("support",)))
    assert send(register, AddMachine("one-more", "x", "hash", ("support",))) is Reason.TOO_MANY
