"""Models that keep links between items of what they learned: all that they have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from ..arrays import load_arrays, save_arrays
from ..interactions import Dataset
from ..model import Context, Ranked
from . import links


class LinkedModel(ABC):
    """`fit` sets the links and the SKUs; `recommend` follows the links from the items of a context."""

    name: ClassVar[str]
    _skus: Sequence[str] = ()
    _links: links.Links = links.NO_LINKS

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, str | int | float | bool]: ...

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    @abstractmethod
    def fit(self, data: Dataset) -> None: ...

    @abstractmethod
    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked: ...

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        return links.similar(self._links, items, k)

    def save(self, directory: Path) -> None:
        save_arrays(directory, self.name, self.parameters, self._skus, self._links.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus, model._links = saved.skus, links.links_of(saved.arrays)
        return model
