"""Differences between variants: the tests of textbooks where visitors come once, and wider where they come often."""

import math

import numpy as np
import pytest

from ml.online.significance import FEWEST_VISITORS, Moments, difference_of, moments_of


def moments(y: "np.ndarray", n: "np.ndarray") -> Moments:  # type: ignore[type-arg]
    return Moments(len(y), n.sum(), (n * n).sum(), y.sum(), (y * y).sum(), (y * n).sum())


def once(y: list[float]) -> Moments:
    return moments(np.array(y, float), np.ones(len(y)))


def test_rates_of_visitors_who_come_once_are_compared_by_the_two_proportion_test() -> None:
    champion, challenger = once([1] * 40 + [0] * 360), once([1] * 70 + [0] * 330)
    told = difference_of("click_through", champion, challenger)
    p1, p2 = 0.1, 0.175
    error = math.sqrt(p1 * (1 - p1) / 399 + p2 * (1 - p2) / 399)
    assert told.difference == pytest.approx(0.075)
    assert told.p == pytest.approx(math.erfc(0.075 / error / math.sqrt(2)))
    assert told.low == pytest.approx(0.075 - 1.959964 * error)


def test_revenue_of_visitors_who_come_once_is_compared_by_welchs_test() -> None:
    dice = np.random.default_rng(3)
    one, other = dice.exponential(1_000, 300), dice.exponential(1_100, 200)
    told = difference_of("revenue", once(one.tolist()), once(other.tolist()))
    error = math.sqrt(one.var(ddof=1) / 300 + other.var(ddof=1) / 200)
    assert told.high - told.low == pytest.approx(2 * 1.959964 * error)


def test_visits_of_one_visitor_are_one_witness() -> None:
    alike = moments(np.array([10.0, 0.0] * 50), np.full(100, 10.0))
    often = once([1.0] * 500 + [0.0] * 500)
    assert alike.mean == often.mean == 0.5
    assert alike.variance > 9 * often.variance


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    dice = np.random.default_rng(11)
    held = 0
    for _ in range(400):
        sides = []
        for _ in range(2):
            visits = dice.integers(1, 5, 150)
            taste = dice.beta(2, 8, 150)
            sides.append(moments(dice.binomial(visits, taste).astype(float), visits.astype(float)))
        told = difference_of("click_through", *sides)
        held += told.low <= 0 <= told.high
    assert 0.92 <= held / 400 <= 0.98


def test_of_too_few_visitors_nothing_is_said() -> None:
    few = once([1.0, 0.0] * (FEWEST_VISITORS // 2 - 1))
    assert difference_of("purchase", few, once([0.0, 1.0] * 100)).p is None
    assert difference_of("purchase", Moments(0, 0, 0, 0, 0, 0), few).champion == 0.0


def test_sums_are_told_apart_by_measure() -> None:
    found = moments_of((2, 3, 5, 1, 1, 2, 40, 1_600, 80), ("click_through", "revenue"))
    assert found["revenue"] == Moments(2, 3, 5, 40, 1_600, 80)
