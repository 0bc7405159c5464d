"""Models that factorize the matrix customers x items: all that they have in common but the training."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from ..arrays import load_arrays, save_arrays
from ..interactions import Dataset
from ..model import Context, Ranked
from . import factors
from .taste import taste_matrix, tastes

if TYPE_CHECKING:
    from scipy import sparse


class FactoredModel(ABC):
    """Keeps the items' vectors. `power` damps how often somebody met an item; `together` says who makes a row."""

    name: ClassVar[str]
    _power: float
    _together: str
    _skus: Sequence[str] = ()
    _factors: factors.Factors = factors.NO_FACTORS

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, str | int | float | bool]: ...

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        self._factors = self._trained(taste_matrix(data, self._together, self._power))
        self._skus = data.items.skus

    @abstractmethod
    def _trained(self, matrix: "sparse.csr_matrix") -> factors.Factors: ...

    def _weighted(self, weights: Mapping[int, float]) -> Mapping[int, float]:
        """What the items of a context count, of the tastes that they show."""
        return weights

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        weighted = [self._weighted(weights) for weights in tastes(contexts, len(self._skus), self._power)]
        return factors.recommend(self._factors, weighted, k)

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
