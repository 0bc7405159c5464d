"""The turn, effects, reminders, ownership and passivation, on the memory journal and without Ray."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from actors import volume
from actors.client import Client
from actors.errors import JournalAway, Moved, NotMine, Overloaded, Unavailable
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, JournalFull, JournalUnavailable, Recorded
from actors.pins import LocalShards, Pins
from actors.placement import shard_of
from engine.kernel import Rejected
from tests import patience
from tests.logged import Logged

from .toy import KINDS, Beans, Begin, Break, Fill, Look, MoveView, Take, Weigher

SHARDS = 4


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


class FailingJournal(MemoryJournal):
    """Refuses the next `failures` appends."""

    failures = 0
    appends = 0
    away = False

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        self.appends += 1
        if self.failures:
            self.failures -= 1
            raise JournalUnavailable("the disk is full")
        self._ensure_there()
        return await super().append(batches)

    async def acquire(self, shard: int) -> int:
        self._ensure_there()
        return await super().acquire(shard)

    async def shards(self) -> Sequence[int]:
        self._ensure_there()
        return await super().shards()

    def _ensure_there(self) -> None:
        if self.away:
            raise JournalUnavailable("connection refused")


class FullJournal(FailingJournal):
    """Has no room for entries while it is `full`."""

    full = False

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        if self.full and any(batch.entries for batch in batches):
            raise JournalFull("the disk is full")
        return await super().append(batches)


class World:
    """One host on one journal."""

    def __init__(self, journal: FailingJournal, *, clock: Callable[[], int] | None = None, **options: Any) -> None:
        self.clock = Clock()
        self.weigher = Weigher()
        self.journal = journal
        self.client = Client(SHARDS)
        self.host = Host(
            KINDS,
            journal,
            SHARDS,
            clock or self.clock,
            gateways={"weigher": self.weigher},
            send=self.client.send,
            **options,
        )
        self.client.attach(self.host)

    async def start(self) -> "World":
        await self.host.own(range(SHARDS))
        return self


def run(scenario: Callable[[World], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        world = await World(FailingJournal(shards=SHARDS), **options).start()
        await scenario(world)
        await world.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_reply_comes_after_its_events_are_in_the_journal() -> None:
    async def scenario(world: World) -> None:
        assert await world.client.send("jar", "BLUE", Fill("f1", 5)) == Beans(5)
        (recorded,) = await world.journal.load(shard_of("BLUE", SHARDS), [("jar", "BLUE")])
        assert [entry.version for entry in recorded.entries] == [1]

    run(scenario)


def test_commands_that_wait_together_share_one_commit_and_see_each_other() -> None:
    async def scenario(world: World) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 2))
        before = world.journal.appends
        replies = await asyncio.gather(*(world.client.send("jar", "BLUE", Take(f"t{n}", 1)) for n in range(3)))
        assert world.journal.appends == before + 1
        assert replies[:2] == [Beans(1), Beans(0)]
        assert replies[2].details == {"left": 0}

    run(scenario)


def test_a_process_runs_to_its_end_and_settles() -> None:
    async def scenario(world: World) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        settled = await world.client.send("move", "m1", Begin("BLUE", "RED", 3), settle_s=5)
        assert settled == MoveView("done")
        assert await world.client.send("jar", "BLUE", Look()) == Beans(2)
        assert await world.client.send("jar", "RED", Look()) == Beans(3)

    run(scenario)


def test_a_process_that_does_not_settle_in_time_says_how_far_it_got() -> None:
    async def scenario(world: World) -> None:
        world.weigher.failures = 10**9
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        assert await world.client.send("move", "m1", Begin("BLUE", "RED", 3), settle_s=0.1) == MoveView("weigh")

    run(scenario)


def test_a_call_outside_that_fails_is_made_again() -> None:
    async def scenario(world: World) -> None:
        world.weigher.failures = 2
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        assert await world.client.send("move", "m1", Begin("BLUE", "RED", 3), settle_s=5) == MoveView("done")
        assert len(world.weigher.calls) == 3

    run(scenario)


def test_a_reminder_wakes_a_passivated_entity() -> None:
    async def scenario(world: World) -> None:
        world.weigher.failures = 10**9
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.client.send("move", "m1", Begin("BLUE", "RED", 3, give_up_at=world.clock.ms + 500))
        world.clock.ms += 1_000
        while await world.client.send("jar", "BLUE", Look()) != Beans(5):
            await asyncio.sleep(0.01)
        assert await world.client.send("move", "m1", Look()) == MoveView("refused")

    run(scenario)


def test_unfinished_work_is_resumed_by_the_next_owner() -> None:
    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        first = await World(journal).start()
        first.weigher.failures = 10**9
        await first.client.send("jar", "BLUE", Fill("f1", 5))
        assert await first.client.send("move", "m1", Begin("BLUE", "RED", 3), settle_s=0.1) == MoveView("weigh")
        await first.host.close()
        second = await World(journal).start()
        while await second.client.send("jar", "RED", Look()) != Beans(3):
            await asyncio.sleep(0.01)
        await second.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_failed_append_is_told_to_nobody_and_leaves_no_trace_in_memory() -> None:
    async def scenario(world: World) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        world.journal.failures = 1
        with pytest.raises(Unavailable):
            await world.client.send("jar", "BLUE", Take("t1", 5), deadline_s=0.001)
        assert await world.client.send("jar", "BLUE", Look()) == Beans(5)

    run(scenario)


def test_a_command_is_sent_again_until_the_journal_is_back() -> None:
    async def scenario(world: World) -> None:
        world.journal.failures = 2
        assert await world.client.send("jar", "BLUE", Fill("f1", 5)) == Beans(5)

    run(scenario)


def test_senders_wait_for_a_journal_a_little_and_then_hear_at_once_that_it_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.host.JOURNAL_PATIENCE_S", 0.2)

    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        world.journal.away = True
        began = loop.time()
        with pytest.raises(JournalAway):
            await world.client.send("jar", "BLUE", Take("t1", 1))
        assert 0.2 < loop.time() - began < 1
        began = loop.time()
        with pytest.raises(JournalAway):
            await world.client.send("jar", "BLUE", Take("t1", 1))
        assert loop.time() - began < 0.02
        with pytest.raises(Unavailable, match="can't be read"):
            await world.client.history("jar", "BLUE")
        world.journal.away = False
        while not world.host.runs(shard_of("BLUE", SHARDS)):
            await asyncio.sleep(0.01)
        assert await world.client.send("jar", "BLUE", Take("t1", 1)) == Beans(4)

    run(scenario)


def run_full(scenario: Callable[[World, FullJournal], Awaitable[None]]) -> None:
    async def main() -> None:
        journal = FullJournal(shards=SHARDS)
        world = await World(journal).start()
        await scenario(world, journal)
        await world.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_full_journal_refuses_changes_at_once_and_answers_questions() -> None:
    async def scenario(world: World, journal: FullJournal) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        epochs = world.host.epochs
        journal.full = True
        # All in one turn: whoever changes something takes nobody else's answer away.
        changed, asked, repeated, refused = await asyncio.gather(
            world.client.send("jar", "RED", Fill("f2", 5), deadline_s=0.5),
            world.client.send("jar", "BLUE", Look()),
            world.client.send("jar", "BLUE", Fill("f1", 5)),
            world.client.send("jar", "BLUE", Take("t1", 9)),
            return_exceptions=True,
        )
        assert isinstance(changed, JournalAway)
        assert (asked, repeated) == (Beans(5), Beans(5))
        assert isinstance(refused, Rejected)
        with pytest.raises(JournalAway, match="the disk is full"):
            await world.client.send("jar", "BLUE", Fill("f3", 1))
        assert await world.client.send("jar", "BLUE", Look()) == Beans(5)
        journal.full = False
        assert await world.client.send("jar", "BLUE", Fill("f3", 1)) == Beans(6)
        assert world.host.epochs == epochs

    run_full(scenario)


def test_a_process_that_found_no_room_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "TRY_AGAIN_FULL_S", 0.05)

    async def scenario(world: World, journal: FullJournal) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        world.weigher.failures = 1
        await world.client.send("move", "m1", Begin("BLUE", "RED", 3))
        journal.full = True
        while len(world.weigher.calls) < 3:
            # Its answer can't be recorded, so it is asked again, by the same name.
            await asyncio.sleep(0.01)
        assert await world.client.send("move", "m1", Look()) == MoveView("weigh")
        journal.full = False
        while await world.client.send("move", "m1", Look()) != MoveView("done"):
            await asyncio.sleep(0.01)
        assert await world.client.send("jar", "RED", Look()) == Beans(3)

    run_full(scenario)


def test_the_older_of_two_owners_is_fenced_and_says_not_mine() -> None:
    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        old = await World(journal).start()
        await old.client.send("jar", "BLUE", Fill("f1", 5))
        new = await World(journal).start()
        with pytest.raises(Unavailable):
            await old.client.send("jar", "BLUE", Take("t1", 1), deadline_s=0.05)
        with pytest.raises(NotMine):
            await old.client.send("jar", "BLUE", Look(), deadline_s=0.05)
        assert await new.client.send("jar", "BLUE", Take("t2", 5)) == Beans(0)
        await old.host.close()
        await new.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_full_mailbox_refuses_at_once() -> None:
    async def scenario(world: World) -> None:
        results = await asyncio.gather(
            *(world.client.send("jar", "BLUE", Fill(f"f{n}", 1)) for n in range(20)), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, Overloaded)]
        assert len(refused) == 12
        assert await world.client.send("jar", "BLUE", Look()) == Beans(8)

    run(scenario, mailbox_limit=8)


def test_a_command_that_breaks_its_entity_harms_no_other_of_the_turn() -> None:
    async def scenario(world: World) -> None:
        broken, fine = await asyncio.gather(
            world.client.send("jar", "BLUE", Break(), deadline_s=0.001),
            world.client.send("jar", "BLUE", Fill("f1", 5)),
            return_exceptions=True,
        )
        assert isinstance(broken, Unavailable)
        assert fine == Beans(5)

    run(scenario)


def test_entities_in_memory_are_bounded_and_loaded_again() -> None:
    async def scenario(world: World) -> None:
        for number in range(50):
            await world.client.send("jar", f"JAR-{number}", Fill("f", number))
        await asyncio.sleep(0.15)
        assert world.host.entities <= 10
        for number in range(50):
            assert await world.client.send("jar", f"JAR-{number}", Look()) == Beans(number)

    run(scenario, entities_in_memory=10)


def test_idle_entities_are_passivated() -> None:
    async def scenario(world: World) -> None:
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await asyncio.sleep(0.3)
        assert world.host.entities == 0
        assert await world.client.send("jar", "BLUE", Look()) == Beans(5)

    run(scenario, idle_s=0.05)


def test_a_large_history_is_folded_from_a_snapshot() -> None:
    async def scenario(world: World) -> None:
        for number in range(300):
            await asyncio.gather(*(world.client.send("jar", "BLUE", Fill(f"f{number}-{n}", 1)) for n in range(50)))
        (recorded,) = await world.journal.load(shard_of("BLUE", SHARDS), [("jar", "BLUE")])
        assert recorded.snapshot is not None
        assert len(recorded.entries) < 300
        await world.host.disown(range(SHARDS))
        await world.host.own(range(SHARDS))
        assert await world.client.send("jar", "BLUE", Look()) == Beans(15_000)

    run(scenario)


def test_watchers_hear_of_every_commit_before_the_sender_does() -> None:
    async def scenario(world: World) -> None:
        heard: list[tuple[str, int, int]] = []
        world.host.watch("jar", lambda key, version, state: heard.append((key, version, state.beans)))
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        assert heard == [("BLUE", 1, 5)]

    run(scenario)


def test_a_pinned_entity_keeps_its_state_and_its_retries_and_comes_home_again() -> None:
    async def scenario(world: World) -> None:
        home, pinned = world.client.home_of("BLUE"), SHARDS
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.host.own([pinned])
        await world.client.move("jar", "BLUE", pinned)
        assert await world.client.send("jar", "BLUE", Take("t1", 1)) == Beans(4)
        assert await world.client.send("jar", "BLUE", Fill("f1", 5)) == Beans(5)
        assert [entry.version for entry in await world.journal.history(pinned, "jar", "BLUE")] == [3]
        await world.client.move("jar", "BLUE", home)
        assert await world.client.send("jar", "BLUE", Take("t2", 1)) == Beans(3)
        assert [entry.version for entry in await world.host.history("jar", "BLUE")] == [1, 2, 3, 4, 5]

    run(scenario)


def test_an_entity_is_pinned_while_it_is_used_and_nothing_is_lost_or_doubled() -> None:
    async def scenario(world: World) -> None:
        await world.host.own([SHARDS])
        home = world.client.home_of("BLUE")

        async def fill(number: int) -> None:
            await asyncio.sleep(number / 1_000)
            await world.client.send("jar", "BLUE", Fill(f"f{number}", 1))

        filling = asyncio.gather(*(fill(number) for number in range(200)))
        for shard in (SHARDS, home, SHARDS, home, SHARDS):
            await asyncio.sleep(0.03)
            await world.client.move("jar", "BLUE", shard)
        await filling
        assert await world.client.send("jar", "BLUE", Look()) == Beans(200)

    run(scenario)


def test_a_shard_that_sent_an_entitys_sender_away_takes_the_entity_when_it_comes() -> None:
    async def scenario(world: World) -> None:
        await world.host.own([SHARDS])
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        loop = asyncio.get_running_loop()
        too_early: asyncio.Future[Any] = loop.create_future()
        world.host.submit(SHARDS, "jar", "BLUE", Look(), too_early, loop.time() + 1)
        with pytest.raises(Moved):
            await too_early
        await world.client.move("jar", "BLUE", SHARDS)
        assert await world.client.send("jar", "BLUE", Look(), deadline_s=0.02) == Beans(5)

    run(scenario)


def test_an_entity_that_two_people_pin_at_the_same_time_lives_where_it_was_sent_last() -> None:
    async def scenario(world: World) -> None:
        await world.host.own([SHARDS, SHARDS + 1])
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        other = Client(SHARDS)
        other.attach(world.host)
        await world.client.move("jar", "BLUE", SHARDS)
        await other.move("jar", "BLUE", SHARDS + 1)
        assert await world.journal.history(SHARDS, "jar", "BLUE")
        await world.host.disown([home := world.client.home_of("BLUE"), SHARDS, SHARDS + 1])
        await world.host.own([home, SHARDS, SHARDS + 1])
        for client in (world.client, other, fresh := Client(SHARDS)):
            client.attach(world.host)
            assert await client.send("jar", "BLUE", Look(), deadline_s=0.5) == Beans(5)
        assert fresh.shard_of("jar", "BLUE") == SHARDS + 1
        await fresh.move("jar", "BLUE", home)
        assert await world.client.send("jar", "BLUE", Take("t1", 1), deadline_s=0.5) == Beans(4)

    run(scenario)


def test_an_entity_whose_snapshot_falls_due_as_it_leaves_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.entity.MIN_BYTES_BETWEEN_SNAPSHOTS", 0)
    monkeypatch.setattr("actors.entity.SNAPSHOT_GROWTH", 0)

    async def scenario(world: World) -> None:
        await world.host.own([SHARDS])
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.client.move("jar", "BLUE", SHARDS)
        assert await world.client.send("jar", "BLUE", Take("t1", 5)) == Beans(0)
        assert [entry.version for entry in await world.journal.history(SHARDS, "jar", "BLUE")] == [3]

    run(scenario)


def test_an_entity_that_moved_is_reminded_though_nobody_asks_for_it() -> None:
    async def scenario(world: World) -> None:
        world.weigher.failures = 10**9
        await world.host.own([SHARDS])
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.client.send("move", "m1", Begin("BLUE", "RED", 3, give_up_at=world.clock.ms + 500))
        await world.client.move("move", "m1", SHARDS)
        world.clock.ms += 1_000
        while await world.client.send("jar", "BLUE", Look()) != Beans(5):
            await asyncio.sleep(0.01)

    run(scenario)


def test_recovery_goes_on_behind_an_entity_that_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.volume.RECOVERY_GROUP", 1)

    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        first = await World(journal).start()
        first.weigher.failures = 10**9
        await first.host.own([SHARDS])
        await first.client.send("jar", "BLUE", Fill("f1", 5))
        # Of one tag, so they share a home.
        for name in ("moved@1", "moved@2"):
            await first.client.send("move", name, Begin("BLUE", "RED", 1))
        await first.client.move("move", "moved@1", SHARDS)
        await first.host.close()
        second = await World(journal).start()
        while await second.client.send("jar", "RED", Look()) != Beans(1):
            await asyncio.sleep(0.01)
        await second.host.own([SHARDS])
        while await second.client.send("jar", "RED", Look()) != Beans(2):
            await asyncio.sleep(0.01)
        await second.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_shard_that_is_taken_away_at_once_needs_no_recovery(logged: Logged) -> None:
    async def scenario(world: World) -> None:
        await world.host.own([SHARDS])
        await world.host.disown([SHARDS])
        await asyncio.sleep(0.01)
        gc.collect()

    run(scenario)
    assert not logged.records


def test_unfinished_work_outlives_two_owners_and_the_checkpoint_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.shard.MIN_ENTRIES_BETWEEN_CHECKPOINTS", 1)

    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        for owner in range(2):
            world = await World(journal).start()
            world.weigher.failures = 10**9
            await world.client.send("jar", "BLUE", Fill("f1", 5))
            # Of one tag with the move, so that it writes that shard's checkpoint.
            await world.client.send("jar", "tag@jar", Look())
            if not owner:
                await world.client.send("move", "tag@move", Begin("BLUE", "RED", 3))
            await asyncio.sleep(0.01)
            await world.client.send("jar", "tag@jar", Fill(f"f{owner}", 1))
            await world.host.close()
        last = await World(journal).start()
        while await last.client.send("jar", "RED", Look()) != Beans(3):
            await asyncio.sleep(0.01)
        await last.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_owners_that_die_early_leave_no_ever_longer_past_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.shard.MIN_ENTRIES_BETWEEN_CHECKPOINTS", 5)

    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        home = shard_of("BLUE", SHARDS)
        for owner in range(3):
            world = await World(journal).start()
            await asyncio.sleep(0.01)
            for number in range(2):
                await world.client.send("jar", "BLUE", Fill(f"f{owner}-{number}", 1))
            await world.host.close()
        position, _ = await journal.checkpoint(home)
        assert len(await journal.read(home, position)) <= 2

    patience.run(asyncio.wait_for(main(), 10))


class SlowLoading(FailingJournal):
    """Takes longer to load a shard's entities than idle ones are kept."""

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        await asyncio.sleep(0.15)
        return await super().load(shard, entities)


