"""EASE: an item's score is a sum over the customer's items, by the weights that a linear regression has in closed form
(Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData, ParameterRefused
from ..interactions import Dataset
from ..model import Context, Ranked
from . import links
from .linked import LinkedModel
from .taste import check_together, taste_matrix, tastes

if TYPE_CHECKING:
    from scipy import sparse

MOST_ITEMS = 20_000
"""A matrix of items x items in single precision: 1.6 GB, and 2 minutes of a core for its inverse."""
BLOCK = 1_000
"""Rows that are made sparse at once: what bounds the memory beside the matrix."""


class Ease(LinkedModel):
    """Learns from the `most_items` items that most customers (or visits) have; of others it says nothing.

    `l2` keeps weights small; `power` damps how often somebody met an item (0: whether at all); each item keeps its
    `neighbours` largest weights, of either sign.
    """

    name = "ease"

    def __init__(
        self,
        l2: float = 300.0,
        power: float = 0.5,
        together: str = "customers",
        neighbours: int = 300,
        most_items: int = MOST_ITEMS,
    ) -> None:
        check_together(together, power)
        if l2 <= 0 or neighbours < 1 or not 2 <= most_items <= MOST_ITEMS:
            raise ValueError(f"l2 is more than 0, neighbours at least 1, most_items from 2 to {MOST_ITEMS}")
        self._l2, self._power, self._together = l2, power, together
        self._neighbours, self._most_items = neighbours, most_items

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "l2": self._l2, "power": self._power, "together": self._together,
            "neighbours": self._neighbours, "most_items": self._most_items,
        }  # fmt: skip

    def fit(self, data: Dataset) -> None:
        matrix = taste_matrix(data, self._together, self._power)
        kept = _most_met(matrix, self._most_items)
        if len(kept) < 2:
            raise NotEnoughData("There are fewer than two items that anybody met.")
        inverse = _inverse(matrix[:, kept], self._l2)
        self._links = _sparse(inverse, kept, self._neighbours, len(data.items))
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return links.follow_weighted(self._links, tastes(contexts, len(self._skus), self._power), k)


def _most_met(matrix: "sparse.csr_matrix", limit: int) -> NDArray[np.int64]:
    """The items that are in most rows, ascending; none that is in no row."""
    found_in = np.bincount(matrix.indices, minlength=matrix.shape[1])
    most = np.argsort(-found_in, kind="stable")[:limit]
    return np.sort(most[found_in[most] > 0])


def _inverse(matrix: "sparse.csr_matrix", l2: float) -> NDArray[np.float32]:
    """The upper triangle of (X'X + l2 I)^-1, made in place: one matrix of items x items in memory, and no more."""
    from scipy.linalg import lapack

    gram = np.zeros((matrix.shape[1],) * 2, np.float32, order="F")
    columns = matrix.tocsc().astype(np.float32)
    for start in range(0, gram.shape[1], BLOCK):
        gram[:, start : start + BLOCK] = (columns.T @ columns[:, start : start + BLOCK]).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(l2)
    factor, failed = lapack.spotrf(gram, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, overwrite_c=1) if not failed else (factor, failed)
    if failed or failed_too:
        raise ParameterRefused("ease: l2 is too small for these data.")
    found: NDArray[np.float32] = inverse
    return found


def _sparse(inverse: NDArray[np.float32], kept: NDArray[np.int64], limit: int, catalogue: int) -> links.Links:
    """Row i of the weights -P_ij / P_jj as the links of item i: the largest of either sign, highest first."""
    size = len(kept)
    limit = min(limit, size - 1)
    diagonal = np.diagonal(inverse).copy()
    to = np.empty((size, limit), np.int32)
    strength = np.empty((size, limit), np.float32)
    for start in range(0, size, BLOCK):
        end = min(start + BLOCK, size)
        block = np.concatenate((inverse[:start, start:end].T, inverse[start:end, start:]), axis=1)
        square = block[:, start:end]
        block[:, start:end] = np.triu(square) + np.triu(square, 1).T
        weights = block / -diagonal
        weights[np.arange(end - start), np.arange(start, end)] = 0.0
        largest = np.argpartition(-np.abs(weights), limit - 1, axis=1)[:, :limit]
        chosen = np.take_along_axis(weights, largest, axis=1)
        order = np.argsort(-chosen, axis=1, kind="stable")
        to[start:end] = kept[np.take_along_axis(largest, order, axis=1)]
        strength[start:end] = np.take_along_axis(chosen, order, axis=1)
    counts = np.zeros(catalogue, np.int64)
    counts[kept] = limit
    return links.Links(np.concatenate(([0], np.cumsum(counts))), to.ravel(), strength.ravel())
