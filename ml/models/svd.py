"""Truncated SVD of the matrix customers x items (scikit-learn): a customer is the sum of their items' vectors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import factors
from .factored import FactoredModel
from .taste import check_together

if TYPE_CHECKING:
    from scipy import sparse


class Svd(FactoredModel):
    """PureSVD (Cremonesi, Koren, Turrin 2010). `power` damps how often somebody met an item."""

    name = "svd"

    def __init__(
        self,
        components: int = 64,
        power: float = 0.5,
        together: str = "customers",
        iterations: int = 5,
        seed: int = 1,
    ) -> None:
        check_together(together, power)
        if components < 1 or iterations < 1:
            raise ValueError("components and iterations are at least 1")
        self._components, self._power, self._together = components, power, together
        self._iterations, self._seed = iterations, seed

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "components": self._components, "power": self._power, "together": self._together,
            "iterations": self._iterations, "seed": self._seed,
        }  # fmt: skip

    def _trained(self, matrix: "sparse.csr_matrix") -> factors.Factors:
        from sklearn.decomposition import TruncatedSVD

        components = min(self._components, min(matrix.shape) - 1)
        decomposed = TruncatedSVD(max(components, 1), n_iter=self._iterations, random_state=self._seed).fit(matrix)
        vectors = np.ascontiguousarray(decomposed.components_.T, np.float32)
        inner = np.eye(vectors.shape[1], dtype=np.float32)
        return factors.Factors(vectors, factors.biases(matrix), inner, np.zeros(1, np.bool_))
