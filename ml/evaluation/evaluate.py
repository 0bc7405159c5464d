"""Measure a fitted model on a split: full ranking, intervals, segments, speed, and popularity beside it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData, ParameterRefused
from ..interactions import Dataset
from ..model import NOTHING, Context, Model
from ..models.popularity import Popularity
from .bootstrap import CONFIDENCE, RESAMPLES, Resampled, resample
from .cases import Cases
from .figures import DataWindow, Evaluation, SegmentFigures, Speed
from .leakage import Fitted, check
from .measures import ACCURACY, Found, coverage, diversity, found, novelty
from .segments import Segment, segments_of
from .split import Split, shown

KS = (5, 10, 20)
CHUNK = 1_024
"""Contexts per call of the model."""
SINGLES = 100
"""Contexts that are also asked one by one, for the time that one answer takes."""

Progress = Callable[[int, int], None]
"""Told how many cases of how many are done."""


@dataclass(frozen=True)
class Question:
    """What is measured, on which cases, by whose counts."""

    cases: Cases
    train: Dataset
    """Popularity, novelty, head and tail come from here."""
    data: DataWindow
    task: str = "next-item"
    ks: Sequence[int] = KS
    seed: int = 0
    resamples: int = RESAMPLES
    confidence: float = CONFIDENCE

    def of(self, cases: Cases) -> "Question":
        """The same of other cases."""
        return replace(self, cases=cases)


@dataclass(frozen=True)
class Scored:
    """An evaluation with what comparing it needs, which no JSON has room for."""

    evaluation: Evaluation
    resampled: Resampled
    """Of the columns `measure x k`, in the order of ACCURACY and `ks`."""


def question_of(parted: Split, *, ks: Sequence[int] = KS, seed: int = 0, resamples: int = RESAMPLES) -> Question:
    """All cases of a split."""
    learned = parted.train
    data = DataWindow(
        learned.source.get("source", ""),
        learned.source.get("from", ""),
        learned.source.get("to", ""),
        shown(parted.window.at),
        shown(parted.window.until),
        learned.fingerprint,
        len(learned),
        len(learned.items),
        parted.straddling,
    )
    return Question(parted.cases, learned, data, str(parted.task), ks, seed, resamples)


def evaluate_split(model: Model, parted: Split, fitted: Fitted | None = None, **options: Any) -> Evaluation:
    """Check that nothing leaked, then measure. `fitted`: what the model learned from, by default the split's part for
    it; `options`: of `question_of`. Raises Leaked, NotEnoughData, ParameterRefused."""
    check(fitted or Fitted(parted.train), parted)
    return evaluate(model, question_of(parted, **options)).evaluation


def evaluate(model: Model, question: Question, progress: Progress | None = None) -> Scored:
    """Ask the model for every case, and measure its lists beside popularity's. The model is fitted, on nothing of the
    window: `leakage.check` is the caller's. Raises NotEnoughData, ParameterRefused."""
    if not len(question.cases):
        raise NotEnoughData("There is no case to be right or wrong in.")
    if not question.ks or min(question.ks) < 1 or list(question.ks) != sorted(set(question.ks)):
        raise ParameterRefused(f"Lengths of lists are whole, from 1, rising, each once: not {list(question.ks)}.")
    baseline = Popularity()
    baseline.fit(question.train)
    theirs = _measured(baseline, question, None)
    mine = _measured(model, question, progress)
    return Scored(_evaluation(model, question, mine, theirs), mine.resampled)


@dataclass(frozen=True)
class _Measured:
    lists: NDArray[np.int32]
    resampled: Resampled
    beyond: Mapping[str, Resampled]
    """What isn't accuracy: novelty, diversity."""
    segments: Mapping[str, Segment]
    in_segments: Resampled
    speed: Speed


def _measured(model: Model, question: Question, progress: Progress | None) -> _Measured:
    cases, ks = question.cases, question.ks
    lists, speed = _lists(model, question, progress)
    counts = np.bincount(question.train.item, minlength=len(cases.items))

    def drawn(figures: NDArray[np.float64]) -> Resampled:
        return resample(figures, cases.group, question.seed, question.resamples)

    beyond = {"novelty": drawn(novelty(lists, counts, ks))}
    if len(cases.items.categories):
        numbers = np.unique(np.array(cases.items.categories), return_inverse=True)[1]
        beyond["diversity"] = drawn(diversity(lists, numbers, ks))
    segments = segments_of(cases, counts)
    figures = _accuracy(found(lists, cases.truths), ks)
    return _Measured(
        lists, drawn(figures), beyond, segments, drawn(_by_segment(lists, segments, max(ks), len(cases))), speed
    )


