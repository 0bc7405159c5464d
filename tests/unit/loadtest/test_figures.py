"""From measurements to verdicts."""

import pytest

from loadtest.errors import LoadTestError
from loadtest.measurement import Figure, Measurement, median_of
from loadtest.targets import AtMost, Ratio, Result, judge
from loadtest.wrk import read_result

WRK_OUTPUT = """Running 8s test @ http://127.0.0.1:8000/v1/orders
  1 threads and 32 connections
Requests/sec:   2500.00
{"duration_us":2000000,"p50_us":1500,"p90_us":3000,"p99_us":9000,"max_us":20000,"unanswered":2,"statuses":{"201":4000,"503":10}}
"""


def measured(rate_per_s: float, **statuses: int) -> Measurement:
    counts = {int(name.removeprefix("s")): count for name, count in statuses.items()}
    return Measurement(8.0, rate_per_s, 1.0, 2.0, 3.0, 4.0, counts)


def figure(rate_per_s: float) -> Figure:
    return median_of([measured(rate_per_s)])


def test_only_the_counted_status_makes_the_rate() -> None:
    result = read_result(WRK_OUTPUT, counted_status=201)
    assert result.rate_per_s == 2000.0
    assert (result.p50_ms, result.p90_ms, result.p99_ms) == (1.5, 3.0, 9.0)
    assert result.statuses == {201: 4000, 503: 10}
    assert result.unanswered == 2


def test_a_driver_without_a_result_is_an_error() -> None:
    with pytest.raises(LoadTestError, match="no result"):
        read_result("unable to connect to 127.0.0.1", counted_status=201)


def test_rounds_become_a_median_but_every_odd_answer_stays_visible() -> None:
    found = median_of([measured(900, s201=9), measured(1000, s201=10, s503=1), measured(5000, s201=50)])
    assert (found.rate_per_s, found.lowest_rate_per_s, found.highest_rate_per_s) == (1000, 900, 5000)
    assert found.statuses == {201: 69, 503: 1}


@pytest.mark.parametrize(
    ("own", "rival", "result"),
    [(2000, 1000, Result.PASS), (1999, 1000, Result.FAIL), (2000, 0, Result.NOT_MEASURED)],
)
def test_a_ratio_is_judged_within_one_run(own: float, rival: float, result: Result) -> None:
    figures = {"doorbuster": {32: figure(own)}, "postgres": {32: figure(rival)}}
    (verdict,) = Ratio("doorbuster", "postgres", 2.0, (32,)).verdicts(figures)
    assert verdict.result is result


def test_a_latency_target_names_what_it_found() -> None:
    (verdict,) = AtMost("doorbuster", "p50", 0.5, 1, lambda found: found.p50_ms).verdicts(
        {"doorbuster": {1: figure(700)}}
    )
    assert (verdict.measured, verdict.result) == ("1.00 ms", Result.FAIL)


def test_targets_that_nobody_measured_are_named_as_such() -> None:
    assert {verdict.result for verdict in judge({})} == {Result.NOT_MEASURED}
