"""States at the entries that pass: as they were right then, from snapshots, histories or what a trim has left."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest

from actors.codec import codecs_of
from actors.feed.fold import Fold
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, NewEntry, Snapshot
from engine.kernel import Accepted, Answer, Command, Event, Kind

NOON = 1_700_000_000_000
CLOCK = ("tally", "RETRO-CLOCK")


class Tally(msgspec.Struct, array_like=True):
    """How much was counted."""

    total: int = 0


class Counted(Event, frozen=True):
    by: int


def _count(tally: Tally, event: Counted) -> None:
    tally.total += event.by


TALLY = Kind(
    name="tally",
    new=lambda _key: Tally(),
    decide=lambda *_: Accepted(),
    apply=_count,
    commands=Command,
    events=Counted,
    answers=Answer,
    state=Tally,
)
KINDS = {"tally": TALLY}
CODEC = codecs_of(KINDS)["tally"]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def count(journal: MemoryJournal, epoch: int, versions: range, snapshot: int = 0) -> None:
    """Entries that count their versions; the snapshot says what they make."""
    for version in versions:
        entry = NewEntry(*CLOCK, version, NOON, CODEC.encode_events([Counted(version)]))
        snapshots = [Snapshot(*CLOCK, version, CODEC.encode_state(Tally(version * (version + 1) // 2)))]
        await journal.append([Batch(0, epoch, [entry], snapshots if version == snapshot else ())])


@pytest.mark.parametrize("snapshot", [0, 3, 9], ids=["no snapshot", "an older one", "one of later"])
@pytest.mark.parametrize("first", [1, 5])
def test_states_are_those_at_the_entries_that_pass(first: int, snapshot: int) -> None:
    async def story() -> None:
        journal = MemoryJournal(shards=1)
        await count(journal, await journal.acquire(0), range(1, 11), snapshot)
        fold, seen = Fold(journal, KINDS), []
        for entry in await journal.read(0, first - 1):
            folded = await fold.before(0, entry)
            assert folded is not None
            seen.append(folded.state.total)
            for event in folded.events:
                folded.apply(event)
            fold.keep(folded, entry)
        assert seen == [version * (version - 1) // 2 for version in range(first, 11)]

    run(story())


def test_what_was_trimmed_has_no_state_and_what_follows_has() -> None:
    async def story() -> None:
        journal = MemoryJournal(shards=1)
        epoch = await journal.acquire(0)
        await count(journal, epoch, range(1, 6))
        entries = await journal.read(0, 0)
        await journal.append([Batch(0, epoch, [], checkpoint=b"")])
        await journal.trim(0, 4, [Snapshot(*CLOCK, 4, CODEC.encode_state(Tally(10)))])
        fold = Fold(journal, KINDS)
        assert await fold.before(0, entries[2]) is None
        folded = await fold.before(0, entries[4])
        assert folded is not None
        assert folded.state.total == 10

    run(story())


def test_a_state_that_was_applied_in_part_is_read_anew() -> None:
    async def story() -> None:
        journal = MemoryJournal(shards=1)
        await count(journal, await journal.acquire(0), range(1, 3))
        fold = Fold(journal, KINDS)
        _, second = await journal.read(0, 0)
        torn = await fold.before(0, second)
        assert torn is not None
        torn.apply(Counted(1_000))
        again = await fold.before(0, second)
        assert again is not None
        assert again.state.total == 1

    run(story())
