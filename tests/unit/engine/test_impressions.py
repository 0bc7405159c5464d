"""What was shown: each batch counts once, whoever repeats it, and nothing grows."""

import msgspec
import pytest

from engine.impressions import (
    BATCHES_KEPT,
    IMPRESSIONS,
    LEDGERS,
    MOST_IMPRESSIONS,
    MOST_SKUS,
    Impression,
    ImpressionsTaken,
    RecordImpressions,
    ledger_key,
)
from engine.kernel import Rejected

from .world import World

SHOWN = Impression(
    "list-1", 5, "champion", "item-knn", "3", "home", "browser-1", ("RETRO-CLOCK", "BRASS-LAMP"), 0.9, session="visit-1"
)
LEDGER = "ledger_0"


def test_a_batch_counts_once_and_a_retry_gets_its_first_answer() -> None:
    world = World()
    for batch in ((SHOWN, SHOWN), (SHOWN,)):
        answer = world.send("impressions", LEDGER, RecordImpressions("batch-1", batch))
        assert answer == ImpressionsTaken(2)
    assert len(world.journal["impressions", LEDGER]) == 1
    assert world.state("impressions", LEDGER).recorded == 2


def test_only_the_newest_batches_are_remembered() -> None:
    world = World()
    for number in range(BATCHES_KEPT + 5):
        world.send("impressions", LEDGER, RecordImpressions(f"batch-{number}", (SHOWN,)))
    state = world.state("impressions", LEDGER)
    assert len(state.batches) == BATCHES_KEPT
    assert next(iter(state.batches)) == "batch-5"


@pytest.mark.parametrize(
    "wrong",
    [
        RecordImpressions("", (SHOWN,)),
        RecordImpressions("b", ()),
        RecordImpressions("b", (SHOWN,) * (MOST_IMPRESSIONS + 1)),
        RecordImpressions("b", (msgspec.structs.replace(SHOWN, skus=("CLOCK",) * (MOST_SKUS + 1)),)),
        RecordImpressions("b", (msgspec.structs.replace(SHOWN, list_id=""),)),
        RecordImpressions("b", (msgspec.structs.replace(SHOWN, visitor="v" * 200),)),
        RecordImpressions("b", (msgspec.structs.replace(SHOWN, propensity=1.5),)),
    ],
)
def test_what_is_no_batch_is_refused(wrong: RecordImpressions) -> None:
    world = World()
    assert isinstance(world.send("impressions", LEDGER, wrong), Rejected)
    assert world.journal.get(("impressions", LEDGER), []) == []


def test_a_retry_comes_to_the_ledger_of_the_first_try() -> None:
    keys = {ledger_key(f"batch-{number}") for number in range(50)}
    assert len(keys) == LEDGERS
    assert ledger_key("batch-1") == ledger_key("batch-1")


def test_the_kind_is_known_by_its_name() -> None:
    assert IMPRESSIONS.name == "impressions"
    assert not IMPRESSIONS.has_work, "so that its old entries may go"
