"""Who is measured on order history: our models, and those of the library `implicit` asked as it is meant to be used.

Each has a table of parameters to be tried on the validation month, and the library's no fewer than ours.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..evaluation.cases import Cases
from ..interactions import Dataset
from ..model import NOTHING
from ..models.library import make_model
from ..models.taste import taste_matrix

K = 20
"""The longest list that is measured."""
SEED = 1
Parameters = Mapping[str, Any]


class Contender(Protocol):
    """Something that learns from orders and names K items for each case."""

    def fit(self, data: Dataset) -> None: ...

    def lists(self, cases: Cases) -> NDArray[np.int32]: ...


class Ours:
    """A model of the library."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self._model = make_model(name, parameters)

    def fit(self, data: Dataset) -> None:
        self._model.fit(data)

    def lists(self, cases: Cases) -> NDArray[np.int32]:
        if not cases.only_new:
            return self._model.recommend(cases.contexts, K).items
        lists = np.full((len(cases), K), NOTHING, np.int32)
        for row, context in enumerate(cases.contexts):
            known = np.array([*context.history, NOTHING])
            found = self._model.recommend([context], K + len(set(context.history))).items[0]
            new = found[~np.isin(found, known)][:K]
            lists[row, : len(new)] = new
        return lists


class Theirs:
    """A model of `implicit`, which knows each customer by number and has a vector of theirs."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self._name, self._parameters = name, parameters

    def fit(self, data: Dataset) -> None:
        from threadpoolctl import threadpool_limits

        # The library warns of a BLAS with threads of its own.
        with threadpool_limits(1, "blas"):
            self._matrix = taste_matrix(data, "customers", 1.0)
            self._rows = {int(who): row for row, who in enumerate(data.by_customer.groups)}
            self._model = _implicit(self._name, self._parameters)
            self._model.fit(self._matrix, show_progress=False)

    def lists(self, cases: Cases) -> NDArray[np.int32]:
        rows = np.array([self._rows[int(who)] for who in cases.group])
        found, _ = self._model.recommend(rows, self._matrix[rows], N=K, filter_already_liked_items=cases.only_new)
        return np.asarray(found, np.int32)


def _implicit(name: str, parameters: Parameters) -> Any:
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from implicit.nearest_neighbours import BM25Recommender

    if name == "implicit ALS":
        return AlternatingLeastSquares(**parameters, num_threads=1, random_state=SEED)
    if name == "implicit BPR":
        return BayesianPersonalizedRanking(**parameters, num_threads=1, random_state=SEED)
    return BM25Recommender(**parameters, num_threads=1)


def _grid(**values: Sequence[Any]) -> Sequence[Parameters]:
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


THEIRS: Mapping[str, Sequence[Parameters]] = {
    "implicit ALS": _grid(factors=(64, 128, 256), alpha=(1.0, 3.0), regularization=(0.1,)),
    "implicit BPR": _grid(factors=(64,), learning_rate=(0.01, 0.03, 0.1), iterations=(50, 100)),
    "implicit BM25": _grid(K=(400, 1_000, 3_000), K1=(0.6, 1.2), B=(0.75,)),
}
OURS: Mapping[str, Sequence[Parameters]] = {
    "popularity": _grid(half_life_days=(7.0, 14.0, 60.0)),
    "svd": _grid(components=(32, 128), power=(0.5, 1.0)),
    "ease": _grid(l2=(100.0, 300.0), power=(0.5, 1.0)),
    "repeats": _grid(trend=(0.1, 0.2, 0.3), company=(0.5, 1.0)),
    "ranker": _grid(windows=(6,)),
}


def contender(name: str, parameters: Parameters) -> Contender:
    """An unfitted one."""
    return Theirs(name, parameters) if name in THEIRS else Ours(name, parameters)
