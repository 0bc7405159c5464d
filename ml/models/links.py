"""Which items lead to which, and how strongly: the saved form and the inference of models from item to item.

An item's links lie side by side, strongest first, so that an answer is a few slices, summed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Ranked
from .ranking import best, empty_answer, known, reasons, summed

if TYPE_CHECKING:
    from scipy import sparse


class Links(NamedTuple):
    """Item i leads to `to[starts[i]:starts[i + 1]]`."""

    starts: NDArray[np.int64]
    to: NDArray[np.int32]
    strength: NDArray[np.float32]

    @property
    def catalogue(self) -> int:
        return len(self.starts) - 1

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"starts": self.starts, "to": self.to, "strength": self.strength}


NO_LINKS = Links(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def links_of(arrays: Mapping[str, NDArray[Any]]) -> Links:
    return Links(arrays["starts"], arrays["to"], arrays["strength"])


def strongest(matrix: "sparse.csr_matrix", limit: int) -> Links:
    """The `limit` highest of each row; among equals those of the lower index."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    kept = order[(rank < limit) & (matrix.data[order] > 0)]
    counts = np.bincount(rows[kept], minlength=matrix.shape[0])
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Links(starts, matrix.indices[kept].astype(np.int32), matrix.data[kept].astype(np.float32))


def joined(parts: Sequence[Links]) -> Links:
    """Links of consecutive blocks of items as one."""
    counts = np.concatenate([np.diff(part.starts) for part in parts])
    return Links(
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.concatenate([part.to for part in parts]),
        np.concatenate([part.strength for part in parts]),
    )


def follow(links: Links, contexts: Sequence[Sequence[int]], decay: float, k: int) -> Ranked:
    """What the items of each context lead to: the last one counts 1, each one before it `decay` of the next."""
    answer = empty_answer(len(contexts), k)
    for row, context in enumerate(contexts):
        items = known(context, links.catalogue)
        weights: dict[int, float] = {}
        for back, item in enumerate(reversed(items)):
            # An item that was looked at twice counts once, as the later time.
            weights.setdefault(item, decay**back)
        if weights:
            _follow_into(answer, row, links, weights, k)
    return answer


def follow_weighted(links: Links, contexts: Sequence[Mapping[int, float]], k: int) -> Ranked:
    """What the items of each context lead to, each counting what is said of it. All are items that the model has."""
    answer = empty_answer(len(contexts), k)
    for row, weights in enumerate(contexts):
        if weights:
            _follow_into(answer, row, links, weights, k)
    return answer


def similar(links: Links, items: Sequence[int], k: int) -> Ranked:
    """What each item leads to, without itself."""
    answer = empty_answer(len(items), k)
    for row, item in enumerate(items):
        links_from = slice(links.starts[item], links.starts[item + 1])
        others = np.flatnonzero(links.to[links_from] != item)[:k]
        answer.items[row, : len(others)] = links.to[links_from][others]
        answer.scores[row, : len(others)] = links.strength[links_from][others]
    return answer


def _follow_into(answer: Ranked, row: int, links: Links, weights: Mapping[int, float], k: int) -> None:
    slices = [slice(links.starts[item], links.starts[item + 1]) for item in weights]
    to = np.concatenate([links.to[links_from] for links_from in slices])
    strength = np.concatenate(
        [weight * links.strength[links_from] for weight, links_from in zip(weights.values(), slices, strict=True)],
        dtype=np.float64,
    )
    found, scores = summed(to, strength, links.catalogue)
    chosen = best(scores, k)
    answer.items[row, : len(chosen)] = found[chosen]
    answer.scores[row, : len(chosen)] = scores[chosen]
    sources = np.repeat(np.arange(len(weights)), [part.stop - part.start for part in slices])
    answer.because[row, : len(chosen)] = reasons(found[chosen], to, strength, sources, list(weights), links.catalogue)
