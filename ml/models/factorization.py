"""Factorization for implicit feedback by the library `implicit` (extra `implicit`): ALS and BPR.

The library trains; what is saved are the items' vectors, and inference does without it.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelUnknown
from ..interactions import Dataset
from . import factors
from .factored import FactoredModel
from .taste import check_together

if TYPE_CHECKING:
    from scipy import sparse

RIDGE = 1.0
"""Keeps the map from items to a customer's vector from learning single customers by heart."""


class _Factorization(FactoredModel):
    """What both have in common."""

    def __init__(self, factors_count: int, iterations: int, power: float, together: str, seed: int) -> None:
        check_together(together, power)
        if factors_count < 1 or iterations < 1:
            raise ValueError("factors and iterations are at least 1")
        self._count, self._iterations, self._power = factors_count, iterations, power
        self._together, self._seed = together, seed

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "factors": self._count, "iterations": self._iterations, "power": self._power,
            "together": self._together, "seed": self._seed,
        }  # fmt: skip

    def fit(self, data: Dataset) -> None:
        # Where the library isn't installed, nobody shall wait for the matrix to hear so.
        _library(self.name)
        super().fit(data)


class Als(_Factorization):
    """Alternating least squares (Hu, Koren, Volinsky 2008): everything that wasn't met counts 0 with a confidence of 1,
    what was met counts 1 with a confidence of `alpha` times its weight."""

    name = "als"

    def __init__(
        self,
        factors: int = 64,
        alpha: float = 2.0,
        l2: float = 0.1,
        iterations: int = 15,
        power: float = 1.0,
        together: str = "customers",
        seed: int = 1,
    ) -> None:
        super().__init__(factors, iterations, power, together, seed)
        if alpha <= 0 or l2 <= 0:
            raise ValueError("alpha and l2 are more than 0")
        self._alpha, self._l2 = alpha, l2

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {**super().parameters, "alpha": self._alpha, "l2": self._l2}

    def _weighted(self, weights: Mapping[int, float]) -> Mapping[int, float]:
        return {item: self._alpha * weight for item, weight in weights.items()}

    def _trained(self, matrix: "sparse.csr_matrix") -> factors.Factors:
        from threadpoolctl import threadpool_limits

        # The library shares the work among threads by itself, and warns of a BLAS that does so, too.
        with threadpool_limits(1, "blas"):
            trained = _library(self.name).als.AlternatingLeastSquares(
                self._count, regularization=self._l2, alpha=self._alpha, iterations=self._iterations,
                random_state=self._seed,
            )  # fmt: skip
            trained.fit(matrix, show_progress=False)
        vectors = np.asarray(trained.item_factors, np.float32)
        inner = vectors.T @ vectors + self._l2 * np.eye(self._count, dtype=np.float32)
        return factors.Factors(vectors, factors.biases(matrix), inner, np.ones(1, np.bool_))


class Bpr(_Factorization):
    """Bayesian personalized ranking (Rendle et al. 2009): what was met shall score higher than what wasn't.

    Customers are folded in by the linear map that comes nearest to the vectors of those in the data.
    """

    name = "bpr"

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.01,
        l2: float = 0.01,
        iterations: int = 100,
        power: float = 0.0,
        together: str = "customers",
        seed: int = 1,
    ) -> None:
        super().__init__(factors, iterations, power, together, seed)
        if learning_rate <= 0 or l2 <= 0:
            raise ValueError("learning_rate and l2 are more than 0")
        self._learning_rate, self._l2 = learning_rate, l2

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {**super().parameters, "learning_rate": self._learning_rate, "l2": self._l2}

    def _trained(self, matrix: "sparse.csr_matrix") -> factors.Factors:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            # Threads would race for the vectors: another model each time.
            trained = _library(self.name).bpr.BayesianPersonalizedRanking(
                self._count, learning_rate=self._learning_rate, regularization=self._l2,
                iterations=self._iterations, random_state=self._seed, num_threads=1,
            )  # fmt: skip
            trained.fit(matrix, show_progress=False)
        vectors = np.asarray(trained.item_factors[:, :-1], np.float32)
        bias = np.asarray(trained.item_factors[:, -1], np.float32) + factors.biases(matrix)
        means = (matrix @ vectors) / np.asarray(matrix.sum(axis=1))
        customers = np.asarray(trained.user_factors[:, :-1])
        system = means.T @ means + RIDGE * np.eye(vectors.shape[1])
        inner = np.linalg.solve(system, means.T @ customers).astype(np.float32)
        return factors.Factors(vectors, bias, inner, np.zeros(1, np.bool_))


def _library(name: str) -> ModuleType:
    try:
        import implicit.als
        import implicit.bpr
    except ImportError as error:
        raise ModelUnknown(f"{name} is trained by the library implicit: pip install 'doorbuster[implicit]'") from error
    module: ModuleType = implicit
    return module
