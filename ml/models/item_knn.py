"""Items that go together: neighbours of items by the visits, or the customers, that they share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from ..interactions import Dataset, Rows
from ..model import Context, Ranked
from . import links
from .blocks import EachBlock, blocks_of, one_after_the_other
from .linked import LinkedModel
from .ranking import recent, steps

if TYPE_CHECKING:
    from scipy import sparse

WEIGHTS = ("cosine", "bm25", "tfidf")
TOGETHER = ("sessions", "customers")
CONTEXT_LENGTH = 200
"""Items of a context that count, the latest ones."""
PAIRS = 4_000_000
"""Of items, that one block may have: what bounds its memory, at 80 bytes each."""


class Weighted(NamedTuple):
    """The matrix whose product with itself is the similarity, and its transpose."""

    visits: "sparse.csr_matrix"
    items: "sparse.csr_matrix"


class ItemKnn(LinkedModel):
    """Similarity of the columns of the matrix visits x items (or customers x items).

    `cosine` takes every visit for one; `tfidf` counts how often, by its root, and visits of few items and items of few
    visits for more; `bm25` the same with counts that saturate (`k1`) and lengths that count in part (`b`).
    """

    name = "item-knn"

    def __init__(
        self,
        weights: str = "cosine",
        together: str = "sessions",
        neighbours: int = 200,
        decay: float = 0.6,
        k1: float = 1.2,
        b: float = 0.75,
    ) -> None:
        if weights not in WEIGHTS or together not in TOGETHER:
            raise ValueError(f"weights is one of {', '.join(WEIGHTS)}; together is one of {', '.join(TOGETHER)}")
        if neighbours < 1 or not 0 <= decay <= 1 or k1 <= 0 or not 0 <= b <= 1:
            raise ValueError("neighbours is at least 1, decay and b are from 0 to 1, k1 is more than 0")
        self._weights, self._together, self._neighbours, self._decay = weights, together, neighbours, decay
        self._k1, self._b = k1, b

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "weights": self._weights, "together": self._together, "neighbours": self._neighbours,
            "decay": self._decay, "k1": self._k1, "b": self._b,
        }  # fmt: skip

    def fit(self, data: Dataset) -> None:
        self.fit_in_blocks(data, one_after_the_other)

    def fit_in_blocks(self, data: Dataset, each_block: EachBlock) -> None:
        """`fit`, with the blocks of items wherever they are worked on."""
        weighted = self.weighted(data)
        self._links = links.joined(each_block(self.neighbours_of, weighted, blocks_of(pairs(weighted), PAIRS)))
        self._skus = data.items.skus

    def weighted(self, data: Dataset) -> Weighted:
        """Visits (or customers) x items. Raises NotEnoughData."""
        rows = data.by_customer if self._together == "customers" else steps(data).by_session
        if not len(rows):
            raise NotEnoughData(f"There are no {self._together} to learn from.")
        return self._weighted(counts(rows, len(data.items)))

    def neighbours_of(self, weighted: Weighted, start: int, end: int) -> links.Links:
        """The links of items from `start` to `end`: blocks can be made apart, and joined."""
        products = (weighted.items[start:end] @ weighted.visits).tocsr()
        rows = np.repeat(np.arange(products.shape[0]), np.diff(products.indptr))
        products.data[rows + start == products.indices] = 0.0
        return links.strongest(products, self._neighbours)

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        if self._together == "sessions":
            return links.follow(self._links, [recent(context, CONTEXT_LENGTH) for context in contexts], self._decay, k)
        whole = [[*context.history, *context.basket, *context.session][-CONTEXT_LENGTH:] for context in contexts]
        return links.follow(self._links, whole, self._decay, k)

    def _weighted(self, counted: "sparse.csr_matrix") -> Weighted:
        matrix = counted.copy()
        if self._weights == "cosine":
            matrix.data[:] = 1.0
        else:
            found_in = np.bincount(matrix.indices, minlength=matrix.shape[1])
            rarity = np.log1p(matrix.shape[0] / np.maximum(found_in, 1))
            lengths = np.asarray(matrix.sum(axis=1)).ravel()
            matrix.data = self._saturated(matrix.data, np.repeat(lengths, np.diff(matrix.indptr)))
            matrix.data *= rarity[matrix.indices]
        if self._weights != "bm25":
            norms = np.sqrt(np.bincount(matrix.indices, matrix.data**2, matrix.shape[1]))
            matrix.data /= norms[matrix.indices]
        return Weighted(matrix, matrix.T.tocsr())

    def _saturated(self, count: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._weights == "tfidf":
            return np.sqrt(count) / np.sqrt(length)
        part = 1 - self._b + self._b * length / length.mean()
        saturated: NDArray[np.float64] = count * (self._k1 + 1) / (count + self._k1 * part)
        return saturated


def pairs(weighted: Weighted) -> NDArray[np.int64]:
    """With how many items each shares a visit, at most: what its row of the product costs."""
    lengths = np.diff(weighted.visits.indptr).astype(np.int64)
    met = np.add.reduceat(np.append(lengths[weighted.items.indices], 0), weighted.items.indptr[:-1])
    return np.where(np.diff(weighted.items.indptr) > 0, np.minimum(met, weighted.visits.shape[1]), 0)


def counts(rows: Rows, catalogue: int) -> "sparse.csr_matrix":
    """Visits (or customers) x items: how often each was met."""
    from scipy import sparse

    lengths = np.diff(rows.starts)
    # A copy of the items: the dataset's own may not be sorted.
    of_items = (np.ones(len(rows.items)), rows.items.copy(), rows.starts)
    matrix = sparse.csr_matrix(of_items, shape=(len(lengths), catalogue))
    matrix.sum_duplicates()
    return matrix
