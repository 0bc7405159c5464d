"""A recommender of one's own: one class, and its import path in a command.

What did visitors look at next? Counted for each product, that is a Markov chain: a quarter of an hour of work, and
often better than one would think.

    doorbuster ml compare session-knn examples.own_recommender:NextStep --source "$SOURCE"
    doorbuster ml train examples.own_recommender:NextStep --source "$SOURCE" --out trained/next-step

A class like this one needs nothing else of the project than what is imported here. It may stand in any file that the
command and the shop can import: a package that is installed, or a directory in PYTHONPATH.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ml.arrays import load_arrays, save_arrays
from ml.errors import NotEnoughData
from ml.interactions import Dataset
from ml.model import NOTHING, Context, Ranked


class NextStep:
    """What followed an item in visits, one or two steps later; for whoever has done nothing yet, what is popular."""

    name: ClassVar[str] = "next-step"

    def __init__(self, steps: int = 2, decay: float = 0.5) -> None:
        if steps < 1 or not 0 < decay <= 1:
            raise ValueError("steps is 1 or more, and decay more than 0 and at most 1")
        self._steps = steps
        self._decay = decay
        self._skus: Sequence[str] = ()
        self._follows: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._popular: NDArray[np.float32] = np.empty(0, np.float32)

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {"steps": self._steps, "decay": self._decay}

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        if not len(data):
            raise NotEnoughData("Nobody has looked at anything.")
        count = len(data.items)
        # A matrix of all pairs: fine for some thousands of products. The models that ship keep the nearest only.
        self._follows = np.zeros((count, count), np.float32)
        visits = data.by_session
        visit_of = np.repeat(np.arange(len(visits)), np.diff(visits.starts))
        for step in range(1, self._steps + 1):
            same = visit_of[:-step] == visit_of[step:]
            np.add.at(self._follows, (visits.items[:-step][same], visits.items[step:][same]), self._decay ** (step - 1))
        np.fill_diagonal(self._follows, 0.0)
        self._popular = np.bincount(data.item, minlength=count).astype(np.float32)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return self._ranked([self._scores(context) for context in contexts], k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        rows = []
        for item in items:
            scores = self._follows[item] + self._follows[:, item]
            scores[item] = 0.0
            rows.append((scores, np.full(len(self._skus), NOTHING)))
        return self._ranked(rows, k)

    def save(self, directory: Path) -> None:
        arrays = {"follows": self._follows, "popular": self._popular}
        save_arrays(directory, self.name, self.parameters, self._skus, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus = saved.skus
        model._follows, model._popular = saved.arrays["follows"], saved.arrays["popular"]
        return model

    def _scores(self, context: Context) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Of each item, and which of the context spoke most for it: the last steps of a visit count, else the past."""
        last = [*context.history[-3:], *context.basket, *context.session][-3:]
        if not last:
            return self._popular, np.full(len(self._popular), NOTHING)
        weights = self._decay ** np.arange(len(last) - 1, -1, -1, dtype=np.float32)
        each = self._follows[last] * weights[:, None]
        return each.sum(axis=0), np.asarray(last)[each.argmax(axis=0)]

    @staticmethod
    def _ranked(rows: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], k: int) -> Ranked:
        """The best of each row, as promised: the rest is NOTHING."""
        items = np.full((len(rows), k), NOTHING, np.int32)
        scores = np.full((len(rows), k), -np.inf, np.float32)
        because = np.full((len(rows), k), NOTHING, np.int32)
        for row, (score, reason) in enumerate(rows):
            best = np.argsort(-score, kind="stable")[:k]
            best = best[score[best] > 0]
            items[row, : len(best)], scores[row, : len(best)] = best, score[best]
            because[row, : len(best)] = reason[best]
        return Ranked(items, scores, because)