def _evaluation(model: Model, question: Question, mine: _Measured, theirs: _Measured) -> Evaluation:
    cases, ks = question.cases, list(question.ks)

    def measures(measured: _Measured) -> dict[str, Any]:
        named = _named(measured.resampled, ks, question.confidence)
        return {**named, **{name: each.intervals(question.confidence) for name, each in measured.beyond.items()}}

    in_segments = mine.in_segments.intervals(question.confidence)
    parts = {
        name: SegmentFigures(
            len(segment.cases),
            dict(zip(ACCURACY, in_segments[place * len(ACCURACY) : (place + 1) * len(ACCURACY)], strict=True)),
        )
        for place, (name, segment) in enumerate(mine.segments.items())
    }
    return Evaluation(
        model=model.name,
        parameters=dict(model.parameters),
        task=question.task,
        ks=ks,
        cases=len(cases),
        groups=len(np.unique(cases.group)),
        cases_fingerprint=cases.fingerprint,
        measures=measures(mine),
        coverage=coverage(mine.lists, len(cases.items), ks),
        segments=parts,
        baseline=measures(theirs),
        baseline_coverage=coverage(theirs.lists, len(cases.items), ks),
        above_baseline=_named(mine.resampled.less(theirs.resampled), ks, question.confidence),
        share_by_rank=_share_by_rank(mine.lists),
        data=question.data,
        speed=mine.speed,
        confidence=question.confidence,
        resamples=question.resamples,
        seed=question.seed,
    )


def _accuracy(hit: Found, ks: Sequence[int]) -> NDArray[np.float64]:
    return np.concatenate([measure(hit, ks) for measure in ACCURACY.values()], axis=1)


def _by_segment(lists: NDArray[np.int32], segments: Mapping[str, Segment], k: int, cases: int) -> NDArray[np.float64]:
    """Columns `segment x measure`, NaN for cases that aren't in it."""
    columns = np.full((cases, len(segments) * len(ACCURACY)), np.nan)
    for place, segment in enumerate(segments.values()):
        mine = slice(place * len(ACCURACY), (place + 1) * len(ACCURACY))
        columns[segment.cases, mine] = _accuracy(found(lists[segment.cases], segment.truths), [k])
    return columns


def _named(resampled: Resampled, ks: Sequence[int], confidence: float) -> dict[str, Any]:
    intervals = resampled.intervals(confidence)
    return {name: intervals[place * len(ks) : (place + 1) * len(ks)] for place, name in enumerate(ACCURACY)}


def _share_by_rank(lists: NDArray[np.int32]) -> list[float]:
    times = np.sort(np.unique(lists[lists != NOTHING], return_counts=True)[1])[::-1]
    if not len(times):
        return []
    shares = np.cumsum(times) / times.sum()
    ranks = [2**power for power in range(int(np.log2(len(times))) + 1)]
    return [float(shares[rank - 1]) for rank in ranks]


def _lists(model: Model, question: Question, progress: Progress | None) -> tuple[NDArray[np.int32], Speed]:
    """What the model recommends in each case, by the indices of the cases' catalogue."""
    cases, k = question.cases, max(question.ks)
    told = _Translation(model, cases)
    lists = np.full((len(cases), k), NOTHING, np.int32)
    seconds = 0.0
    for first in range(0, len(cases), CHUNK):
        asked = [told.asked(context) for context in cases.contexts[first : first + CHUNK]]
        # Who is only to be told new items is given as many more as they have bought: enough, whatever comes first.
        more = max((len(set(context.history)) for context in asked), default=0) if cases.only_new else 0
        began = time.perf_counter()
        ranked = model.recommend(asked, k + more)
        seconds += time.perf_counter() - began
        answered = told.answered(ranked.items)
        for row, context in enumerate(cases.contexts[first : first + CHUNK]) if cases.only_new else ():
            answered[row] = _without(answered[row], context.history)
        lists[first : first + len(asked)] = answered[:, :k]
        if progress:
            progress(min(first + CHUNK, len(cases)), len(cases))
    return lists, _speed(model, [told.asked(context) for context in cases.contexts[:SINGLES]], k, len(cases), seconds)


def _speed(model: Model, singles: Sequence[Context], k: int, asked: int, seconds: float) -> Speed:
    took = []
    for context in singles:
        began = time.perf_counter()
        model.recommend([context], k)
        took.append(1_000 * (time.perf_counter() - began))
    p50, p99 = np.percentile(took, [50, 99])
    return Speed(seconds, asked / max(seconds, 1e-9), float(p50), float(p99))


def _without(items: NDArray[np.int32], known: Sequence[int]) -> NDArray[np.int32]:
    kept = items[~np.isin(items, np.array(known, np.int32))]
    return np.concatenate((kept, np.full(len(items) - len(kept), NOTHING, np.int32)))


class _Translation:
    """Between the catalogue of the cases and that of the model, which may be of another day."""

    def __init__(self, model: Model, cases: Cases) -> None:
        self._same = list(model.skus) == list(cases.items.skus)
        if self._same:
            return
        theirs = {sku: place for place, sku in enumerate(model.skus)}
        mine = {sku: place for place, sku in enumerate(cases.items.skus)}
        self._to_model = {mine[sku]: place for sku, place in theirs.items() if sku in mine}
        self._from_model = np.array([*(mine.get(sku, NOTHING) for sku in model.skus), NOTHING], np.int32)

    def asked(self, context: Context) -> Context:
        """The context as the model knows it: without what it doesn't."""
        if self._same:
            return context
        known = self._to_model
        bought = list(zip(context.history, context.history_at or [0] * len(context.history), strict=True))
        bought = [(known[item], at) for item, at in bought if item in known]
        return Context(
            [known[item] for item in context.session if item in known],
            [item for item, _ in bought],
            [known[item] for item in context.basket if item in known],
            [at for _, at in bought] if context.history_at else (),
            context.at,
        )

    def answered(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """Lists by the cases' indices. A place with an item that the cases don't have stays empty: it is wrong."""
        return items.copy() if self._same else self._from_model[items]
