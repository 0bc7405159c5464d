"""What an evaluation found: figures with intervals, and what they are figures of. JSON by msgspec."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from .bootstrap import Interval


class DataWindow(Struct, frozen=True):
    """What was learned from and what was to be predicted."""

    source: str
    learned_from: str
    learned_to: str
    asked_from: str
    asked_to: str
    fingerprint: str
    """Of the interactions that were learned from."""
    interactions: int
    items: int
    straddling: int = 0
    """Sessions that were left out, as they began before the window and went on in it."""


class Speed(Struct, frozen=True):
    """How fast it answered in this process."""

    seconds: float
    per_second: float
    """Contexts, asked in chunks."""
    single_p50_ms: float
    single_p99_ms: float
    """One context at a time."""


class SegmentFigures(Struct, frozen=True):
    """One part of the cases, at the longest k."""

    cases: int
    measures: Mapping[str, Interval]


class Evaluation(Struct, frozen=True, kw_only=True):
    """How good one model is on one window, beside popularity on the same."""

    model: str
    parameters: Mapping[str, str | int | float | bool]
    task: str
    ks: Sequence[int]
    cases: int
    groups: int
    cases_fingerprint: str
    measures: Mapping[str, Sequence[Interval]]
    """By name, in the order of `ks`; so are all the sequences here."""
    coverage: Sequence[float]
    segments: Mapping[str, SegmentFigures]
    baseline: Mapping[str, Sequence[Interval]]
    """Popularity's, on the same cases."""
    baseline_coverage: Sequence[float]
    above_baseline: Mapping[str, Sequence[Interval]]
    """The model's less popularity's, paired: where the interval is above 0, the model is better."""
    share_by_rank: Sequence[float]
    """Of all recommended places, the share that went to the most recommended items: the 1st, the first 2, 4, 8, ..."""
    data: DataWindow
    speed: Speed
    confidence: float
    resamples: int
    seed: int

    @property
    def longest(self) -> int:
        return max(self.ks)

    def at(self, measure: str, k: int) -> Interval:
        """One figure; KeyError or ValueError where it wasn't measured."""
        return self.measures[measure][list(self.ks).index(k)]

    def flat(self) -> dict[str, float]:
        """Figures by one name each, as registries keep them: `ndcg_at_10`, `coverage_at_10`."""
        named = {
            f"{measure}_at_{k}": interval.value
            for measure, each in self.measures.items()
            for k, interval in zip(self.ks, each, strict=True)
        }
        covered = {f"coverage_at_{k}": share for k, share in zip(self.ks, self.coverage, strict=True)}
        return {**named, **covered, "per_second": self.speed.per_second}


def write_json(figures: Any, path: Path) -> None:
    """Readable and always in the same order."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures, order="sorted"), indent=2) + b"\n")


def read_evaluation(path: Path) -> Evaluation:
    """Raises msgspec.ValidationError where it is none."""
    return msgspec.json.decode(path.read_bytes(), type=Evaluation)
