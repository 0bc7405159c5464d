"""Several models' lists as one: what one of them doesn't know, another may."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from ..arrays import load_arrays, save_arrays
from ..interactions import Dataset
from ..model import Context, Model, Ranked
from .parts import FUSIONS, fused, load_parts, make_parts, save_parts, weights_of


class Blend:
    """`models` names them as commands do: `repeats item-knn?together=customers`; `weights` has a number for each.
    `fusion` is `rank` (by places) or `score`; the first `depth` of each list count."""

    name: ClassVar[str] = "blend"

    def __init__(
        self,
        models: str = "repeats item-knn?together=customers popularity",
        weights: str = "1 0.5 0.1",
        fusion: str = "score",
        depth: int = 100,
    ) -> None:
        self._parts: Sequence[Model] = make_parts(models)
        if not self._parts or fusion not in FUSIONS or depth < 1:
            raise ValueError(f"models names at least one; fusion is one of {', '.join(FUSIONS)}; depth is at least 1")
        self._weighted = weights_of(weights, len(self._parts))
        self._models, self._weights, self._fusion, self._depth = models, weights, fusion, depth
        self._skus: Sequence[str] = ()

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {"models": self._models, "weights": self._weights, "fusion": self._fusion, "depth": self._depth}

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        for part in self._parts:
            part.fit(data)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        lists = [part.recommend(contexts, max(self._depth, k)) for part in self._parts]
        return fused(lists, self._weighted, self._fusion, k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        lists = [part.similar(items, max(self._depth, k)) for part in self._parts]
        return fused(lists, self._weighted, self._fusion, k)

    def save(self, directory: Path) -> None:
        save_parts(directory, self._parts)
        save_arrays(directory, self.name, self.parameters, self._skus, {})

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus = saved.skus
        model._parts = load_parts(directory, model._models)
        return model
