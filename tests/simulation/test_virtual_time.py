"""Processes on virtual time: ordinary asyncio inside, and killed, stopped and continued from outside."""

import asyncio
from collections.abc import Iterator

import pytest

from .virtual_time import Process, Scheduler, Spinning


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.close()


async def note_every_second(notes: list[float], process: Process) -> None:
    try:
        while True:
            await asyncio.sleep(1.0)
            notes.append(process.time())
    finally:
        notes.append(-1.0)


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_an_hour_passes_at_once(scheduler: Scheduler) -> None:
    scheduler.run(scheduler.process("host").spawn(sleep(3_600.0)))
    assert scheduler.time == 3_600.0


def test_of_a_killed_process_nothing_runs_not_even_a_finally(scheduler: Scheduler) -> None:
    notes: list[float] = []
    host, director = scheduler.process("host"), scheduler.process("director")
    host.spawn(note_every_second(notes, host))
    scheduler.run(director.spawn(sleep(2.5)))
    host.kill()
    scheduler.run(director.spawn(sleep(10.0)))
    assert notes == [1.0, 2.0]


def test_a_stopped_process_finds_its_timers_due_when_it_goes_on(scheduler: Scheduler) -> None:
    notes: list[float] = []
    host, director = scheduler.process("host"), scheduler.process("director")
    host.spawn(note_every_second(notes, host))
    scheduler.run(director.spawn(sleep(1.5)))
    host.stop()
    scheduler.run(director.spawn(sleep(5.0)))
    assert notes == [1.0]
    host.cont()
    scheduler.run(director.spawn(sleep(0.1)))
    assert notes == [1.0, 6.5]


def test_processes_have_clocks_of_their_own(scheduler: Scheduler) -> None:
    host = scheduler.process("host", booted_at=500.0)
    scheduler.run(host.spawn(sleep(1.0)))
    assert (host.time(), scheduler.time) == (501.0, 1.0)


def test_timeouts_and_locks_are_those_of_asyncio(scheduler: Scheduler) -> None:
    async def main() -> str:
        lock = asyncio.Lock()
        async with lock:
            try:
                async with asyncio.timeout(2.0):
                    await lock.acquire()
            except TimeoutError:
                return "timed out"
        return "acquired"

    assert scheduler.run(scheduler.process("host").spawn(main())) == "timed out"
    assert scheduler.time == 2.0


def test_code_that_spins_is_told_of(scheduler: Scheduler) -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Spinning):
        scheduler.run(scheduler.process("host").spawn(spin()))
