"""Gradient boosting (scikit-learn) over the candidates of other models: learns whom to believe about what.

Trained on what happened after the candidates' models were made: for each of several past windows they are fitted on
what was before it, and the trees learn which candidates were bought in it. Then the models are fitted on everything.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import Dataset
from ..model import Context, Model, Ranked
from . import trees as trees_module
from .features import DAY_MS, Candidates, Columns, Selling, candidates_of, features_of, selling_of
from .parts import fused, load_parts, make_parts, save_parts
from .ranking import best, empty_answer

WINDOWS_AND_MORE = 3
"""Of the time that the data span, windows may take all but as much as this many: the models need a past."""
SMALLEST_LEAF = 100
"""Candidates; of few, a twentieth."""


class Examples(NamedTuple):
    features: Columns
    right: NDArray[np.bool_]
    weights: NDArray[np.float64]


class Ranker:
    """`models` names the candidates' models as commands do; of each, the first `depth` are candidates. `windows` of
    `window_days` each are learned from, the latest ones that the data have."""

    name: ClassVar[str] = "ranker"

    def __init__(
        self,
        models: str = "repeats ease item-knn?together=customers&weights=bm25&decay=1.0",
        depth: int = 80,
        windows: int = 5,
        window_days: float = 30.0,
        trees: int = 150,
        leaves: int = 31,
        learning_rate: float = 0.06,
        seed: int = 1,
    ) -> None:
        self._parts: Sequence[Model] = make_parts(models)
        if not self._parts or depth < 1 or windows < 1 or window_days <= 0:
            raise ValueError("models names at least one; depth and windows are at least 1, window_days more than 0")
        if trees < 1 or leaves < 2 or learning_rate <= 0:
            raise ValueError("trees is at least 1, leaves at least 2, learning_rate more than 0")
        self._models, self._depth, self._windows, self._window_days = models, depth, windows, window_days
        self._trees, self._leaves, self._learning_rate, self._seed = trees, leaves, learning_rate, seed
        self._skus: Sequence[str] = ()
        self._grown: trees_module.Trees | None = None
        self._selling: Selling | None = None

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "models": self._models, "depth": self._depth, "windows": self._windows, "window_days": self._window_days,
            "trees": self._trees, "leaves": self._leaves, "learning_rate": self._learning_rate, "seed": self._seed,
        }  # fmt: skip

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        if not len(data):
            raise NotEnoughData("There is nothing that anybody did.")
        self._grown = self._learned(data)
        for part in self._parts:
            part.fit(data)
        self._selling = selling_of(data)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        assert self._grown is not None
        assert self._selling is not None, "a model is asked after it was fitted"
        answer = empty_answer(len(contexts), k)
        for row, (context, candidates) in enumerate(zip(contexts, self._candidates(contexts), strict=True)):
            if not len(candidates.items):
                continue
            scores = trees_module.predict(self._grown, features_of(context, candidates, self._selling))
            chosen = best(scores, k)
            answer.items[row, : len(chosen)] = candidates.items[chosen]
            answer.scores[row, : len(chosen)] = scores[chosen]
            answer.because[row, : len(chosen)] = candidates.because[chosen]
        return answer

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        """Without a customer there is nothing to rank by: the models' lists as one."""
        lists = [part.similar(items, max(self._depth, k)) for part in self._parts]
        return fused(lists, [1.0] * len(lists), "score", k)

    def save(self, directory: Path) -> None:
        assert self._grown is not None
        assert self._selling is not None, "a model is saved after it was fitted"
        save_parts(directory, self._parts)
        arrays = {**self._grown.arrays(), **self._selling.arrays()}
        save_arrays(directory, self.name, self.parameters, self._skus, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus = saved.skus
        model._grown = trees_module.trees_of(saved.arrays)
        model._selling = Selling(*(saved.arrays[name] for name in Selling._fields))
        model._parts = load_parts(directory, model._models)
        return model

    def _candidates(self, contexts: Sequence[Context]) -> list[Candidates]:
        lists = [part.recommend(contexts, self._depth) for part in self._parts]
        return [candidates_of(lists, row) for row in range(len(contexts))]

    def _learned(self, data: Dataset) -> trees_module.Trees:
        from sklearn.ensemble import HistGradientBoostingClassifier

        examples = self._examples(data)
        boosting = HistGradientBoostingClassifier(
            learning_rate=self._learning_rate, max_iter=self._trees, max_leaf_nodes=self._leaves,
            min_samples_leaf=min(SMALLEST_LEAF, max(len(examples.right) // 20, 1)), l2_regularization=5.0,
            early_stopping=False, random_state=self._seed,
        )  # fmt: skip
        boosting.fit(examples.features, examples.right, sample_weight=examples.weights)
        return trees_module.exported(boosting)

    def _examples(self, data: Dataset) -> Examples:
        """Of all windows that the data have. Raises NotEnoughData."""
        span = (int(data.at[-1]) - int(data.at[0])) // (self._windows + WINDOWS_AND_MORE)
        length = min(round(self._window_days * DAY_MS), span)
        found: list[Examples] = []
        for number in range(self._windows):
            until = int(data.at[-1]) + 1 - number * length
            found += self._of_window(data, until - length, until)
        if not found or not (right := np.concatenate([each.right for each in found])).any() or right.all():
            raise NotEnoughData("Nobody who had bought before bought again of what the models name.")
        weights = np.concatenate([each.weights for each in found])
        return Examples(np.concatenate([each.features for each in found]), right, weights / weights.mean())

    def _of_window(self, data: Dataset, at: int, until: int) -> list[Examples]:
        """What the models, made of what was before, name for each customer of the window, and what was bought."""
        from ..evaluation.split import Task, Window, split

        try:
            parted = split(data, Task.BASKET, Window(at, until))
            for part in self._parts:
                part.fit(parted.train)
        except NotEnoughData:
            return []
        cases, selling = parted.cases, selling_of(parted.train)
        known = np.array([number for number, context in enumerate(cases.contexts) if context.history], np.int64)
        cases = cases.of(known)
        found = []
        for number, candidates in enumerate(self._candidates(cases.contexts)):
            truth = cases.truths.items[cases.truths.starts[number] : cases.truths.starts[number + 1]]
            features = features_of(cases.contexts[number], candidates, selling)
            # Who buys much says more, but not so much more than others.
            weights = np.full(len(features), 1 / np.sqrt(len(truth)))
            found.append(Examples(features, np.isin(candidates.items, truth), weights))
        return found
