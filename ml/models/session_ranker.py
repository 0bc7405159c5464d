"""Two stages for visits: session-knn finds candidates, boosted trees order them by what else is known of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import Dataset
from ..model import Context, Ranked
from . import session_features, visits
from .ranking import best, empty_answer, known, recent, steps
from .session_features import Facts, features
from .session_knn import Candidates, SessionKnn
from .trees import Trees, exported, predict, trees_of

LONGEST = 30
"""Items of the running visit that are looked at, the latest ones."""
FEWEST = 50
"""Answers to learn an order from. With fewer, that of session-knn stays."""
WRONG = 25
"""Candidates beside the right one that an order is learned from, drawn at random."""


DEPTH = 6
"""Longest path of a tree: what bounds the time of an answer."""
LEAF = 40
"""Examples that a leaf has at least."""
GROWN = set(Trees._fields)
"""Arrays of a model whose order was learned."""


class _Examples(NamedTuple):
    rows: NDArray[np.float32]
    right: NDArray[np.bool_]


class SessionRanker:
    """The order is learned on the last visits (`held`, a share of all) with what the visits before them say, as it will
    be in service; then everything but the order is learned again from all visits."""

    name: ClassVar[str] = "session-ranker"

    def __init__(
        self,
        candidates: int = 100,
        held: float = 0.15,
        lists: int = 30_000,
        rounds: int = 150,
        rate: float = 0.1,
        leaves: int = 24,
        seed: int = 0,
    ) -> None:
        if min(candidates, lists, rounds) < 1 or leaves < 2:
            raise ValueError("candidates, lists and rounds are at least 1, leaves at least 2")
        if not 0 < held < 1 or not 0 < rate <= 1:
            raise ValueError("held and rate are between 0 and 1")
        self._candidates, self._held, self._lists = candidates, held, lists
        self._rounds, self._rate, self._leaves, self._seed = rounds, rate, leaves, seed
        self._nearest = SessionKnn()
        self._facts: Facts
        self._trees: Trees | None = None

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "candidates": self._candidates, "held": self._held, "lists": self._lists, "rounds": self._rounds,
            "rate": self._rate, "leaves": self._leaves, "seed": self._seed,
        }  # fmt: skip

    @property
    def skus(self) -> Sequence[str]:
        return self._nearest.skus

    def fit(self, data: Dataset) -> None:
        rows = steps(data).by_session
        if not len(rows):
            raise NotEnoughData("There are no visits to learn from.")
        later = np.isin(data.session, rows.groups[int(len(rows) * (1 - self._held)) :])
        self._trees = self._order_of(data.where(~later), data.where(later))
        self._learn(data)

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        answer = empty_answer(len(contexts), k)
        for row, context in enumerate(contexts):
            looked = known(recent(context, LONGEST), len(self.skus))
            found = self._nearest.candidates(looked[-self._nearest.length :], max(self._candidates, k))
            if found is None:
                continue
            scores = self._scores(found, looked)
            chosen = best(scores, k)
            answer.items[row, : len(chosen)] = found.items[chosen]
            answer.scores[row, : len(chosen)] = scores[chosen]
            answer.because[row, : len(chosen)] = found.reasons(found.items[chosen], len(self.skus))
        return answer

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        return self._nearest.similar(items, k)

    def save(self, directory: Path) -> None:
        grown = self._trees.arrays() if self._trees else {}
        arrays = {**self._nearest.arrays(), **self._facts.arrays(), **grown}
        save_arrays(directory, self.name, self.parameters, self.skus, arrays)

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._nearest.use(visits.visits_of(saved.arrays), saved.skus)
        model._facts = session_features.facts_of(saved.arrays)
        if set(saved.arrays) >= GROWN:
            model._trees = trees_of(saved.arrays)
        return model

    def _learn(self, data: Dataset) -> None:
        self._nearest.fit(data)
        self._facts = session_features.learned(steps(data).by_session, len(data.items))

    def _scores(self, found: Candidates, looked: Sequence[int]) -> NDArray[np.float64]:
        if self._trees is None:
            return found.scores
        return predict(self._trees, features(self._facts, found, looked).astype(np.float64))

    def _order_of(self, earlier: Dataset, later: Dataset) -> Trees | None:
        """Trees that know the right candidates of later visits by what earlier visits say; None if they are too few."""
        try:
            self._learn(earlier)
        except NotEnoughData:
            return None
        examples = self._examples(later)
        if sum(int(example.right.sum()) for example in examples) < FEWEST:
            return None
        return self._grown(
            np.concatenate([example.rows for example in examples]),
            np.concatenate([example.right for example in examples]),
        )

    def _grown(self, rows: NDArray[np.float32], right: NDArray[np.bool_]) -> Trees:
        from sklearn.ensemble import HistGradientBoostingClassifier

        boosting = HistGradientBoostingClassifier(
            max_iter=self._rounds, learning_rate=self._rate, max_leaf_nodes=self._leaves, max_depth=DEPTH,
            min_samples_leaf=LEAF, early_stopping=False, random_state=self._seed,
        )  # fmt: skip
        return exported(boosting.fit(rows, right))

    def _examples(self, later: Dataset) -> list[_Examples]:
        """Of points of visits, evenly over all, whose next item is among the candidates."""
        dice = np.random.default_rng(self._seed)
        rows = steps(later).by_session
        visit = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
        points = np.flatnonzero(np.append(False, np.diff(visit) == 0)) if len(visit) else visit
        every = max(1, len(points) // self._lists)
        examples = []
        for point in points[::every].tolist():
            looked = rows.items[max(int(rows.starts[visit[point]]), point - LONGEST) : point].tolist()
            found = self._nearest.candidates(looked[-self._nearest.length :], self._candidates)
            if found is None or not (right := found.items == rows.items[point]).any():
                continue
            kept = dice.permutation(np.flatnonzero(~right))[:WRONG]
            kept = np.append(np.flatnonzero(right), kept)
            examples.append(_Examples(features(self._facts, found, looked)[kept], right[kept]))
        return examples
