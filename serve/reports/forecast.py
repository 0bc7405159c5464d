"""Demand by week: a few plain methods, and for each series the one that erred least on weeks it had not seen.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (exponential smoothing); Croston 1972 with the
Syntetos-Boylan correction for demand that mostly is zero.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

HELD_OUT = 4
"""Weeks at the end that a method is judged by without having seen them."""
AHEAD = 4
"""Weeks that are foretold."""
FEWEST_WEEKS = 2 * HELD_OUT
"""Below that nothing is held out: the mean is told, with no error."""

Method = Callable[[Sequence[int]], float]


class Forecast(NamedTuple):
    """Units of the coming weeks; the errors are None where the history is too short to hold weeks out, or was empty."""

    units: Sequence[float]
    method: str
    error: float | None
    naive_error: float | None


def naive(history: Sequence[int]) -> float:
    """As last week."""
    return float(history[-1])


def mean(history: Sequence[int]) -> float:
    """As always."""
    return sum(history) / len(history)


def moving_average(history: Sequence[int]) -> float:
    """As in the last eight weeks."""
    return mean(history[-8:])


def smoothed(weight: float) -> Method:
    """Simple exponential smoothing."""

    def method(history: Sequence[int]) -> float:
        level = float(history[0])
        for units in history[1:]:
            level += weight * (units - level)
        return level

    return method


def croston(history: Sequence[int]) -> float:
    """For demand with many weeks of nothing: size and interval smoothed by themselves, corrected for their bias."""
    weight, size, interval, since = 0.1, 0.0, 1.0, 1
    for units in history:
        if not units:
            since += 1
            continue
        size = float(units) if not size else size + weight * (units - size)
        interval += weight * (since - interval)
        since = 1
    return (1 - weight / 2) * size / interval


METHODS: Mapping[str, Method] = {
    "last-week": naive,
    "mean": mean,
    "eight-weeks": moving_average,
    "smoothed-0.2": smoothed(0.2),
    "smoothed-0.5": smoothed(0.5),
    "croston-sba": croston,
}


def forecast(history: Sequence[int]) -> Forecast:
    """The coming weeks of a series of units by week, without gaps, the oldest first and at least one."""
    if len(history) < FEWEST_WEEKS:
        return Forecast([mean(history)] * AHEAD, "mean", None, None)
    errors = {name: _error(method, history) for name, method in METHODS.items()}
    best = min(errors, key=errors.__getitem__)
    sold = sum(history[-HELD_OUT:])
    shares = [errors[name] / sold if sold else None for name in (best, "last-week")]
    return Forecast([max(0.0, METHODS[best](history))] * AHEAD, best, shares[0], shares[1])


def _error(method: Method, history: Sequence[int]) -> float:
    """The summed absolute error of foretelling all held out weeks from those before them."""
    told = max(0.0, method(history[:-HELD_OUT]))
    return sum(abs(units - told) for units in history[-HELD_OUT:])
