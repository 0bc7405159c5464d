"""What every journal promises: one suite, inherited by a test class per implementation.

An implementation says how its journal is opened; a journal is opened anew on the same data by opening it twice.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from actors.journals.port import (
    Batch,
    Entry,
    Fenced,
    Journal,
    NewEntry,
    Snapshot,
    StillNeeded,
    VersionTaken,
)

T = TypeVar("T")

CLOCK = ("stock", "RETRO-CLOCK@main")
LAMP = ("stock", "LAVA-LAMP@main")
NOON = 1_700_000_000_000


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def entry(entity: tuple[str, str], version: int, events: bytes = b"\x90") -> NewEntry:
    return NewEntry(*entity, version, NOON + version, events)


def entries(entity: tuple[str, str], versions: range) -> list[NewEntry]:
    return [entry(entity, version) for version in versions]


def versions(found: Sequence[Entry]) -> list[int]:
    return [each.version for each in found]


class JournalSuite(ABC):
    """Tests of the port. Shards 0 and 1 share a volume of `open`, and shard 0 is in another one of `open_split`."""

    @abstractmethod
    def open(self, directory: Path) -> Journal:
        """A journal whose shards 0 and 1 are in one volume."""

    @abstractmethod
    def open_split(self, directory: Path) -> Journal:
        """A journal of fresh data whose shards 0 and 1 are in two volumes."""

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Journal:
        return self.open(tmp_path)

    # Appending

    def test_entries_come_back_as_they_were_appended_with_rising_positions(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            new = [entry(CLOCK, 1, b"\x91\x01"), entry(LAMP, 1, b""), entry(CLOCK, 2, bytes(range(256)))]
            (position,) = await journal.append([Batch(0, epoch, new)])
            found = await journal.read(0, after=0)
            assert [NewEntry(*each[1:]) for each in found] == new
            positions = [each.position for each in found]
            assert positions == sorted(set(positions))
            assert positions[-1] == position

        run(scenario())

    def test_each_batch_is_told_the_position_of_its_last_entry(self, journal: Journal) -> None:
        async def scenario() -> None:
            first, second = await journal.acquire(0), await journal.acquire(1)
            told = await journal.append(
                [Batch(0, first, entries(CLOCK, range(1, 4))), Batch(1, second, entries(LAMP, range(1, 3)))]
            )
            for shard, position in enumerate(told):
                assert (await journal.read(shard, after=0))[-1].position == position
            assert await journal.append([Batch(0, first, [])]) in ([0], (0,))
            assert list(await journal.append([])) == []

        run(scenario())

    def test_a_repeated_version_is_refused_and_nothing_of_its_volume_written(self, journal: Journal) -> None:
        async def scenario() -> None:
            first, second = await journal.acquire(0), await journal.acquire(1)
            await journal.append([Batch(0, first, entries(CLOCK, range(1, 3)))])
            for repeated in (1, 2):
                with pytest.raises(VersionTaken) as refusal:
                    await journal.append(
                        [Batch(1, second, [entry(LAMP, 1)]), Batch(0, first, [entry(CLOCK, repeated)])]
                    )
                assert refusal.value.args == (*CLOCK, repeated)
            with pytest.raises(VersionTaken):
                await journal.append([Batch(0, first, [entry(LAMP, 1), entry(LAMP, 1)])])
            assert versions(await journal.read(0, after=0)) == [1, 2]
            assert await journal.read(1, after=0) == []
            await journal.append([Batch(0, first, [entry(CLOCK, 3)])])

        run(scenario())

    def test_the_same_entity_in_two_shards_is_two_entities(self, journal: Journal) -> None:
        async def scenario() -> None:
            for shard in (0, 1):
                epoch = await journal.acquire(shard)
                await journal.append([Batch(shard, epoch, [entry(CLOCK, 1, bytes([shard]))])])
            for shard in (0, 1):
                (found,) = await journal.load(shard, [CLOCK])
                assert [each.events for each in found.entries] == [bytes([shard])]

        run(scenario())

    # Epochs

    def test_epochs_count_from_one_for_each_shard(self, journal: Journal) -> None:
        async def scenario() -> None:
            assert [await journal.acquire(0), await journal.acquire(0), await journal.acquire(1)] == [1, 2, 1]

        run(scenario())

    def test_an_older_epoch_is_refused_and_the_newest_works(self, journal: Journal) -> None:
        async def scenario() -> None:
            zombie = await journal.acquire(0)
            await journal.append([Batch(0, zombie, [entry(CLOCK, 1)])])
            owner = await journal.acquire(0)
            with pytest.raises(Fenced) as refusal:
                await journal.append([Batch(0, zombie, [entry(CLOCK, 2)])])
            assert (refusal.value.shard, refusal.value.epoch) == (0, zombie)
            await journal.append([Batch(0, owner, [entry(CLOCK, 2)])])
            assert versions(await journal.read(0, after=0)) == [1, 2]

        run(scenario())

    @pytest.mark.parametrize("epoch", [0, 1, 2])
    def test_an_epoch_that_was_never_given_out_is_refused(self, journal: Journal, epoch: int) -> None:
        async def scenario() -> None:
            with pytest.raises(Fenced):
                await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])

        run(scenario())

    def test_a_fenced_checkpoint_or_snapshot_leaves_no_trace(self, journal: Journal) -> None:
        async def scenario() -> None:
            zombie = await journal.acquire(0)
            await journal.acquire(0)
            with pytest.raises(Fenced):
                await journal.append([Batch(0, zombie, [], [Snapshot(*CLOCK, 1, b"late")], [CLOCK], b"late")])
            assert await journal.checkpoint(0) == (0, None)
            assert (await journal.load(0, [CLOCK]))[0].snapshot is None
            assert list(await journal.keys(0, "stock")) == []

        run(scenario())

    def test_a_fenced_batch_takes_the_others_of_its_volume_with_it(self, journal: Journal) -> None:
        async def scenario() -> None:
            owner, zombie = await journal.acquire(0), await journal.acquire(1)
            await journal.acquire(1)
            assert journal.volume_of(0) == journal.volume_of(1)
            with pytest.raises(Fenced):
                await journal.append([Batch(0, owner, [entry(CLOCK, 1)]), Batch(1, zombie, [entry(LAMP, 1)])])
            assert await journal.read(0, after=0) == []
            await journal.append([Batch(0, owner, [entry(CLOCK, 1)])])

        run(scenario())

    def test_volumes_of_one_call_commit_in_turn_up_to_the_first_refusal(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            journal = self.open_split(tmp_path)
            assert journal.volume_of(0) != journal.volume_of(1)
            owner, zombie = await journal.acquire(0), await journal.acquire(1)
            told = await journal.append([Batch(1, zombie, [entry(LAMP, 1)]), Batch(0, owner, [entry(CLOCK, 1)])])
            assert [(await journal.read(shard, after=0))[-1].position for shard in (1, 0)] == list(told)
            await journal.acquire(1)
            with pytest.raises(Fenced):
                await journal.append([Batch(0, owner, [entry(CLOCK, 2)]), Batch(1, zombie, [entry(LAMP, 2)])])
            assert versions(await journal.read(0, after=0)) == [1, 2]
            assert versions(await journal.read(1, after=0)) == [1]
            await journal.close()

        run(scenario())

    # Loading

    def test_an_unknown_entity_has_no_snapshot_and_no_entry(self, journal: Journal) -> None:
        async def scenario() -> None:
            for count in (1, 5):
                assert [(found.snapshot, list(found.entries)) for found in await journal.load(0, [CLOCK] * count)] == [
                    (None, [])
                ] * count
            assert list(await journal.load(0, [])) == []
            assert list(await journal.history(0, *CLOCK)) == []

        run(scenario())

    def test_entities_are_loaded_in_the_order_asked(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            await journal.append([Batch(0, epoch, [entry(CLOCK, 1), entry(LAMP, 1), entry(CLOCK, 2)])])
            found = await journal.load(0, [LAMP, ("stock", "NOBODY@main"), CLOCK, LAMP])
            assert [versions(each.entries) for each in found] == [[1], [], [1, 2], [1]]
            assert [each.key for each in found[2].entries] == [CLOCK[1], CLOCK[1]]

        run(scenario())

    def test_a_load_begins_with_the_newest_snapshot_and_holds_only_later_entries(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            first, second = Snapshot(*CLOCK, 2, b"two"), Snapshot(*CLOCK, 4, b"four")
            await journal.append([Batch(0, epoch, entries(CLOCK, range(1, 4)), [first])])
            assert await self.seen(journal) == (first, [3])
            await journal.append([Batch(0, epoch, entries(CLOCK, range(4, 6)), [second])])
            assert await self.seen(journal) == (second, [5])
            await journal.append([Batch(0, epoch, [], [first])])
            assert await self.seen(journal) == (second, [5])
            assert versions(await journal.history(0, *CLOCK)) == [1, 2, 3, 4, 5]

        run(scenario())

    def test_an_entity_may_come_with_its_state_alone_and_go_on_from_there(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            moved = [Snapshot(*CLOCK, 7, b"seven"), Snapshot(*LAMP, 3, b"three")]
            await journal.append([Batch(0, epoch, [entry(("cart", "c"), 1)], moved)])
            await journal.append([Batch(0, epoch, [entry(("cart", "d"), 1), entry(CLOCK, 8)])])
            assert await self.seen(journal) == (moved[0], [8])
            assert (await journal.load(0, [LAMP]))[0].snapshot == moved[1]
            found = await journal.load(0, [("cart", "c"), ("cart", "d")])
            assert [(each.snapshot, versions(each.entries)) for each in found] == [(None, [1])] * 2

        run(scenario())

    async def seen(self, journal: Journal) -> tuple[Snapshot | None, list[int]]:
        (found,) = await journal.load(0, [CLOCK])
        return found.snapshot, versions(found.entries)

    # Paging

    def test_a_shard_is_read_in_pages_without_its_neighbours_entries(self, journal: Journal) -> None:
        async def scenario() -> None:
            first, second = await journal.acquire(0), await journal.acquire(1)
            for version in range(1, 8):
                await journal.append(
                    [Batch(0, first, [entry(CLOCK, version)]), Batch(1, second, [entry(LAMP, version)])]
                )
            after, pages = 0, []
            while page := await journal.read(0, after, limit=3):
                pages.append(versions(page))
                after = page[-1].position
            assert pages == [[1, 2, 3], [4, 5, 6], [7]]
            assert len(await journal.read(0, after=0, limit=5_000)) == 7

        run(scenario())

    def test_shards_of_a_volume_are_read_on_together_and_what_was_passed_over_counts_as_read(
        self, journal: Journal
    ) -> None:
        async def story() -> None:
            epochs = [await journal.acquire(shard) for shard in (0, 1)]
            for version in range(1, 101):
                await journal.append([Batch(0, epochs[0], [entry(CLOCK, version)])])
            await journal.append([Batch(1, epochs[1], [entry(LAMP, 1)])])
            assert await journal.behind({0: 0, 1: 0}) >= 101
            after, found = {0: 0, 1: 0}, []
            while (page := await journal.read_on(after, 60)).upto != after:
                found += page.entries
                after = dict(page.upto)
            assert [(shard, each.key, each.version) for shard, each in sorted(found, key=lambda each: each[0])] == [
                *((0, CLOCK[1], version) for version in range(1, 101)),
                (1, LAMP[1], 1),
            ]
            assert page.entries == []
            assert await journal.behind(after) == 0
            await journal.append([Batch(0, epochs[0], [entry(CLOCK, 101)])])
            assert await journal.behind(after) == 1
            last = await journal.read_on(after, 60)
            assert [(shard, each.version) for shard, each in last.entries] == [(0, 101)]
            # A shard that is further back than its neighbours is given its own entries only.
            back = await journal.read_on({0: last.upto[0], 1: 0})
            assert [(shard, each.key) for shard, each in back.entries] == [(1, LAMP[1])]

        run(story())

    def test_a_history_is_read_in_pages_by_version(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            await journal.append([Batch(0, epoch, entries(CLOCK, range(1, 6)) + entries(LAMP, range(1, 3)))])
            assert versions(await journal.history(0, *CLOCK, limit=2)) == [1, 2]
            assert versions(await journal.history(0, *CLOCK, after_version=2, limit=2)) == [3, 4]
            assert versions(await journal.history(0, *CLOCK, after_version=4)) == [5]
            assert list(await journal.history(0, *CLOCK, after_version=5)) == []

        run(scenario())

    def test_listed_keys_come_sorted_in_pages_each_once(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            names = ["RETRO-CLOCK", "LAVA-LAMP", "ÄRGER-BÄR", "10-INCH"]
            new = [entry(("product", name), 1) for name in names] + [entry(("order", "o-1"), 1)]
            await journal.append([Batch(0, epoch, new, listed=[("product", name) for name in names])])
            await journal.append([Batch(0, epoch, [], listed=[("product", "LAVA-LAMP"), ("shelf", "A")])])
            assert list(await journal.keys(0, "product")) == sorted(names)
            assert list(await journal.keys(0, "product", limit=2)) == sorted(names)[:2]
            assert list(await journal.keys(0, "product", after="LAVA-LAMP")) == ["RETRO-CLOCK", "ÄRGER-BÄR"]
            assert list(await journal.keys(0, "order")) == []
            assert list(await journal.keys(1, "product")) == []

        run(scenario())

    # Trimming

    def test_a_state_stands_in_the_place_of_the_entries_that_were_trimmed(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await self.with_history(journal)
            base = Snapshot(*CLOCK, 40, b"forty")
            position = (await journal.read(0, after=0))[39].position
            await journal.trim(0, position, [base])
            assert await self.seen(journal) == (base, list(range(41, 71)))
            assert versions(await journal.history(0, *CLOCK)) == list(range(41, 71))
            assert versions(await journal.read(0, after=0)) == [*range(41, 71), 1]
            assert await journal.bases(0, [LAMP, CLOCK]) == [None, base]
            assert await journal.trimmed(0) == (position, 1)
            assert await journal.trimmed(1) == (0, 0)
            assert [each async for page in journal.entities(0) for each in sorted(page)] == [LAMP, CLOCK]
            await journal.append([Batch(0, epoch, [entry(CLOCK, 71)], [newer := Snapshot(*CLOCK, 70, b"seventy")])])
            assert await self.seen(journal) == (newer, [71])
            assert await journal.bases(0, [CLOCK]) == [base]

        run(scenario())

    def test_an_entity_that_is_trimmed_to_its_end_goes_on_from_its_state(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await self.with_history(journal)
            (end,) = await journal.append([Batch(0, epoch, [entry(LAMP, 2)], [Snapshot(*LAMP, 1, b"old")], (), b"")])
            base = Snapshot(*CLOCK, 70, b"seventy")
            for _ in range(2):
                await journal.trim(0, end, [base, Snapshot(*LAMP, 2, b"two")])
                assert await self.seen(journal) == (base, [])
            assert list(await journal.read(0, after=0)) == []
            assert (await journal.last_positions())[0] >= end
            assert (await journal.load(0, [LAMP]))[0].snapshot == Snapshot(*LAMP, 2, b"two")
            (position,) = await journal.append([Batch(0, epoch, entries(CLOCK, range(71, 75)))])
            assert position > end, "no position is given out twice"
            assert await self.seen(journal) == (base, [71, 72, 73, 74])
            assert versions(await journal.history(0, *CLOCK)) == [71, 72, 73, 74]
            assert await journal.acquire(0) == epoch + 1

        run(scenario())

    def test_nothing_is_trimmed_that_somebody_has_yet_to_read(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await self.with_history(journal)
            last = (await journal.read(0, after=0))[-1].position
            (later,) = await journal.append([Batch(0, epoch, [entry(CLOCK, 71)])])
            with pytest.raises(StillNeeded, match="the checkpoint"):
                await journal.trim(0, later, [Snapshot(*CLOCK, 71, b"")])
            await journal.advance("search", 0, 0)
            await journal.advance("webhooks", 0, last)
            with pytest.raises(StillNeeded, match="search has come to position 0"):
                await journal.trim(0, last, [Snapshot(*CLOCK, 70, b"")])
            assert len(await journal.history(0, *CLOCK)) == 71
            await journal.advance("search", 0, last)
            await journal.advance("search", 0, 1)
            assert await journal.consumers(0) == {"search": last, "webhooks": last}
            assert await journal.consumers(1) == {}
            await journal.trim(0, last, [Snapshot(*CLOCK, 70, b"")])
            assert versions(await journal.history(0, *CLOCK)) == [71]
            await journal.forget("search", 0)
            assert await journal.consumers(0) == {"webhooks": last}

        run(scenario())

    async def with_history(self, journal: Journal) -> int:
        """70 entries of the clock, one of the lamp behind them, and a checkpoint; the epoch."""
        epoch = await journal.acquire(0)
        await journal.acquire(1)
        await journal.append([Batch(0, epoch, entries(CLOCK, range(1, 71)))])
        await journal.append([Batch(0, epoch, [entry(LAMP, 1)], checkpoint=b"")])
        return epoch

    # Checkpoints and shards

    def test_the_newest_checkpoint_speaks_up_to_its_own_batch(self, journal: Journal) -> None:
        async def scenario() -> None:
            first, second = await journal.acquire(0), await journal.acquire(1)
            assert await journal.checkpoint(0) == (0, None)
            await journal.append([Batch(0, first, [entry(CLOCK, 1)], checkpoint=b"old")])
            await journal.append(
                [Batch(0, first, [entry(CLOCK, 2)], checkpoint=b"new"), Batch(1, second, [entry(LAMP, 1)])]
            )
            position, data = await journal.checkpoint(0)
            assert data == b"new"
            assert list(await journal.read(0, after=position)) == []
            await journal.append([Batch(0, first, [entry(CLOCK, 3)])])
            assert await journal.checkpoint(0) == (position, b"new")
            assert versions(await journal.read(0, after=position)) == [3]
            assert await journal.checkpoint(1) == (0, None)

        run(scenario())

    def test_a_checkpoint_needs_no_entry_and_may_be_empty(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            await journal.append([Batch(0, epoch, [], checkpoint=b"")])
            position, data = await journal.checkpoint(0)
            assert data == b""
            await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
            assert versions(await journal.read(0, after=position)) == [1]

        run(scenario())

    def test_the_shards_that_were_acquired_exist(self, journal: Journal) -> None:
        async def scenario() -> None:
            assert list(await journal.shards()) == []
            for shard in (5, 0, 5):
                await journal.acquire(shard)
            assert list(await journal.shards()) == [0, 5]

        run(scenario())

    # Enumerating

    def test_every_entity_of_a_shard_is_named_once(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            orders = [("order", f"o-{number}") for number in range(1_500)]
            recorded = [*orders, CLOCK, ("product", "ÄRGER-BÄR"), ("cart", "a:b")]
            await journal.append([Batch(0, epoch, [entry(each, 1) for each in recorded])])
            await journal.append([Batch(0, epoch, [entry(CLOCK, 2)], [Snapshot(*LAMP, 70, b"from elsewhere")])])
            await journal.append([Batch(0, epoch, [entry(LAMP, 71)])])
            named = [each async for page in journal.entities(0) for each in page]
            assert sorted(named) == sorted([*recorded, LAMP])
            assert [each async for page in journal.entities(1) for each in page] == []

        run(scenario())

    def test_the_last_positions_are_told_of_every_shard_that_was_acquired(self, journal: Journal) -> None:
        async def scenario() -> None:
            assert dict(await journal.last_positions()) == {}
            first = await journal.acquire(0)
            await journal.acquire(1)
            assert dict(await journal.last_positions()) == {0: 0, 1: 0}
            (position,) = await journal.append([Batch(0, first, entries(CLOCK, range(1, 6)))])
            assert dict(await journal.last_positions()) == {0: position, 1: 0}

        run(scenario())

    def test_a_long_history_is_found_from_any_version(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            for start in range(1, 301, 7):
                await journal.append([Batch(0, epoch, entries(CLOCK, range(start, min(start + 7, 301))))])
            for after in (0, 1, 31, 32, 33, 63, 64, 65, 250, 299, 300):
                found = await journal.history(0, *CLOCK, after_version=after, limit=1_000)
                assert versions(found) == list(range(after + 1, 301))
            await journal.append([Batch(0, epoch, [], [Snapshot(*CLOCK, 256, b"state")])])
            assert (await self.seen(journal))[1] == list(range(257, 301))

        run(scenario())

    def test_an_entity_that_was_away_has_its_history_before_and_after(self, journal: Journal) -> None:
        async def scenario() -> None:
            epoch = await journal.acquire(0)
            await journal.append([Batch(0, epoch, entries(CLOCK, range(1, 8)))])
            back = Snapshot(*CLOCK, 501, b"back")
            await journal.append([Batch(0, epoch, [entry(CLOCK, 501)], [back])])
            await journal.append([Batch(0, epoch, entries(CLOCK, range(502, 600)))])
            assert versions(await journal.history(0, *CLOCK, limit=9)) == [*range(1, 8), 501, 502]
            assert await self.seen(journal) == (back, list(range(502, 600)))

        run(scenario())

    # Sharing and surviving

    def test_another_opening_of_the_same_data_sees_everything(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            before = self.open(tmp_path)
            epoch = await before.acquire(0)
            snapshot = Snapshot(*CLOCK, 1, b"one")
            batch = Batch(0, epoch, entries(CLOCK, range(1, 4)), [snapshot], [("product", "RETRO-CLOCK")], b"work")
            (position,) = await before.append([batch])
            await before.close()
            after = self.open(tmp_path)
            assert await self.seen(after) == (snapshot, [2, 3])
            assert await after.checkpoint(0) == (position, b"work")
            assert list(await after.keys(0, "product")) == ["RETRO-CLOCK"]
            assert list(await after.shards()) == [0]
            assert after.base_shards == before.base_shards
            assert await after.acquire(0) == epoch + 1
            await after.append([Batch(0, epoch + 1, [entry(CLOCK, 4)])])
            assert await self.seen(after) == (snapshot, [2, 3, 4])
            await after.close()

        run(scenario())

    def test_an_owner_is_fenced_by_whoever_acquires_through_another_opening(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            ours, theirs = self.open(tmp_path), self.open(tmp_path)
            epoch = await ours.acquire(0)
            await ours.append([Batch(0, epoch, [entry(CLOCK, 1)])])
            newer = await theirs.acquire(0)
            await theirs.append([Batch(0, newer, [entry(CLOCK, 2)])])
            with pytest.raises(Fenced):
                await ours.append([Batch(0, epoch, [entry(CLOCK, 2)])])
            assert await self.seen(ours) == (None, [1, 2])
            await ours.close()
            await theirs.close()

        run(scenario())

    def test_appends_of_one_moment_each_happen(self, journal: Journal) -> None:
        async def scenario() -> None:
            first, second = await journal.acquire(0), await journal.acquire(1)
            await asyncio.gather(
                *(journal.append([Batch(0, first, [entry(("order", f"o-{n}"), 1)])]) for n in range(50)),
                *(journal.append([Batch(1, second, [entry(("order", f"p-{n}"), 1)])]) for n in range(50)),
            )
            assert {each.key for each in await journal.read(0, after=0)} == {f"o-{n}" for n in range(50)}
            assert len(await journal.read(1, after=0)) == 50

        run(scenario())
