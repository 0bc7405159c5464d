"""Whoever only reads rests where others need the machine."""

import asyncio
from pathlib import Path

import pytest

from actors.feed import spare
from actors.feed.spare import DUTY, LONGEST_REST_S, Spare, Ticks, machine_ticks, ticks_of

STAT = "cpu  100 20 30 800 40 5 5 0 0 0\ncpu0 50 10 15 400 20 2 3 0 0 0\n"


class Machine:
    """So much of each second is to spare, and every page costs so much processor time."""

    def __init__(self, share: float, cost_s: float = 0.01) -> None:
        self.share = share
        self.cost_s = cost_s
        self.seconds = 0.0
        self.spent = 0.0

    def ticks(self) -> Ticks:
        return Ticks(int(self.share * self.seconds * 1_000), int(self.seconds * 1_000))


def rests_of(machine: Machine, monkeypatch: pytest.MonkeyPatch, pages: int) -> list[float]:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(spare.asyncio, "sleep", sleep)

    async def read() -> None:
        found = Spare(machine.ticks, lambda: machine.spent, lambda: machine.seconds)
        for _ in range(pages):
            machine.seconds += 1.0
            machine.spent += machine.cost_s
            await found.rest()

    asyncio.run(read())
    return rests


def test_where_there_is_plenty_it_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rests_of(Machine(0.9), monkeypatch, 5) == []


def test_where_others_are_busy_it_takes_a_small_share(monkeypatch: pytest.MonkeyPatch) -> None:
    rests = rests_of(Machine(0.2), monkeypatch, 5)
    assert rests == pytest.approx([0.01 * (1 / DUTY - 1)] * 5)


def test_no_rest_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rests_of(Machine(0.2, cost_s=5.0), monkeypatch, 2) == [LONGEST_REST_S] * 2


def test_niced_and_waiting_time_is_to_spare() -> None:
    assert ticks_of(STAT) == Ticks(20 + 800 + 40, 1_000)


def test_a_system_that_does_not_tell_lets_it_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spare, "STAT", tmp_path / "none")
    assert machine_ticks() is None
