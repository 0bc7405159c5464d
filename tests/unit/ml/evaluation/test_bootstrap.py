"""Intervals are as wide as the data say, and differences of two models are narrower than each of them."""

import numpy as np

from ml.evaluation.bootstrap import Interval, resample


def test_an_interval_is_about_as_wide_as_theory_says() -> None:
    dice = np.random.default_rng(5)
    figures = dice.normal(10, 2, (900, 1))
    (interval,) = resample(figures, np.arange(900), seed=1).intervals()
    assert interval.low < interval.value < interval.high
    np.testing.assert_allclose(interval.high - interval.low, 2 * 1.96 * 2 / 30, rtol=0.15)


def test_cases_of_one_group_count_as_one_witness() -> None:
    figures = np.repeat(np.random.default_rng(5).normal(0, 1, (30, 1)), 30, axis=0)
    alone = resample(figures, np.arange(900), seed=1).intervals()[0]
    together = resample(figures, np.repeat(np.arange(30), 30), seed=1).intervals()[0]
    assert together.high - together.low > 4 * (alone.high - alone.low)


def test_the_same_seed_draws_the_same() -> None:
    figures = np.random.default_rng(5).normal(0, 1, (50, 2))
    first, second, other = (resample(figures, np.arange(50), seed) for seed in (1, 1, 2))
    assert (first.drawn == second.drawn).all()
    assert (first.drawn != other.drawn).any()


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    dice = np.random.default_rng(5)
    one = dice.normal(0, 1, (200, 1))
    better = one + 0.05 + dice.normal(0, 0.05, one.shape)
    first, second = resample(one, np.arange(200), 1), resample(better, np.arange(200), 1)
    assert not second.intervals()[0].apart_from(first.intervals()[0])
    assert second.less(first).intervals()[0].low > 0


def test_cases_without_a_figure_are_left_out_of_the_mean() -> None:
    figures = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, 4.0]])
    resampled = resample(figures, np.arange(3), 0, resamples=40)
    assert resampled.values.tolist() == [2.0, 4.0]


def test_intervals_that_touch_are_not_apart() -> None:
    assert not Interval(2, 1, 3).apart_from(Interval(4, 3, 5))
    assert Interval(2, 1, 2.9).apart_from(Interval(4, 3, 5))
