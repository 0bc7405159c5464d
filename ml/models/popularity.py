"""What is bought and looked at most, lately: the baseline that every model must beat."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import Dataset, Did
from ..model import NOTHING, Context, Ranked

DAY_MS = 86_400_000
WEIGHTS: Mapping[Did, float] = {
    Did.VIEW: 1.0,
    Did.CLICK: 1.5,
    Did.ADD: 4.0,
    Did.REMOVE: -2.0,
    Did.CHECKOUT: 5.0,
    Did.PURCHASE: 8.0,
}
"""What each says of an item, in views: as visitors' interests are counted, and a purchase above them all."""


class Popularity:
    """Everybody gets the same list: interactions weighted by what was done, half as much after `half_life_days`."""

    name: ClassVar[str] = "popularity"

    def __init__(self, half_life_days: float = 14.0) -> None:
        if half_life_days <= 0:
            raise ValueError("half_life_days is more than 0")
        self._half_life_days = half_life_days
        self._skus: Sequence[str] = ()
        self._order: NDArray[np.int32] = np.empty(0, np.int32)
        self._scores: NDArray[np.float32] = np.empty(0, np.float32)

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {"half_life_days": self._half_life_days}

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        if not len(data):
            raise NotEnoughData("There is nothing that anybody did.")
        age_days = (data.at[-1] - data.at) / DAY_MS
        weights = np.array([WEIGHTS[did] for did in Did])[data.did] * np.exp2(-age_days / self._half_life_days)
        totals = np.bincount(data.item, weights, minlength=len(data.items))
        self._order = np.argsort(-totals, kind="stable").astype(np.int32)
        self._scores = totals[self._order].astype(np.float32)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return self._same_for(len(contexts), k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        ranked = self._same_for(len(items), k + 1)
        kept = np.empty((len(items), k), np.int32)
        scores = np.empty((len(items), k), np.float32)
        for row, item in enumerate(items):
            others = np.flatnonzero(ranked.items[row] != item)[:k]
            kept[row], scores[row] = ranked.items[row, others], ranked.scores[row, others]
        return Ranked(kept, scores, np.full(kept.shape, NOTHING, np.int32))

    def save(self, directory: Path) -> None:
        save_arrays(directory, self.name, self.parameters, self._skus, {"order": self._order, "scores": self._scores})

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus, model._order, model._scores = saved.skus, saved.arrays["order"], saved.arrays["scores"]
        return model

    def _same_for(self, rows: int, k: int) -> Ranked:
        items = np.full(k, NOTHING, np.int32)
        scores = np.full(k, -np.inf, np.float32)
        found = min(k, len(self._order))
        items[:found], scores[:found] = self._order[:found], self._scores[:found]
        because = np.full((rows, k), NOTHING, np.int32)
        return Ranked(np.tile(items, (rows, 1)), np.tile(scores, (rows, 1)), because)
