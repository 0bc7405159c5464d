"""Nearest neighbours among the items' vectors (scikit-learn): TF-IDF of who met them, reduced by truncated SVD."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from ..interactions import Dataset
from ..model import Context, Ranked
from . import links
from .linked import LinkedModel
from .taste import check_together, taste_matrix, tastes

BLOCK = 1_000
"""Items whose neighbours are sought at once: what bounds the memory of training."""


class Nearest(LinkedModel):
    """Each item leads to the `neighbours` whose vectors, of `components` numbers, point most nearly where its does."""

    name = "nearest"

    def __init__(
        self,
        components: int = 128,
        neighbours: int = 200,
        power: float = 0.5,
        together: str = "customers",
        seed: int = 1,
    ) -> None:
        check_together(together, power)
        if components < 1 or neighbours < 1:
            raise ValueError("components and neighbours are at least 1")
        self._components, self._neighbours, self._power = components, neighbours, power
        self._together, self._seed = together, seed

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "components": self._components, "neighbours": self._neighbours, "power": self._power,
            "together": self._together, "seed": self._seed,
        }  # fmt: skip

    def fit(self, data: Dataset) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.neighbors import NearestNeighbors
        from sklearn.preprocessing import normalize

        matrix = taste_matrix(data, self._together, self._power)
        met = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
        if len(met) < 2:
            raise NotEnoughData("There are fewer than two items that anybody met.")
        rare = TfidfTransformer(norm=None).fit_transform(matrix)[:, met].T.tocsr()
        components = max(min(self._components, min(rare.shape) - 1), 1)
        vectors = normalize(TruncatedSVD(components, random_state=self._seed).fit_transform(rare))
        index = NearestNeighbors(n_neighbors=min(self._neighbours + 1, len(met)), metric="cosine").fit(vectors)
        blocks = [index.kneighbors(vectors[start : start + BLOCK]) for start in range(0, len(met), BLOCK)]
        distance, place = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        self._links = _links(met, place, 1.0 - distance, self._neighbours, len(data.items))
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return links.follow_weighted(self._links, tastes(contexts, len(self._skus), self._power), k)


def _links(
    met: NDArray[np.int64],
    place: NDArray[np.int64],
    alike: NDArray[np.float64],
    limit: int,
    catalogue: int,
) -> links.Links:
    """Neighbours among the items that were met as links among all, none to itself."""
    from scipy import sparse

    rows = np.repeat(met, place.shape[1])
    columns = met[place.ravel()]
    others = rows != columns
    shape = (catalogue, catalogue)
    found = sparse.csr_matrix((alike.ravel()[others], (rows[others], columns[others])), shape=shape)
    return links.strongest(found, limit)
