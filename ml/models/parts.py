"""Models made of other models: naming them in a parameter, keeping them below one directory, and making one list of
their lists."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from ..model import NOTHING, Model, Ranked
from .library import make_model, model_class
from .ranking import best, empty_answer

FUSIONS = ("rank", "score")
FLAT = 60.0
"""In reciprocal rank fusion: how little the first places differ (Cormack, Clarke, Büttcher 2009)."""


def parts_of(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    """`repeats item-knn?together=customers&neighbours=50` as names and parameters. Raises ValueError."""
    parts: list[tuple[str, Mapping[str, Any]]] = []
    for word in text.split():
        name, _, query = word.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        parts.append((name, {key: _value(value) for key, value in pairs}))
    return parts


def make_parts(text: str) -> list[Model]:
    """These models, unfitted. Raises ModelUnknown, ParameterRefused, ValueError."""
    return [make_model(name, parameters) for name, parameters in parts_of(text)]


def weights_of(text: str, parts: int) -> list[float]:
    """`1 0.5` as one weight for each part; empty: all the same. Raises ValueError."""
    weights = [float(word) for word in text.split()] or [1.0] * parts
    if len(weights) != parts or min(weights) <= 0:
        raise ValueError(f"there are {parts} models, and each has a weight of more than 0")
    return weights


def save_parts(directory: Path, models: Sequence[Model]) -> None:
    """Each in a directory of its own."""
    for number, model in enumerate(models):
        part = directory / f"part-{number}"
        part.mkdir()
        model.save(part)


def load_parts(directory: Path, text: str) -> list[Model]:
    """Raises ArtifactDamaged, ModelUnknown."""
    return [model_class(name).load(directory / f"part-{number}") for number, (name, _) in enumerate(parts_of(text))]


def fused(lists: Sequence[Ranked], weights: Sequence[float], fusion: str, k: int) -> Ranked:
    """One list of several for each row. `rank`: by places alone; `score`: by scores, the best of each list taken for 1.
    The reason is that of the list which an item owes the most to."""
    answer = empty_answer(len(lists[0].items), k)
    for row in range(len(answer.items)):
        items = np.concatenate([ranked.items[row] for ranked in lists])
        points = np.concatenate([w * _points(each, row, fusion) for each, w in zip(lists, weights, strict=True)])
        because = np.concatenate([ranked.because[row] for ranked in lists])
        given = items != NOTHING
        _fuse_into(answer, row, items[given], points[given], because[given], k)
    return answer


def _fuse_into(
    answer: Ranked,
    row: int,
    items: NDArray[np.int32],
    points: NDArray[np.float64],
    because: NDArray[np.int32],
    k: int,
) -> None:
    found, place = np.unique(items, return_inverse=True)
    sums = np.bincount(place, points, len(found)).astype(np.float64)
    # The last one written stays: that with the most points, of equals the first model's.
    order = np.lexsort((-np.arange(len(points)), points))
    reasons = np.full(len(found), NOTHING, np.int32)
    reasons[place[order]] = because[order]
    chosen = best(sums, k)
    answer.items[row, : len(chosen)] = found[chosen]
    answer.scores[row, : len(chosen)] = sums[chosen]
    answer.because[row, : len(chosen)] = reasons[chosen]


def _points(ranked: Ranked, row: int, fusion: str) -> NDArray[np.float64]:
    scores = ranked.scores[row].astype(np.float64)
    if fusion == "rank":
        places: NDArray[np.float64] = FLAT + np.arange(1.0, len(scores) + 1)
        return 1.0 / places
    first = float(scores[0]) if len(scores) and scores[0] > 0 else 1.0
    points: NDArray[np.float64] = np.where(np.isfinite(scores), np.maximum(scores, 0.0), 0.0) / first
    return points


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float | bool) else text
