"""Items that are described alike (TF-IDF of their texts, scikit-learn), mixed with a model of what people did: so that
an item that nobody met yet can be recommended, too."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, Self

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import Dataset, Items
from ..model import Context, Model, Ranked
from . import links
from .parts import FUSIONS, fused, load_parts, make_parts, save_parts
from .taste import tastes

BLOCK = 1_000
"""Items whose neighbours are sought at once: what bounds the memory of training."""
DEPTH = 100
"""Of each list, so many count."""
WORD = r"(?u)\b\w+\b"
"""Of one letter, too: sizes and numbers tell things apart."""
POWER = 0.5
"""Damps how often somebody bought an item whose like is sought."""


class Content:
    """`share` of an item's score is how alike it is to the context's by title, category and vendor; the rest is what
    `base` says, a model of the library, by name (empty: texts alone)."""

    name: ClassVar[str] = "content"

    def __init__(
        self,
        base: str = "item-knn?together=customers",
        share: float = 0.3,
        neighbours: int = 100,
        fusion: str = "score",
    ) -> None:
        self._parts: Sequence[Model] = make_parts(base)
        if len(self._parts) > 1 or not 0 < share < 1 or neighbours < 1 or fusion not in FUSIONS:
            raise ValueError(
                "base is one model or none; share is between 0 and 1; neighbours at least 1;"
                f" fusion is one of {', '.join(FUSIONS)}"
            )
        self._base, self._share, self._neighbours, self._fusion = base, share, neighbours, fusion
        self._skus: Sequence[str] = ()
        self._links = links.NO_LINKS

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {"base": self._base, "share": self._share, "neighbours": self._neighbours, "fusion": self._fusion}

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        if not len(data):
            raise NotEnoughData("There is nothing that anybody did.")
        self._links = _alike(texts_of(data.items), self._neighbours)
        for part in self._parts:
            part.fit(data)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        depth = max(DEPTH, k)
        alike = links.follow_weighted(self._links, tastes(contexts, len(self._skus), POWER), depth)
        return self._mixed(alike, [part.recommend(contexts, depth) for part in self._parts], k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        depth = max(DEPTH, k)
        return self._mixed(
            links.similar(self._links, items, depth), [part.similar(items, depth) for part in self._parts], k
        )

    def save(self, directory: Path) -> None:
        save_parts(directory, self._parts)
        save_arrays(directory, self.name, self.parameters, self._skus, self._links.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._skus, model._links = saved.skus, links.links_of(saved.arrays)
        model._parts = load_parts(directory, model._base)
        return model

    def _mixed(self, alike: Ranked, others: Sequence[Ranked], k: int) -> Ranked:
        weights = [self._share, *(1 - self._share for _ in others)]
        return fused([alike, *others], weights, self._fusion, k)


def texts_of(items: Items) -> list[str]:
    """Title, category and vendor of each item as one text."""
    columns = zip_longest(items.skus, items.titles, items.categories, items.vendors, fillvalue="")
    return [" ".join(filter(None, texts)) for _, *texts in columns]


def _alike(texts: Sequence[str], limit: int) -> links.Links:
    """Each item's most alike ones. Raises NotEnoughData where there are no words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        matrix = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=WORD).fit_transform(texts).tocsr()
    except ValueError as error:
        raise NotEnoughData("The items have no texts to compare.") from error
    transposed = matrix.T.tocsr()
    blocks = []
    for start in range(0, matrix.shape[0], BLOCK):
        products = (matrix[start : start + BLOCK] @ transposed).tolil()
        products[range(products.shape[0]), range(start, start + products.shape[0])] = 0.0
        blocks.append(links.strongest(products.tocsr(), limit))
    return links.joined(blocks)
