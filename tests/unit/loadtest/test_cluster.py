"""What the demonstration of a cluster counts, and what it changes of the commands that it was given."""

import pytest

from loadtest.buyer import CONFIRMED, Attempt
from loadtest.cluster import BOOTSTRAP, NO_DASHBOARD, SMALL_STORE, Purchase, lasting, row_of, small

HEAD = f"DOORBUSTER_GCS_REDIS=redis://r doorbuster node start --head -- --autoscaling-config={BOOTSTRAP}"


def purchase(sent_at: float, ended_at: float, *heard: str) -> Purchase:
    return Purchase(sent_at, Attempt("key", "/v1/orders", {}, CONFIRMED), list(heard), ended_at)


def test_a_row_counts_what_buyers_heard_while_it_lasted() -> None:
    told = [purchase(0, 1, "201"), purchase(9, 11, "503", "201"), purchase(12, 18, "TimeoutError", "201")]
    row = row_of("killed", told, since=10, until=20)
    assert (row.purchases, row.sent_again, row.slowest_s) == (2, 2, 6)
    assert row.heard == {"201": 2, "503": 1, "TimeoutError": 1}


def test_a_stall_is_the_longest_time_in_which_nobody_got_an_answer() -> None:
    told = [purchase(10, 10.5, "201"), purchase(11, 17, "201"), purchase(17, 17.5, "201")]
    assert row_of("killed", told, since=10, until=20).stall_s == pytest.approx(6.5)


def test_nodes_start_small_and_without_a_cloud() -> None:
    line = small(HEAD)
    assert line.startswith("DOORBUSTER_GCS_REDIS=redis://r doorbuster node start --head -- ")
    assert "autoscaling" not in line
    assert line.endswith(f"{SMALL_STORE} {NO_DASHBOARD}")
    assert small(HEAD, dashboard=True).endswith(SMALL_STORE)
    assert small("doorbuster node start --address $H") == f"doorbuster node start --address $H -- {SMALL_STORE}"


def test_the_books_are_read_where_nobody_is_killed() -> None:
    urls = ["http://10.77.0.2:8000", "http://10.77.0.3:8000"]
    assert lasting(urls, {"10.77.0.3"}) == urls[0]
    assert lasting(urls, {"10.77.0.2"}) == urls[1]
    assert lasting(urls, {"10.77.0.2", "10.77.0.3"}) == urls[0]


def test_other_commands_stay_as_they_are() -> None:
    assert small("doorbuster node stop --data /home/ray/shop") == "doorbuster node stop --data /home/ray/shop"
