"""Measures of ranked lists over the whole catalogue, exactly as defined here; each a figure per case and length k.

Nothing is ranked among a sample of items that nobody chose: sampled measures can order models differently than the
full ones (Krichene and Rendle, On Sampled Metrics for Item Recommendation, KDD 2020). In the definitions, R is what
was right, L the list of recommendations, L_k its first k places, rel(i) 1 if the item at place i is in R, else 0.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import NOTHING
from .cases import Truths

Figures = NDArray[np.float64]
"""Shape (n cases, number of ks)."""


class Found(NamedTuple):
    """Which places of n lists hold something that was right, and how many items were right."""

    hits: NDArray[np.bool_]
    """Shape (n, longest k)."""
    sizes: NDArray[np.int64]


def found(lists: NDArray[np.int32], truths: Truths) -> Found:
    """Compare lists with what was right. An item counts at its first place only, should a list name it twice."""
    if not lists.size:
        return Found(np.zeros(lists.shape, bool), truths.sizes)
    width = np.int64(max(lists.max(initial=0), truths.items.max(initial=0)) + 1)
    rows = np.arange(len(lists), dtype=np.int64)[:, None]
    keys = np.where(lists == NOTHING, -1, rows * width + lists)
    hits = np.isin(keys, truths.cases * width + truths.items)
    hits &= _first_places(keys)
    return Found(hits, truths.sizes)


def hit_rate(found: Found, ks: Sequence[int]) -> Figures:
    """HR@k: 1 if any item of R is in L_k, else 0. For one right item it equals Recall@k, and what papers on sessions
    call P@k."""
    return (_counted(found, ks) > 0).astype(np.float64)


def recall(found: Found, ks: Sequence[int]) -> Figures:
    """Recall@k = |R and L_k| / |R| (Manning et al., Introduction to Information Retrieval, 8.3). With more right items
    than k it can't reach 1."""
    return _counted(found, ks) / _at_least_one(found)


def precision(found: Found, ks: Sequence[int]) -> Figures:
    """Precision@k = |R and L_k| / k, also where the list is shorter than k."""
    return _counted(found, ks) / np.array(ks, np.float64)


def mrr(found: Found, ks: Sequence[int]) -> Figures:
    """MRR@k = 1 / place of the first item of R, 0 if there is none in L_k (Voorhees, TREC-8, 1999)."""
    places = np.arange(1, found.hits.shape[1] + 1)
    reciprocal = np.where(found.hits, 1 / places, 0.0)
    best = np.maximum.accumulate(reciprocal, axis=1) if reciprocal.size else reciprocal
    return _at(best, ks)


def ndcg(found: Found, ks: Sequence[int]) -> Figures:
    """NDCG@k = DCG@k / IDCG@k, DCG@k = sum of rel(i) / log2(i + 1), IDCG@k that of a list which begins with
    min(|R|, k) right ones (Järvelin and Kekäläinen, 2002, with relevance 0 or 1)."""
    discounts = 1 / np.log2(np.arange(2, found.hits.shape[1] + 2))
    gained: Figures = _at(np.cumsum(found.hits * discounts, axis=1), ks)
    # IDCG goes up to k, whether or not the lists are that long.
    ideal = np.concatenate(([0.0], np.cumsum(1 / np.log2(np.arange(2, max(ks) + 2)))))
    best: Figures = ideal[np.minimum(found.sizes[:, None], np.array(ks))]
    return gained / np.where(best > 0, best, 1.0)


def average_precision(found: Found, ks: Sequence[int]) -> Figures:
    """MAP@k: the mean over cases of AP@k = sum of Precision@i * rel(i) for i up to k, / min(|R|, k), so that a perfect
    list has 1."""
    counted = np.cumsum(found.hits, axis=1)
    places = np.arange(1, found.hits.shape[1] + 1)
    summed = _at(np.cumsum(np.where(found.hits, counted / places, 0.0), axis=1), ks)
    return summed / np.minimum(_at_least_one(found), np.array(ks, np.float64))


ACCURACY = {
    "hit_rate": hit_rate,
    "recall": recall,
    "precision": precision,
    "mrr": mrr,
    "ndcg": ndcg,
    "map": average_precision,
}
"""What compares lists with what was right, by the name in figures."""

TITLES: Mapping[str, str] = {
    "hit_rate": "HR",
    "recall": "Recall",
    "precision": "Precision",
    "mrr": "MRR",
    "ndcg": "NDCG",
    "map": "MAP",
    "novelty": "Novelty",
    "diversity": "Diversity",
}


def novelty(lists: NDArray[np.int32], counts: NDArray[np.int64], ks: Sequence[int]) -> Figures:
    """Mean self-information of the items of L_k in bits, -log2 p(item), p its share of the interactions that were
    learned from, one added to each count (Zhou et al., PNAS 2010). NaN for an empty list."""
    information = -np.log2((counts + 1) / (counts.sum() + len(counts)))
    there = lists != NOTHING
    summed = np.cumsum(np.where(there, information[lists], 0.0), axis=1)
    return _divided(_at(summed, ks), _at(np.cumsum(there, axis=1), ks))


def diversity(lists: NDArray[np.int32], categories: NDArray[np.int64], ks: Sequence[int]) -> Figures:
    """Intra-list diversity: the share of pairs in L_k whose categories differ (Ziegler et al., WWW 2005, with the
    distance 0 or 1). NaN for lists of fewer than two. `categories`: a number per item."""
    there = lists != NOTHING
    mine = np.where(there, categories[lists], -1)
    alike = np.zeros(lists.shape)
    for place in range(1, lists.shape[1]):
        alike[:, place] = ((mine[:, :place] == mine[:, place, None]) & there[:, place, None]).sum(axis=1)
    count = _at(np.cumsum(there, axis=1), ks)
    pairs = count * (count - 1) / 2
    return 1 - _divided(_at(np.cumsum(alike, axis=1), ks), pairs)


def coverage(lists: NDArray[np.int32], items: int, ks: Sequence[int]) -> list[float]:
    """Catalogue coverage: the share of all items that are in at least one L_k."""
    return [len(np.unique(lists[:, :k][lists[:, :k] != NOTHING])) / items for k in ks]


def _counted(found: Found, ks: Sequence[int]) -> Figures:
    return _at(np.cumsum(found.hits, axis=1), ks)


def _at(cumulated: NDArray[np.generic], ks: Sequence[int]) -> Figures:
    """Columns at the lengths; a list that is shorter than k stays as it is at its end."""
    if not cumulated.shape[1]:
        return np.zeros((len(cumulated), len(ks)))
    columns = np.minimum(np.array(ks), cumulated.shape[1]) - 1
    return cumulated[:, columns].astype(np.float64)


def _at_least_one(found: Found) -> Figures:
    """A case without anything right has 0 in all measures; who averages leaves it out."""
    return np.maximum(found.sizes, 1).astype(np.float64)[:, None]


def _divided(above: Figures, below: Figures) -> Figures:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _first_places(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where a key has not been in its row before."""
    flat = keys.ravel()
    _, first = np.unique(flat, return_index=True)
    seen = np.zeros(flat.shape, bool)
    seen[first] = True
    return seen.reshape(keys.shape)
