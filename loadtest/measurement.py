"""What one measurement is, and how several rounds become one figure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measurement:
    """A stretch of closed-loop load; `rate_per_s` counts only the answers that the contender is measured by.

    Latencies are those of all answers, in milliseconds. `unanswered` requests were sent but got no answer in time.
    """

    seconds: float
    rate_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    statuses: Mapping[int, int] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True)
class Figure:
    """The median over rounds of each quantity, and the lowest and highest rate among them."""

    rounds: int
    rate_per_s: float
    lowest_rate_per_s: float
    highest_rate_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    statuses: Mapping[int, int]
    unanswered: int


def median_of(rounds: Sequence[Measurement]) -> Figure:
    """Each quantity's median by itself; statuses are summed, so that no error disappears in a median."""
    rates = [measured.rate_per_s for measured in rounds]
    statuses: dict[int, int] = {}
    for measured in rounds:
        for status, count in measured.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    return Figure(
        rounds=len(rounds),
        rate_per_s=statistics.median(rates),
        lowest_rate_per_s=min(rates),
        highest_rate_per_s=max(rates),
        p50_ms=statistics.median(measured.p50_ms for measured in rounds),
        p90_ms=statistics.median(measured.p90_ms for measured in rounds),
        p99_ms=statistics.median(measured.p99_ms for measured in rounds),
        statuses=statuses,
        unanswered=sum(measured.unanswered for measured in rounds),
    )
