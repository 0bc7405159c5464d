"""Truncated SVD of the matrix customers x items (scikit-learn): a customer is the sum of their items' vectors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..arrays import load_arrays, save_arrays
from ..interactions import Dataset
from ..model import Context, Ranked
from . import factors
from .taste import check_together, taste_matrix, tastes


class Svd:
    """PureSVD (Cremonesi, Koren, Turrin 2010). `power` damps how often somebody met an item."""

    name: ClassVar[str] = "svd"

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
        self._skus: Sequence[str] = ()
        self._factors = factors.NO_FACTORS

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "components": self._components, "power": self._power, "together": self._together,
            "iterations": self._iterations, "seed": self._seed,
        }  # fmt: skip

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        from sklearn.decomposition import TruncatedSVD

        matrix = taste_matrix(data, self._together, self._power)
        components = min(self._components, min(matrix.shape) - 1)
        decomposed = TruncatedSVD(max(components, 1), n_iter=self._iterations, random_state=self._seed).fit(matrix)
        vectors = np.ascontiguousarray(decomposed.components_.T, np.float32)
        met = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
        inner = np.eye(vectors.shape[1], dtype=np.float32)
        self._factors = factors.Factors(vectors, factors.biases(met), inner, np.zeros(1, np.bool_))
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return factors.recommend(self._factors, tastes(contexts, len(self._skus), self._power), k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        return factors.similar(self._factors, items, k)

    def save(self, directory: Path) -> None:
        save_arrays(directory, self.name, self.parameters, self._skus, self._factors.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus, model._factors = saved.skus, factors.factors_of(saved.arrays)
        return model
