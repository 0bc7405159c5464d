"""The shop's time goes on evenly when somebody sets the machine's clock: hold and payment windows neither end early nor
last for hours."""

import asyncio

import pytest

from actors.clock import SteadyClock, booted_at_ns
from tests import patience
from tests.logged import Logged

from .test_host import SHARDS, FailingJournal, World
from .toy import Beans, Begin, Fill, Look, MoveView

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
BEGAN_NS = 1_800_000_000 * SECOND_NS
MS_PER_S = 1_000


class Machine:
    """A machine with a clock that somebody sets."""

    def __init__(self) -> None:
        self.up_ns = 5 * HOUR_NS
        self.set_by_ns = 0

    def wall_ns(self) -> int:
        return BEGAN_NS + self.up_ns + self.set_by_ns

    def boot_ns(self) -> int:
        return self.up_ns

    def clock(self) -> SteadyClock:
        """That of a process which starts now, on its own."""
        return self.clock_from(booted_at_ns(self.wall_ns, self.boot_ns))

    def clock_from(self, booted_at: int) -> SteadyClock:
        return SteadyClock(booted_at, wall_ns=self.wall_ns, boot_ns=self.boot_ns)


@pytest.mark.parametrize("hours", [-3, 3])
def test_time_goes_on_evenly_when_the_clock_is_set(hours: int) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock()
    assert before == machine.wall_ns() // 1_000_000
    machine.set_by_ns = hours * HOUR_NS
    assert clock() == before
    machine.up_ns += 7 * SECOND_NS
    assert clock() == before + 7 * MS_PER_S


def test_a_process_that_is_started_after_the_clock_was_set_agrees_with_the_others() -> None:
    machine = Machine()
    booted_at = booted_at_ns(machine.wall_ns, machine.boot_ns)
    elder = machine.clock_from(booted_at)
    machine.set_by_ns = -HOUR_NS
    machine.up_ns += SECOND_NS
    assert machine.clock_from(booted_at)() == elder()


def test_a_step_is_told_once(logged: Logged) -> None:
    machine = Machine()
    clock = machine.clock()
    for set_by_ns in (0, SECOND_NS // 2, -3 * HOUR_NS, -3 * HOUR_NS, 0):
        machine.set_by_ns = set_by_ns
        clock()
    assert [record.getMessage().partition(",")[0] for record in logged.records] == [
        "The machine's clock was set: it is -10800 s from the shop's time",
        "The machine's clock was set: it is +0 s from the shop's time",
    ]


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_window_ends_in_its_time_whatever_is_done_to_the_clock(hours: int) -> None:
    machine = Machine()
    clock = machine.clock()

    async def main() -> None:
        world = await World(FailingJournal(shards=SHARDS), clock=clock).start()
        world.weigher.failures = 10**9
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.client.send("move", "m1", Begin("BLUE", "RED", 3, give_up_at=clock() + 600 * MS_PER_S))
        machine.set_by_ns = hours * HOUR_NS
        machine.up_ns += 599 * SECOND_NS
        await asyncio.sleep(0.15)
        assert await world.client.send("move", "m1", Look()) == MoveView("weigh"), "no early end"
        machine.up_ns += SECOND_NS
        while await world.client.send("jar", "BLUE", Look()) != Beans(5):
            await asyncio.sleep(0.01)
        assert await world.client.send("move", "m1", Look()) == MoveView("refused")
        await world.host.close()

    patience.run(asyncio.wait_for(main(), 10))
