"""What a ranker knows of a candidate: where other models placed it, how the customer bought it, how everybody does.

Numpy only, and the same code in training and inference.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..interactions import NOBODY, Dataset
from ..model import NOTHING, Context, Ranked
from .taste import CONTEXT_LENGTH

DAY_MS = 86_400_000
SOLD_WITHIN_DAYS = (3, 7, 14, 30, 90)
HALF_LIVES_DAYS = (20, 90)
NEVER_DAYS = 10_000.0
EXPECTED_AGAIN = 0.2
"""The part of an item's buyers who buy it again, before anything is known."""

Columns = NDArray[np.float64]


class Selling(NamedTuple):
    """How the items sell, when the model was made."""

    items: NDArray[np.float32]
    """Shape (items, features)."""
    until: NDArray[np.int64]
    """Shape (1,): the last interaction, milliseconds UTC."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._asdict()


class Candidates(NamedTuple):
    """Items that some model names for a context, ascending, each with those models' words about it."""

    items: NDArray[np.int64]
    told: Columns
    """Shape (candidates, 2 per model): its score beside that of the model's first, and its place."""
    because: NDArray[np.int32]


def selling_of(data: Dataset) -> Selling:
    """Purchases by age, buyers, who bought again, and when it was sold first and last."""
    bought = data.bought if len(data.bought) else data
    catalogue, until = len(data.items), int(data.at[-1])
    age = (until - bought.at) / DAY_MS
    within = [np.bincount(bought.item[age < days], minlength=catalogue) for days in SOLD_WITHIN_DAYS]
    known = bought.customer != NOBODY
    # Two lines of one order are one purchase.
    keys = bought.customer[known].astype(np.int64) * catalogue + bought.item[known]
    keys = np.unique(np.stack((keys, bought.at[known])), axis=1)[0]
    pairs, times = np.unique(keys, return_counts=True)
    buyers = np.bincount(pairs % catalogue, minlength=catalogue)
    again = np.bincount(pairs[times > 1] % catalogue, minlength=catalogue)
    last, first = np.full(catalogue, NEVER_DAYS), np.zeros(catalogue)
    np.minimum.at(last, bought.item, age)
    np.maximum.at(first, bought.item, age)
    rate = (again + 2 * EXPECTED_AGAIN) / (buyers + 2)
    total = np.bincount(bought.item, minlength=catalogue)
    columns = np.stack([*within, total, buyers, rate, last, first], axis=1)
    return Selling(columns.astype(np.float32), np.array([until], np.int64))


def candidates_of(lists: Sequence[Ranked], row: int) -> Candidates:
    """What the models name in that row."""
    named = [ranked.items[row] for ranked in lists]
    items = np.unique(np.concatenate(named))
    items = items[items != NOTHING].astype(np.int64)
    told = np.zeros((len(items), 2 * len(lists)))
    because = np.full(len(items), NOTHING, np.int32)
    for number, (ranked, names) in enumerate(zip(lists, named, strict=True)):
        given = np.flatnonzero(names != NOTHING)
        place = np.searchsorted(items, names[given])
        scores = ranked.scores[row].astype(np.float64)
        told[:, 2 * number + 1] = len(names)
        if len(given):
            told[place, 2 * number] = scores[given] / max(abs(scores[0]), 1e-12)
            told[place, 2 * number + 1] = given
        because[place] = np.where(because[place] == NOTHING, ranked.because[row][given], because[place])
    return Candidates(items, told, because)


def features_of(context: Context, candidates: Candidates, selling: Selling) -> Columns:
    """One row for each candidate."""
    own, customer = _bought(context, candidates.items, int(selling.until[0]))
    same = np.broadcast_to(customer, (len(candidates.items), len(customer)))
    return np.concatenate((candidates.told, own, selling.items[candidates.items], same), axis=1, dtype=np.float64)


def _bought(context: Context, items: NDArray[np.int64], until: int) -> tuple[Columns, NDArray[np.float64]]:
    """How the customer bought each item; and how they buy at all."""
    bought = np.array(context.history[-CONTEXT_LENGTH:], np.int64)
    timed = len(context.history_at) == len(context.history)
    now = context.at or max(context.history_at, default=until)
    at = np.array(context.history_at[-CONTEXT_LENGTH:], np.int64) if timed else np.full(len(bought), now, np.int64)
    if timed:
        # Two lines of one order are one purchase.
        bought, at = np.unique(np.stack((bought, at)), axis=1)
    days = np.maximum(now - at, 0) / DAY_MS
    orders = np.unique(at)
    customer = np.array(
        [
            len(orders),
            days.min(initial=NEVER_DAYS),
            days.max(initial=0.0),
            len(np.unique(bought)),
            len(bought) / max(len(orders), 1),
        ]
    )
    different, place = np.unique(bought, return_inverse=True)
    counts = np.bincount(place, minlength=len(different)).astype(np.float64)
    last, first = np.full(len(different), NEVER_DAYS), np.zeros(len(different))
    np.minimum.at(last, place, days)
    np.maximum.at(first, place, days)
    decayed = [np.bincount(place, 0.5 ** (days / each), minlength=len(different)) for each in HALF_LIVES_DAYS]
    # How much later than the last order this one was bought last; and how many days pass between two times.
    late, gap = last - customer[1], (first - last) / np.maximum(counts - 1, 1)
    columns = np.stack((counts, *decayed, last, first, counts / max(len(orders), 1), late, gap), axis=1)
    own = np.zeros((len(items), columns.shape[1]))
    own[:, len(HALF_LIVES_DAYS) + 1] = NEVER_DAYS
    if len(different):
        where = np.minimum(np.searchsorted(different, items), len(different) - 1)
        theirs = different[where] == items
        own[theirs] = columns[where[theirs]]
    return own, customer
