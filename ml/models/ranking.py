"""The last step of models that score items: scores of few items summed, the best k of them, in the protocol's shape."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..interactions import Dataset, Did
from ..model import NOTHING, Context, Ranked

DENSE = 64
"""Summing over the whole catalogue is quicker than sorting as long as it has no more items per score than this."""


def empty_answer(rows: int, k: int) -> Ranked:
    """Rows with nothing in them, to be filled."""
    return Ranked(
        np.full((rows, k), NOTHING, np.int32),
        np.full((rows, k), -np.inf, np.float32),
        np.full((rows, k), NOTHING, np.int32),
    )


def summed(
    items: NDArray[np.int32], scores: NDArray[np.float64], catalogue: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each item once, ascending, with the sum of its scores; items without any are left out."""
    if catalogue <= DENSE * len(items):
        dense: NDArray[np.float64] = np.bincount(items, scores, catalogue).astype(np.float64, copy=False)
        found = np.flatnonzero(dense).astype(np.int64, copy=False)
        return found, dense[found]
    different, place = np.unique(items, return_inverse=True)
    totals: NDArray[np.float64] = np.bincount(place, scores, len(different)).astype(np.float64, copy=False)
    found = np.flatnonzero(totals)
    return different[found].astype(np.int64), totals[found]


def best(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Places of the k highest, best first; among equals the first ones. So an answer never depends on a sort."""
    if len(scores) > k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > least)
        chosen = np.concatenate((above, np.flatnonzero(scores == least)[: k - len(above)]))
    else:
        chosen = np.arange(len(scores))
    return chosen[np.argsort(-scores[chosen], kind="stable")]


def reasons(
    chosen: NDArray[np.int64],
    items: NDArray[np.int32],
    scores: NDArray[np.float64],
    sources: NDArray[np.int64],
    names: Sequence[int],
    catalogue: int,
) -> NDArray[np.int32]:
    """For each chosen item, which of the sources (places in `names`) gave the most of its score."""
    if not len(chosen):
        return np.empty(0, np.int32)
    if catalogue <= DENSE * len(items):
        slots = np.full(catalogue, -1, np.int64)
        slots[chosen] = np.arange(len(chosen))
        slot = slots[items]
    else:
        order = np.argsort(chosen)
        place = np.minimum(np.searchsorted(chosen, items, sorter=order), len(chosen) - 1)
        slot = np.where(chosen[order[place]] == items, order[place], -1)
    given = np.flatnonzero(slot >= 0)
    shares = np.bincount(slot[given] * len(names) + sources[given], scores[given], len(chosen) * len(names))
    most: NDArray[np.int64] = shares.reshape(len(chosen), len(names)).argmax(axis=1)
    return np.array(names, np.int32)[most]


def recent(context: Context, limit: int) -> list[int]:
    """What a visit is about, oldest first: the cart, then what was looked at; who did neither: their last purchases."""
    looked = [*(item for item in context.basket if item not in context.session), *context.session]
    return (looked or list(context.history))[-limit:]


def steps(data: Dataset) -> Dataset:
    """Interest only, and each once: nothing taken out of a cart; looking at an item, then adding it is one step."""
    interest = data.did != Did.REMOVE
    order = np.argsort(data.session, kind="stable")
    again = np.zeros(len(data), bool)
    again[order[1:]] = (
        (data.session[order[1:]] == data.session[order[:-1]])
        & (data.item[order[1:]] == data.item[order[:-1]])
        & (data.did[order[1:]] != data.did[order[:-1]])
    )
    kept = interest & ~again
    return data if kept.all() else data.where(kept)


def known(items: Sequence[int], catalogue: int) -> list[int]:
    """Only indices that a model has."""
    return [item for item in items if 0 <= item < catalogue]
