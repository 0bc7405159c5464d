"""What a process tells of what it showed: everything once, in the end, or it is counted as lost."""

import asyncio
from collections.abc import Sequence

import pytest

from actors.errors import Unavailable
from engine.impressions import IMPRESSIONS, MOST_IMPRESSIONS, Impression
from engine.kernel import Command, Reply
from serve.recommendations.impressions import MOST_BUFFERED, Impressions
from serve.recommendations.ledger import EntityLedger


class Ledgers:
    """Entities that hear every command, and whose answers get lost while `away`."""

    def __init__(self) -> None:
        self.states: dict[str, object] = {}
        self.away = False
        self.recorded: list[Impression] = []

    async def send(self, _kind: str, key: str, command: Command) -> Reply:
        state = self.states.setdefault(key, IMPRESSIONS.new(key))
        outcome = IMPRESSIONS.decide(state, command, 0)
        for event in getattr(outcome, "events", ()):
            IMPRESSIONS.apply(state, event)
            self.recorded += event.impressions
        if self.away:
            raise Unavailable("no answer")
        return getattr(outcome, "answer", outcome)  # type: ignore[no-any-return]


def impression(number: int, skus: Sequence[str] = ("RETRO-CLOCK",)) -> Impression:
    return Impression(f"list-{number}", number, "champion", "item-knn", "3", "home", "browser-1", tuple(skus), 1.0)


@pytest.fixture
def ledgers() -> Ledgers:
    return Ledgers()


def test_what_was_told_without_an_answer_counts_once(ledgers: Ledgers) -> None:
    buffer = Impressions(EntityLedger(ledgers))
    buffer.add(impression(1))
    ledgers.away = True
    asyncio.run(buffer.tell())
    # More comes before it is told again: the first batch is told as it was.
    buffer.add(impression(2))
    ledgers.away = False
    asyncio.run(buffer.tell())
    assert [each.list_id for each in ledgers.recorded] == ["list-1", "list-2"]
    assert (buffer.recorded, buffer.lost) == (2, 0)


def test_a_rush_is_told_in_batches_and_what_has_no_room_is_counted(ledgers: Ledgers) -> None:
    buffer = Impressions(EntityLedger(ledgers))
    for number in range(MOST_BUFFERED + 3):
        buffer.add(impression(number))
    asyncio.run(buffer.tell())
    assert len(ledgers.recorded) == buffer.recorded == MOST_BUFFERED
    assert sum(len(state.batches) for state in ledgers.states.values()) == MOST_BUFFERED / MOST_IMPRESSIONS  # type: ignore[attr-defined]
    assert buffer.lost == 3


def test_what_can_never_be_recorded_does_not_stand_in_the_way(ledgers: Ledgers) -> None:
    buffer = Impressions(EntityLedger(ledgers))
    buffer.add(impression(1, ["RETRO-CLOCK"] * 1_000))
    asyncio.run(buffer.tell())
    buffer.add(impression(2))
    asyncio.run(buffer.tell())
    assert [each.list_id for each in ledgers.recorded] == ["list-2"]
    assert (buffer.recorded, buffer.lost) == (1, 1)
