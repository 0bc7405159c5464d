"""What the load tests of streams and pages make of what they see."""

import random

import pytest

from loadtest.browsing import visited
from loadtest.measurement import Measurement
from loadtest.streams import Listener, StreamsResult

BOUGHT = Measurement(seconds=10, rate_per_s=900, p50_ms=1, p90_ms=2, p99_ms=3, max_ms=4)


def test_a_listener_notes_when_each_quantity_came_however_it_is_cut() -> None:
    listener = Listener(b"")
    sent = b'id: 1\nevent: stock\ndata: {"in_stock":true,"available":12,"sku":"RETRO-CLOCK"}\n\n'
    for start in range(0, len(sent), 7):
        listener.data_received(sent[start : start + 7])
    listener.data_received(b": still here\n\n")
    assert (listener.is_open, listener.events, list(listener.heard_at)) == (True, 1, [b"12"])


@pytest.mark.parametrize(
    ("delays", "missed", "quick"), [([50.0] * 99 + [900.0], 0, False), ([50.0] * 100, 0, True), ([50.0] * 99, 1, False)]
)
def test_all_must_hear_and_99_of_100_in_time(delays: list[float], missed: int, quick: bool) -> None:
    result = StreamsResult(100, 1, delays, missed, BOUGHT, BOUGHT, 1_000)
    assert result.is_quick() is quick
    assert "1.0 times a second" in str(result)


def test_visitors_go_where_most_others_are() -> None:
    skus = [f"CLOCK-{number}" for number in range(100)]
    choice = random.Random(7)
    pages = [visited(choice, skus) for _ in range(2_000)]
    products = [page for page in pages if page.startswith("/v1/products/")]
    assert products.count("/v1/products/CLOCK-0") > len(products) / 4
    assert len(set(products)) > 50
