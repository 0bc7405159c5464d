"""Whether two variants differ by more than chance: rates and revenue per visit, with visitors as the witnesses.

Visitors were drawn, not visits, and visits of one visitor are alike; so the variance of a mean per visit is that of a
ratio of sums over visitors, by the delta method (Deng, Knoblich and Lu, Applying the Delta Method in Metric Analytics,
KDD 2018). Where every visitor has one visit it is the two-proportion z-test for rates, and Welch's test for revenue.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

FEWEST_VISITORS = 30
"""On each side: of fewer, a normal distribution says nothing."""
Z_95 = 1.959964


class Moments(NamedTuple):
    """Sums over visitors of what each did (`y`) in how many visits (`n`)."""

    visitors: int
    n: float
    nn: float
    y: float
    yy: float
    yn: float

    @property
    def mean(self) -> float:
        """Per visit."""
        return self.y / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of that mean."""
        if self.visitors < 2 or not self.n:
            return 0.0
        # Sum over visitors of (y - mean * n)^2: what is left of each after what its visits explain.
        left = self.yy - 2 * self.mean * self.yn + self.mean**2 * self.nn
        return max(left, 0.0) * self.visitors / (self.visitors - 1) / self.n**2


class Difference(Struct, frozen=True):
    """One measure of both, per visit, and how sure it is that they differ."""

    measure: str
    champion: float
    challenger: float
    difference: float
    """Challenger less champion, with the bounds of its 95 % interval."""
    low: float
    high: float
    p: float | None
    """How likely a difference as large would be if there was none; None: too few visitors to say."""


def difference_of(measure: str, champion: Moments, challenger: Moments) -> Difference:
    """Compare one measure of two variants."""
    difference = challenger.mean - champion.mean
    error = math.sqrt(champion.variance + challenger.variance)
    p = None
    if min(champion.visitors, challenger.visitors) >= FEWEST_VISITORS and error > 0:
        p = math.erfc(abs(difference) / error / math.sqrt(2))
    return Difference(
        measure,
        champion.mean,
        challenger.mean,
        difference,
        difference - Z_95 * error,
        difference + Z_95 * error,
        p,
    )


def moments_of(row: Sequence[float], measures: Sequence[str]) -> dict[str, Moments]:
    """From a row of sums: visitors, n, nn, then y, yy, yn of each measure."""
    visitors, n, nn, *sums = row
    return {
        measure: Moments(int(visitors), n, nn, *sums[place * 3 : place * 3 + 3])
        for place, measure in enumerate(measures)
    }
