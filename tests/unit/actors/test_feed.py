"""The event feed: who reads what from where, after which crash, and what the journal keeps for it."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from actors.feed.beginning import positions_at
from actors.feed.consumer import CannotReplay, Held, UnknownConsumer
from actors.feed.feed import FEED, Feed
from actors.feed.positions import FilePositions, JournalPositions, Positions
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Entry, NewEntry, StillNeeded, Stretch

NOON = 1_700_000_000_000
SHARDS = 4


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


class Collector:
    """Remembers what it was given, and can be away."""

    def __init__(self, name: str = "collector") -> None:
        self.name = name
        self.away = False
        self.taken: list[tuple[int, str, int]] = []

    async def take(self, shard: int, entries: Sequence[Entry]) -> None:
        if self.away:
            raise Held("the broker is away")
        self.taken += [(shard, entry.key, entry.version) for entry in entries]

    def versions(self, key: str) -> list[int]:
        return [version for _, taken, version in self.taken if taken == key]


class Ledger(Collector):
    """Keeps its positions together with what it was given, once it is flushed."""

    def __init__(self) -> None:
        super().__init__("ledger")
        self.flushed: dict[int, int] | None = None
        self._reached: dict[int, int] = {}

    async def take(self, shard: int, entries: Sequence[Entry]) -> None:
        await super().take(shard, entries)
        self._reached[shard] = entries[-1].position

    async def positions(self) -> Mapping[int, int] | None:
        if self.away:
            raise Held("another process has the store")
        return self.flushed

    def flush(self) -> None:
        self.flushed = dict(self._reached)


class CountingJournal(MemoryJournal):
    """Counts the pages that were read."""

    reads = 0

    async def read_on(self, after: Mapping[int, int], limit: int = 1_000) -> Stretch:
        found = await super().read_on(after, limit)
        self.reads += bool(found.entries)
        return found


class Shop:
    """A journal with an owner who records, and feeds that read it."""

    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal(shards=SHARDS)
        self._epochs: dict[int, int] = {}
        self._versions: dict[str, int] = {}
        self.ms = NOON

    async def record(self, key: str, shard: int = 0, times: int = 1) -> None:
        for _ in range(times):
            if shard not in self._epochs:
                self._epochs[shard] = await self.journal.acquire(shard)
            version = self._versions[key] = self._versions.get(key, 0) + 1
            entry = NewEntry("stock", key, version, self.ms, b"\x90")
            await self.journal.append([Batch(shard, self._epochs[shard], [entry])])
            self.ms += 1_000

    def feed(self) -> Feed:
        return Feed(self.journal, JournalPositions(self.journal, "feed/"), lambda: self.ms)


def test_a_consumer_reads_every_shard_in_order_and_goes_on_where_it_was() -> None:
    async def story() -> None:
        shop, collector = Shop(), Collector()
        await shop.record("RETRO-CLOCK", 0, 3)
        await shop.record("LAVA-LAMP", 3, 2)
        feed = shop.feed()
        feed.read_for(collector, "start")
        await feed.catch_up()
        await shop.record("RETRO-CLOCK")
        await feed.catch_up()
        await feed.close()
        assert collector.versions("RETRO-CLOCK") == [1, 2, 3, 4]
        assert collector.versions("LAVA-LAMP") == [1, 2]
        await shop.record("LAVA-LAMP", 3)
        again, successor = shop.feed(), Collector()
        again.read_for(successor)
        await again.catch_up()
        assert successor.taken == [(3, "LAVA-LAMP", 3)]

    run(story())


def test_a_new_consumer_begins_with_what_comes_from_now_on_or_at_a_time() -> None:
    async def story() -> None:
        shop, fresh, timed = Shop(), Collector("fresh"), Collector("timed")
        await shop.record("RETRO-CLOCK", 0, 10)
        feed = shop.feed()
        feed.read_for(fresh)
        feed.read_for(timed, NOON + 6_500)
        await feed.catch_up()
        assert fresh.taken == []
        assert timed.versions("RETRO-CLOCK") == [8, 9, 10]
        await shop.record("RETRO-CLOCK")
        await feed.catch_up()
        assert fresh.versions("RETRO-CLOCK") == [11]

    run(story())


@pytest.mark.parametrize(
    ("instant", "first"), [(0, 1), (NOON, 1), (NOON + 1, 2), (NOON + 9_000, 10), (NOON + 9_001, 11)]
)
def test_an_instant_is_found_among_positions_with_gaps(instant: int, first: int) -> None:
    async def story() -> None:
        shop = Shop()
        for _ in range(10):
            await shop.record("RETRO-CLOCK", 0)
            shop.ms -= 1_000
            await shop.record("LAVA-LAMP", 1)
        (position,) = (await positions_at(shop.journal, [0], instant)).values()
        found = await shop.journal.read(0, position)
        assert [entry.version for entry in found] == list(range(first, 11))

    run(story())


def test_a_shard_that_comes_later_is_read_from_its_first_entry() -> None:
    async def story() -> None:
        shop, collector = Shop(), Collector()
        await shop.record("RETRO-CLOCK")
        feed = shop.feed()
        feed.read_for(collector, "start")
        await feed.catch_up()
        await feed.close()
        await shop.record("RETRO-CLOCK", SHARDS)
        again = shop.feed()
        again.read_for(collector)
        await again.catch_up()
        assert collector.taken == [(0, "RETRO-CLOCK", 1), (SHARDS, "RETRO-CLOCK", 2)]

    run(story())


def test_who_is_held_is_offered_the_same_again_and_its_lag_is_known() -> None:
    async def story() -> None:
        shop, collector = Shop(), Collector()
        feed = shop.feed()
        reader = feed.read_for(collector, "start")
        await feed.catch_up()
        collector.away = True
        await shop.record("RETRO-CLOCK", 0, 5)
        with pytest.raises(Held):
            await feed.catch_up()
        (standing,) = await feed.standings()
        assert standing.lag == (5, 5_000)
        collector.away = False
        await feed.catch_up()
        assert collector.versions("RETRO-CLOCK") == [1, 2, 3, 4, 5]
        assert await reader.lag() == (0, 0)
        assert (await feed.standings())[0].taken == 5

    run(story())


def test_consumers_at_the_head_share_what_is_read() -> None:
    async def story() -> None:
        journal = CountingJournal(shards=SHARDS)
        shop, collectors = Shop(journal), [Collector("a"), Collector("b"), Collector("c")]
        feed = shop.feed()
        for collector in collectors:
            feed.read_for(collector, "start")
        await shop.record("RETRO-CLOCK", 0, 20)
        await feed.catch_up()
        assert journal.reads == 1
        assert all(collector.versions("RETRO-CLOCK") == list(range(1, 21)) for collector in collectors)

    run(story())


def test_a_consumer_reads_again_from_where_it_is_told() -> None:
    async def story() -> None:
        shop, collector = Shop(), Collector()
        await shop.record("RETRO-CLOCK", 0, 5)
        feed = shop.feed()
        feed.read_for(collector, "start")
        await feed.catch_up()
        await feed.replay("collector", NOON + 3_000)
        await feed.close()
        again, successor = shop.feed(), Collector()
        again.read_for(successor)
        await again.catch_up()
        assert successor.versions("RETRO-CLOCK") == [4, 5]
        with pytest.raises(UnknownConsumer):
            await feed.replay("nobody", "start")

    run(story())


def test_a_consumer_that_keeps_its_positions_begins_where_its_store_is_durable() -> None:
    async def story() -> None:
        shop, ledger = Shop(), Ledger()
        await shop.record("RETRO-CLOCK", 0, 3)
        feed = shop.feed()
        reader = feed.read_for(ledger, "start")
        await feed.catch_up()
        assert set((await reader.durable()).values()) >= {0}
        ledger.flush()
        flushed = (await reader.durable())[0]
        await shop.record("RETRO-CLOCK", 0, 2)
        await feed.catch_up()
        assert (await reader.durable())[0] == flushed, "what wasn't flushed may have to be read again"
        again = shop.feed()
        again.read_for(ledger, "newest")
        ledger.taken.clear()
        await again.catch_up()
        assert ledger.versions("RETRO-CLOCK") == [4, 5]
        with pytest.raises(CannotReplay):
            await again.replay("ledger", "start")

    run(story())


def test_nothing_is_trimmed_that_the_slowest_consumer_has_yet_to_read() -> None:
    async def story() -> None:
        shop, quick, slow = Shop(), Collector("quick"), Collector("slow")
        feed = shop.feed()
        feed.read_for(quick, "start")
        reader = feed.read_for(slow, "start")
        await shop.record("RETRO-CLOCK", 0, 3)
        slow.away = True
        with pytest.raises(Held):
            await feed.catch_up()
        await feed.guard()
        with pytest.raises(StillNeeded):
            await shop.journal.trim(0, 3, [])
        slow.away = False
        await feed.catch_up()
        await reader.save()
        await feed.close()
        await feed.guard()
        assert (await shop.journal.consumers(0))[FEED] == 3
        await feed.replay("slow", "start")
        assert (await shop.journal.consumers(0))[FEED] == 0
        # Whoever isn't wanted any more keeps nothing from being trimmed.
        await shop.feed().guard()
        assert await shop.journal.consumers(0) == {}

    run(story())


def test_a_consumer_that_cannot_say_how_far_it_is_keeps_what_was_kept_and_holds_up_nobody_else() -> None:
    async def story() -> None:
        shop, collector, ledger = Shop(), Collector(), Ledger()
        feed = shop.feed()
        reader = feed.read_for(collector, "start")
        feed.read_for(ledger, "start")
        await shop.record("RETRO-CLOCK", 0, 3)
        await shop.record("LAVA-LAMP", 1, 2)
        ledger.away = True
        with pytest.raises(Held):
            await feed.catch_up()
        await feed.guard()
        # It was never heard of: everything is kept, from the first entry on.
        assert [(await shop.journal.consumers(shard))[FEED] for shard in (0, 1)] == [0, 0]
        ledger.away = False
        await feed.catch_up()
        ledger.flush()
        await feed.close()
        await feed.guard()
        guarded = (await shop.journal.consumers(0))[FEED]
        assert guarded >= 3
        await shop.record("RETRO-CLOCK", 0, 2)
        ledger.away = True
        await reader.read_once()
        await reader.save()
        await feed.guard()
        assert (await shop.journal.consumers(0))[FEED] == guarded
        # Whoever else wants to read again gets that, too.
        await feed.replay("collector", "start")
        assert (await shop.journal.consumers(0))[FEED] == 0

    run(story())


def test_after_an_older_journal_was_restored_what_is_new_is_read(tmp_path: Path) -> None:
    async def story() -> None:
        restored, collector = Shop(), Collector()
        positions = FilePositions(tmp_path / "positions.sqlite")
        await positions.save("collector", dict.fromkeys(range(SHARDS), 1_000))
        await restored.record("RETRO-CLOCK", 0, 3)
        feed = Feed(restored.journal, positions, lambda: NOON)
        feed.read_for(collector)
        await feed.catch_up()
        await restored.record("RETRO-CLOCK")
        await feed.catch_up()
        assert collector.versions("RETRO-CLOCK") == [4]

    run(story())


@pytest.mark.parametrize("kept_in", ["journal", "file"])
def test_positions_are_kept_by_name_and_forgotten(kept_in: str, tmp_path: Path) -> None:
    async def story() -> None:
        shop = Shop()
        await shop.record("RETRO-CLOCK", 0)
        await shop.record("LAVA-LAMP", 1)
        positions: Positions = (
            JournalPositions(shop.journal, "feed/")
            if kept_in == "journal"
            else FilePositions(tmp_path / "feed" / "positions.sqlite")
        )
        assert await positions.load("relay") == {}
        await positions.save("relay", {0: 5, 1: 7})
        await positions.save("relay", {1: 9})
        await positions.save("lake", {0: 1})
        assert await positions.load("relay") == {0: 5, 1: 9}
        await positions.reset("relay", {0: 2, 1: 2})
        assert await positions.load("relay") == {0: 2, 1: 2}
        assert list(await positions.consumers()) == ["lake", "relay"]
        await positions.forget("relay")
        assert await positions.load("relay") == {}
        assert list(await positions.consumers()) == ["lake"]

    run(story())


def test_a_reader_goes_on_by_itself_when_its_consumer_can_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.feed.reader.LOOK_EVERY_S", 0.001)
    monkeypatch.setattr("actors.feed.reader.TRY_AGAIN_S", 0.001)

    async def story() -> None:
        shop, collector = Shop(), Collector()
        feed = shop.feed()
        feed.read_for(collector, "start")
        collector.away = True
        await shop.record("RETRO-CLOCK", 0, 3)
        feed.start()
        while not (await feed.standings())[0].complaint.startswith("the broker"):
            await asyncio.sleep(0.001)
        collector.away = False
        while len(collector.taken) < 3:
            await asyncio.sleep(0.001)
        await feed.close()
        assert collector.versions("RETRO-CLOCK") == [1, 2, 3]

    run(story())
