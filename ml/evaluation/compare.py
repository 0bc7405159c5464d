"""Several models on the same cases: who beats whom, by paired differences. The promotion gate asks `beats`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from ..errors import NotComparable, ParameterRefused
from .bootstrap import CONFIDENCE, Interval
from .evaluate import Scored
from .measures import ACCURACY

MEASURE = "ndcg"
"""What decides where nothing else is said: it counts all that was right, and where in the list."""


class Decision(StrEnum):
    """Of a candidate against what serves now."""

    BEATS = "beats"
    """The whole interval of the difference is above the margin."""
    LOSES = "loses"
    """The whole interval is below zero."""
    UNDECIDED = "undecided"


class Verdict(Struct, frozen=True):
    """The decision and what it rests on."""

    decision: Decision
    measure: str
    k: int
    candidate: Interval
    reference: Interval
    difference: Interval
    """Paired: candidate less reference."""


class Comparison(Struct, frozen=True):
    """All models against one of them."""

    reference: str
    measure: str
    k: int
    verdicts: Mapping[str, Verdict]
    """By model, the best first; without the reference."""


def beats(
    candidate: Scored,
    reference: Scored,
    *,
    measure: str = MEASURE,
    k: int | None = None,
    margin: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Verdict:
    """Whether the candidate is better by more than the margin. Raises NotComparable, ParameterRefused."""
    column, k = _column(candidate, reference, measure, k)
    difference = candidate.resampled.less(reference.resampled).intervals(confidence)[column]
    if difference.low > margin:
        decision = Decision.BEATS
    elif difference.high < 0:
        decision = Decision.LOSES
    else:
        decision = Decision.UNDECIDED
    mine, theirs = (each.resampled.intervals(confidence)[column] for each in (candidate, reference))
    return Verdict(decision, measure, k, mine, theirs, difference)


def compare(
    scored: Mapping[str, Scored], reference: str, *, measure: str = MEASURE, k: int | None = None
) -> Comparison:
    """Every other model against the reference. Raises NotComparable, ParameterRefused."""
    if reference not in scored:
        raise ParameterRefused(f"There is no {reference} among {', '.join(scored)}.")
    verdicts = {
        name: beats(each, scored[reference], measure=measure, k=k) for name, each in scored.items() if name != reference
    }
    best_first = sorted(verdicts, key=lambda name: -verdicts[name].difference.value)
    return Comparison(
        reference, measure, k or scored[reference].evaluation.longest, {name: verdicts[name] for name in best_first}
    )


def _column(candidate: Scored, reference: Scored, measure: str, k: int | None) -> tuple[int, int]:
    mine, theirs = candidate.evaluation, reference.evaluation
    for fact in ("cases_fingerprint", "ks", "seed", "resamples"):
        if getattr(mine, fact) != getattr(theirs, fact):
            raise NotComparable(f"{mine.model} and {theirs.model} were measured with different {fact}.")
    ks: Sequence[int] = mine.ks
    k = k or mine.longest
    if measure not in ACCURACY or k not in ks:
        raise ParameterRefused(f"{measure}@{k} was not measured: {', '.join(ACCURACY)} at {list(ks)} were.")
    return list(ACCURACY).index(measure) * len(ks) + list(ks).index(k), k