def test_what_a_turn_has_loaded_is_there_when_it_decides() -> None:
    async def main() -> None:
        world = await World(SlowLoading(shards=SHARDS), idle_s=0.01).start()
        jars = ["BLUE", "RED", "GREEN", "GREY"]
        assert len({world.client.home_of(jar) for jar in jars}) > 1
        await asyncio.gather(*(world.client.send("jar", jar, Fill("f1", 5)) for jar in jars))
        assert set(world.host.epochs.values()) == {1}
        await world.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_crash_right_after_leaving_leaves_nothing_to_repair() -> None:
    async def main() -> None:
        journal = FailingJournal(shards=SHARDS)
        first = await World(journal).start()
        await first.client.send("jar", "BLUE", Fill("f1", 5))
        await first.client.move("jar", "BLUE", SHARDS)
        await first.host.close()
        second = await World(journal).start()
        await second.host.own([SHARDS])
        assert await second.client.send("jar", "BLUE", Take("t1", 1)) == Beans(4)
        await second.host.close()

    patience.run(asyncio.wait_for(main(), 10))


def test_a_process_reaches_a_pinned_entity() -> None:
    async def scenario(world: World) -> None:
        await world.host.own([SHARDS])
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        await world.client.move("jar", "BLUE", SHARDS)
        assert await world.client.send("move", "m1", Begin("BLUE", "RED", 3), settle_s=5) == MoveView("done")
        assert await world.client.send("jar", "BLUE", Look()) == Beans(2)

    run(scenario)


def test_pinning_gives_an_entity_a_shard_of_its_own_once() -> None:
    async def scenario(world: World) -> None:
        pins = Pins(world.client, LocalShards(world.host, world.journal, SHARDS))
        await world.client.send("jar", "BLUE", Fill("f1", 5))
        assert await pins.pin("jar", "BLUE", Look()) == SHARDS
        assert await pins.pin("jar", "BLUE", Look()) == SHARDS
        assert await pins.pin("jar", "RED", Look()) == SHARDS + 1
        await pins.unpin("jar", "BLUE", Look())
        assert world.client.shard_of("jar", "BLUE") == world.client.home_of("BLUE")
        assert await world.client.send("jar", "BLUE", Look()) == Beans(5)

    run(scenario)


def test_a_quiet_shard_writes_a_checkpoint_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "ENTRIES_BETWEEN_ROUNDS", 10)

    async def scenario(world: World) -> None:
        await asyncio.sleep(0.05)
        for number in range(12):
            await world.client.send("jar", "BLUE", Fill(f"f{number}", 1))
        positions = {(await world.journal.checkpoint(shard))[0] for shard in range(SHARDS)}
        assert min(positions) > 0

    run(scenario)
