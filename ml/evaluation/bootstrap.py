"""Intervals of means by the percentile bootstrap over groups (Efron and Tibshirani, 1993, chapter 13).

Groups (sessions, customers) are drawn with replacement, each with all its cases: cases of one group go together.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 1_000
AT_ONCE = 50
"""Resamples in memory at a time: counts of groups, 8 bytes each."""


class Interval(Struct, frozen=True):
    """A mean and where it lies with the confidence asked for."""

    value: float
    low: float
    high: float

    def apart_from(self, other: "Interval") -> bool:
        """Whether the intervals don't touch."""
        return self.low > other.high or self.high < other.low


class Resampled(Struct, frozen=True):
    """Means over all cases, and over each resample of the groups. Made with the same groups and seed, those of two
    models can be subtracted: each resample drew the same groups for both."""

    values: NDArray[np.float64]
    """Shape (columns,)."""
    drawn: NDArray[np.float64]
    """Shape (resamples, columns)."""

    def intervals(self, confidence: float = CONFIDENCE) -> list[Interval]:
        """One per column; 0 where no case had a figure."""
        tail = 100 * (1 - confidence) / 2
        known = ~np.isnan(self.values)
        bounds = np.zeros((3, len(self.values)))
        bounds[0, known] = self.values[known]
        if known.any():
            bounds[1:, known] = np.nanpercentile(self.drawn[:, known], [tail, 100 - tail], axis=0)
        return [Interval(*three) for three in bounds.T.tolist()]

    def less(self, other: "Resampled") -> "Resampled":
        """The paired difference."""
        return Resampled(self.values - other.values, self.drawn - other.drawn)


def resample(
    figures: NDArray[np.float64], group: NDArray[np.int64], seed: int, resamples: int = RESAMPLES
) -> Resampled:
    """Means of columns of figures, shape (cases, columns), NaN where a case has none, and of resamples of groups."""
    groups, place = np.unique(group, return_inverse=True)
    known = ~np.isnan(figures)
    summed = _by_group(np.where(known, figures, 0.0), place, len(groups))
    counted = _by_group(known.astype(np.float64), place, len(groups))
    dice = np.random.default_rng(seed)
    drawn = np.empty((resamples, figures.shape[1]))
    for first in range(0, resamples, AT_ONCE):
        times = _draws(dice, len(groups), min(AT_ONCE, resamples - first))
        drawn[first : first + len(times)] = _means(times @ summed, times @ counted)
    return Resampled(_means(summed.sum(axis=0), counted.sum(axis=0)), drawn)


def _draws(dice: np.random.Generator, groups: int, resamples: int) -> NDArray[np.float64]:
    """How often each group is in each resample."""
    drawn = dice.integers(groups, size=(resamples, groups))
    drawn += np.arange(resamples)[:, None] * groups
    return np.bincount(drawn.ravel(), minlength=resamples * groups).reshape(resamples, groups).astype(np.float64)


def _by_group(figures: NDArray[np.float64], place: NDArray[np.intp], groups: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(place, column, minlength=groups) for column in figures.T], axis=1)


def _means(summed: NDArray[np.float64], counted: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(summed, counted, out=np.full_like(summed, np.nan), where=counted > 0)
