"""Items as vectors: inference of models that factorize the matrix customers x items.

A customer isn't looked up: their vector is made of the items of the context, so what they did a moment ago counts, and
who came after training gets an answer, too. Numpy only.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import NOTHING, Ranked
from .ranking import best, empty_answer

if TYPE_CHECKING:
    from scipy import sparse


class Factors(NamedTuple):
    """An item's score is its vector times the customer's, plus its bias."""

    vectors: NDArray[np.float32]
    """Shape (items, f)."""
    bias: NDArray[np.float32]
    """Of each item; -inf for one that nobody met, of which nothing can be said."""
    inner: NDArray[np.float32]
    """Shape (f, f). Folding in by least squares: Y'Y + l2 I of the item vectors Y. Else: what is multiplied with the
    mean of the context's vectors."""
    solved: NDArray[np.bool_]
    """Shape (1,): whether customers are folded in by least squares."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._asdict()


NO_FACTORS = Factors(
    np.empty((0, 0), np.float32), np.empty(0, np.float32), np.empty((0, 0), np.float32), np.zeros(1, np.bool_)
)


def factors_of(arrays: Mapping[str, NDArray[Any]]) -> Factors:
    return Factors(*(arrays[name] for name in Factors._fields))


def biases(matrix: "sparse.csr_matrix") -> NDArray[np.float32]:
    """No bias for items that some row of the matrix has, -inf for others."""
    found_in = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.where(found_in > 0, 0.0, -np.inf).astype(np.float32)


def recommend(factors: Factors, contexts: Sequence[Mapping[int, float]], k: int) -> Ranked:
    """The best for each context, whose items count what is said of them."""
    answer = empty_answer(len(contexts), k)
    for row, weights in enumerate(contexts):
        met = [item for item in weights if np.isfinite(factors.bias[item])]
        if met:
            _recommend_into(answer, row, factors, np.array(met), np.array([weights[item] for item in met]), k)
    return answer


def similar(factors: Factors, items: Sequence[int], k: int) -> Ranked:
    """By the angle between vectors."""
    answer = empty_answer(len(items), k)
    lengths = np.linalg.norm(factors.vectors, axis=1)
    for row, item in enumerate(items):
        if not np.isfinite(factors.bias[item]):
            continue
        angles = factors.vectors @ factors.vectors[item] / np.maximum(lengths * lengths[item], 1e-12)
        candidates = np.flatnonzero(np.isfinite(factors.bias) & (np.arange(len(lengths)) != item))
        chosen = candidates[best(angles[candidates].astype(np.float64), k)]
        answer.items[row, : len(chosen)] = chosen
        answer.scores[row, : len(chosen)] = angles[chosen]
    return answer


def _recommend_into(
    answer: Ranked, row: int, factors: Factors, items: NDArray[np.int64], weights: NDArray[np.float64], k: int
) -> None:
    theirs = factors.vectors[items].astype(np.float64)
    if factors.solved[0]:
        system = factors.inner + (theirs.T * (weights - 1)) @ theirs
        shares = np.linalg.solve(system, (theirs.T * weights)).T
    else:
        shares = (theirs * (weights / weights.sum())[:, None]) @ factors.inner
    # Row i of `shares` is what item i of the context adds to the customer's vector.
    scores = (factors.vectors @ shares.sum(axis=0).astype(np.float32)).astype(np.float64) + factors.bias
    candidates = np.flatnonzero(np.isfinite(factors.bias))
    chosen = candidates[best(scores[candidates], k)]
    answer.items[row, : len(chosen)] = chosen
    answer.scores[row, : len(chosen)] = scores[chosen]
    given = factors.vectors[chosen] @ shares.T
    most = given.argmax(axis=1)
    speaks = given[np.arange(len(chosen)), most] > 0
    answer.because[row, : len(chosen)] = np.where(speaks, items[most], NOTHING)
