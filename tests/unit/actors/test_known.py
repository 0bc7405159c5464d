"""What a host knows to be new is not looked for, and what it isn't sure of is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from actors.errors import Unavailable
from actors.journals.port import Batch, JournalUnavailable, Recorded, VersionTaken
from actors.known import KnownKeys

from .test_host import SHARDS, FailingJournal, World
from .toy import Beans, Fill, Look


class WatchedJournal(FailingJournal):
    """Notes what is looked for; an append can be told to be lost on its way back."""

    def __init__(self, *, shards: int) -> None:
        super().__init__(shards=shards)
        self.looked_for: list[str] = []
        self.unheard = 0
        self.slow_to_tell = False
        self.taken = 0
        """How often something that exists was taken for new."""

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        self.looked_for += [key for _, key in entities]
        return await super().load(shard, entities)

    async def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        while self.slow_to_tell:
            await asyncio.sleep(0.001)
        async for page in super().entities(shard):
            yield page

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        try:
            positions = await super().append(batches)
        except VersionTaken:
            self.taken += 1
            raise
        if self.unheard and any(batch.entries for batch in batches):
            self.unheard -= 1
            raise JournalUnavailable("written, but the answer was lost")
        return positions


def run(scenario: Callable[[World, WatchedJournal], Awaitable[None]], journal: WatchedJournal | None = None) -> None:
    async def main() -> None:
        ground = journal or WatchedJournal(shards=SHARDS)
        world = await World(ground, known={"jar": (keys := KnownKeys())}).start()
        while not all(keys.surely_new("WHATEVER", shard) for shard in range(SHARDS)):
            await asyncio.sleep(0.001)
        ground.looked_for.clear()
        await scenario(world, ground)
        await world.host.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_new_entity_is_not_looked_for() -> None:
    async def scenario(world: World, journal: WatchedJournal) -> None:
        assert await world.client.send("jar", "BLUE", Fill("f1", 5)) == Beans(5)
        assert journal.looked_for == []

    run(scenario)


def test_one_that_was_recorded_before_the_shard_was_taken_over_is_looked_for() -> None:
    async def earlier(world: World, _journal: WatchedJournal) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))

    async def scenario(world: World, journal: WatchedJournal) -> None:
        assert await world.client.send("jar", "BLUE", Look()) == Beans(5)
        assert journal.looked_for == ["BLUE"]

    journal = WatchedJournal(shards=SHARDS)
    run(earlier, journal)
    run(scenario, journal)


def test_after_an_append_of_which_nobody_heard_the_retry_finds_what_was_recorded() -> None:
    async def scenario(world: World, journal: WatchedJournal) -> None:
        journal.unheard, journal.slow_to_tell = 1, True
        with pytest.raises(Unavailable):
            await world.client.send("jar", "BLUE", Fill("f1", 5), deadline_s=0.001)
        assert await world.client.send("jar", "BLUE", Fill("f1", 5)) == Beans(5)
        assert "BLUE" in journal.looked_for
        assert journal.taken == 0

    run(scenario)


def test_nothing_is_surely_new_once_keys_had_to_be_forgotten() -> None:
    keys = KnownKeys(most=4)
    keys.learned(0)
    for key in ("A", "B", "C", "D"):
        keys.noted(key, 1)
    assert keys.surely_new("E", 0)
    assert not keys.surely_new("A", 0)
    keys.noted("E", 1)
    keys.learned(0)
    assert not keys.surely_new("F", 0)


def test_a_shard_that_was_lost_has_to_be_learned_again() -> None:
    keys = KnownKeys()
    keys.learned(0)
    keys.learned(1)
    keys.forget([0])
    assert (keys.surely_new("A", 0), keys.surely_new("A", 1)) == (False, True)
