"""The feed reads beside the selling: little while the process is busy, soon after it, and nothing waits for long."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Entry, NewEntry
from serve.feed.pace import DUTY, LEISURE, LONGEST_REST_S, Pace
from serve.feed.reader import Reader

from ...simulation.virtual_time import Scheduler

SHARDS = 4


class Processor:
    """A clock, and how much the process has used by it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.used_s = 0.0

    def pace(self) -> Pace:
        return Pace(clock=lambda: self.now_s, used=lambda: self.used_s)

    def passes(self, seconds: float, used: float) -> None:
        self.now_s += seconds
        self.used_s += used


def share_of(pace: Pace, spent_s: float = 0.001) -> float:
    return spent_s / (spent_s + pace.rest_for(spent_s))


@pytest.mark.parametrize(("used", "share"), [(1.0, DUTY), (0.4, DUTY), (0.1, LEISURE)])
def test_the_busier_the_process_the_less_is_read(used: float, share: float) -> None:
    processor = Processor()
    pace = processor.pace()
    processor.passes(1.0, used)
    assert share_of(pace) == pytest.approx(share)


def test_what_the_readers_use_themselves_makes_no_process_busy() -> None:
    processor = Processor()
    pace = processor.pace()
    for _ in range(1_000):
        # Two readers that take all they may, and hardly anything else.
        processor.passes(0.01, 0.006)
        webhooks, mails = share_of(pace, 0.003), share_of(pace, 0.003)
    assert (webhooks, mails) == (pytest.approx(LEISURE), pytest.approx(LEISURE))
    for _ in range(1_000):
        processor.passes(0.01, 0.01)
        busy = share_of(pace, 0.000_1)
    assert busy == pytest.approx(DUTY)


class Listener:
    """Hears of entries; one of "dear" is hard work."""

    name = "listener"

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.heard: dict[str, float] = {}

    async def take(self, _shard: int, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.key == "dear":
                until = time.thread_time() + 0.02
                while time.thread_time() < until:
                    pass
            self.heard[entry.key] = self._loop.time()


def heard_by(before: Sequence[str], now: dict[int, list[str]]) -> dict[str, float]:
    """When a reader in a busy process had told its listener of what; `before` was there before it began."""
    scheduler = Scheduler()
    process = scheduler.process("replica")
    listener = Listener(process)

    async def scenario() -> dict[str, float]:
        journal = MemoryJournal(shards=SHARDS)
        epochs = [await journal.acquire(shard) for shard in range(SHARDS)]

        async def record(shard: int, keys: Sequence[str]) -> None:
            entries = [NewEntry("order", key, 1, 7, b"\x90") for key in keys]
            await journal.append([Batch(shard, epochs[shard], entries)])

        await record(0, before)
        reader = Reader(journal, listener, Pace(clock=process.time, used=process.time))
        await reader.read_once()
        for shard, keys in now.items():
            await record(shard, keys)
        began = process.time()
        while await reader.read_once():
            pass
        assert listener.heard.keys().isdisjoint(before)
        return {key: at - began for key, at in listener.heard.items()}

    try:
        return scheduler.run(process.spawn(scenario()))
    finally:
        scheduler.close()


def test_a_backlog_of_what_interests_nobody_costs_a_moment() -> None:
    heard = heard_by(["old"], {0: [f"dull-{number}" for number in range(2_000)], 3: ["news"]})
    assert len(heard) == 2_001
    assert heard["news"] < 5.0
    assert max(heard.values()) < 60.0


def test_what_was_dear_once_keeps_nobody_for_long() -> None:
    heard = heard_by([], {0: ["dear"], 1: ["news"]})
    rested_s = round(heard["news"] - heard["dear"], 6)
    assert LONGEST_REST_S <= rested_s < LONGEST_REST_S + 1.0
