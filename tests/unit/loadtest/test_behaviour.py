"""What the load test of behaviour says of the lake: each acknowledged event once, and nothing less or more."""

import json
from collections.abc import Mapping, Sequence

import pytest

from loadtest.behaviour import Told, Visitors, compared
from serve.api.behaviour import decode_events_request, is_common


@pytest.mark.parametrize(
    ("found", "missing", "doubled"),
    [
        ({"1": (50, 50), "2": (50, 50)}, 0, 0),
        ({"1": (50, 50)}, 50, 0),
        ({"1": (50, 50), "2": (49, 49)}, 1, 0),
        ({"1": (51, 50), "2": (50, 50)}, 0, 1),
        ({"1": (50, 50), "2": (50, 50), "3": (50, 50)}, 0, 0),
        ({"1": (50, 50), "2": (50, 50), "3": (51, 50)}, 0, 1),
    ],
    ids=["all", "a batch is gone", "an event is gone", "one is doubled", "more than told", "more, and doubled"],
)
def test_the_lake_is_held_to_what_was_acknowledged(
    found: Mapping[str, Sequence[int]], missing: int, doubled: int
) -> None:
    assert compared(found, {1, 2}, 50) == (missing, doubled)


def test_batches_are_in_the_common_form_and_no_id_comes_twice() -> None:
    visitors = Visitors("http://shop", ["RETRO-CLOCK"], per_second=100, batch_events=50, visitors=3)
    batches = [decode_events_request(visitors.body(number)) for number in range(4)]
    assert all(is_common(batch) for batch in batches)
    assert len({event.id for batch in batches for event in batch.events}) == 200
    assert len({batch.anonymous_id for batch in batches}) == 3
    assert json.loads(visitors.body(0))["events"][0]["id"] == f"{visitors.run}.0.0"


def test_figures_name_what_failed() -> None:
    told = Told(50, 10.0, [1.0, 2.0, 100.0], {1, 2}, {"503": 1})
    assert str(told) == "10 events/s, 202 after p50 2.0 ms, p99 100.0 ms, 1 x 503"
