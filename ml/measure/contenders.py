"""Who is measured on order history: our models, and those of the library `implicit` asked as it is meant to be used.

Each says what may be tried of its parameters on the validation month; all get the same number of trials.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..evaluation.cases import Cases
from ..interactions import Dataset
from ..model import NOTHING
from ..models.library import make_model
from ..models.taste import taste_matrix
from ..training.spaces import SPACES, Between, OneOf, Space, Whole, drawn

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
        own = dict(parameters)
        self._name, self._power, self._parameters = name, own.pop("power", 1.0), own

    def fit(self, data: Dataset) -> None:
        from threadpoolctl import threadpool_limits

        # The library warns of a BLAS with threads of its own.
        with threadpool_limits(1, "blas"):
            self._matrix = taste_matrix(data, "customers", self._power)
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


COUNTED = OneOf((0.0, 0.5, 1.0))
"""To which power the number of times counts that a customer bought an item; 0: whether at all."""
THEIRS: Mapping[str, Space] = {
    "implicit ALS": {
        "factors": Whole(16, 512),
        "alpha": Between(0.3, 40, log=True),
        "regularization": Between(0.001, 100, log=True),
        "iterations": Whole(5, 50),
        "power": COUNTED,
    },
    "implicit BPR": {
        "factors": Whole(16, 256),
        "learning_rate": Between(0.002, 0.2, log=True),
        "regularization": Between(0.0005, 0.2, log=True),
        "iterations": Whole(30, 300),
    },
    "implicit BM25": {
        "K": Whole(20, 3_600),
        "K1": Between(0.1, 20, log=True),
        "B": Between(0, 1),
        "power": COUNTED,
    },
}
WEIGHT = Between(0.02, 2, log=True)
OURS: Mapping[str, Space] = {
    **{name: SPACES[name] for name in ("popularity", "svd", "ease", "repeats", "ranker")},
    "blend": {
        "repeats": WEIGHT,
        "als": WEIGHT,
        "ease": WEIGHT,
        "popularity": WEIGHT,
        "half_life_days": Between(1.5, 15, log=True),
    },
}
"""That of the blend: weights of its parts, and how soon what is popular counts half."""
SLOW = ("ranker",)
"""Measured only if asked for: a trial takes a minute."""
DEPTH = 400
"""Of each list of a blend: what was bought is in it, too, and left out at the end."""
FIRST: Mapping[str, Parameters] = {
    "implicit ALS": {"factors": 128, "alpha": 1.0, "regularization": 0.1},
    "implicit BPR": {"factors": 64, "learning_rate": 0.01, "iterations": 100},
    "implicit BM25": {"K": 1_000, "K1": 1.2, "B": 0.75},
    "blend": {"repeats": 0.05, "als": 1.3, "ease": 0.35, "popularity": 1.4, "half_life_days": 2.0},
}
"""The first trial: of the library's models the best of 38 that were tried by hand, of the blend the best of some 190
sums of scores. Others begin with their defaults, which were chosen on the validation month as well."""


def trial_of(name: str, number: int) -> Parameters:
    """What is tried of a contender: first what was known to be good, then drawn by the trial's number."""
    if not number:
        return FIRST.get(name, {})
    return drawn({**THEIRS, **OURS}[name], [SEED, number])


def contender(name: str, parameters: Parameters) -> Contender:
    """An unfitted one."""
    if name in THEIRS:
        return Theirs(name, parameters)
    return Ours(name, blended(**parameters) if name == "blend" else parameters)


def blended(half_life_days: float, **weights: float) -> Parameters:
    """The model `blend` of these parts and weights."""
    asked = {"als": "als?power=0.0", "popularity": f"popularity?half_life_days={half_life_days}"}
    return {
        "models": " ".join(asked.get(name, name) for name in weights),
        "weights": " ".join(str(weight) for weight in weights.values()),
        "depth": DEPTH,
    }
