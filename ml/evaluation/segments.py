"""Parts of the cases that an average hides: new and known customers, short and long sessions, head and tail items."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cases import Cases, Truths

HEAD_SHARE = 0.5
"""The head are the most popular items that together have this share of the interactions; all others are the tail."""
FEW_CLICKS = 2
"""A session of so many is short."""


class Segment(NamedTuple):
    """Some cases, with what counts as right in them."""

    cases: NDArray[np.int64]
    truths: Truths


def segments_of(cases: Cases, counts: NDArray[np.int64]) -> Mapping[str, Segment]:
    """The parts that have cases, by name. `counts`: interactions of each item that were learned from.

    Segments of customers and sessions are whole cases. Segments of items keep the cases that have right items of that
    kind, and ask for these only.
    """
    bought = np.array([len(context.history) > 0 for context in cases.contexts])
    clicks = np.array([len(context.session) for context in cases.contexts])
    by_case = {
        "known customers": bought,
        "new customers": ~bought,
        "short sessions": (clicks > 0) & (clicks <= FEW_CLICKS),
        "long sessions": clicks > FEW_CLICKS,
    }
    head = head_items(counts)
    by_item = {"head items": head, "tail items": ~head & (counts > 0), "unseen items": counts == 0}
    found = {name: _some(cases.truths, chosen) for name, chosen in by_case.items() if chosen.any()}
    # Where everybody is new, or everybody known, the segment is the whole.
    found = {name: segment for name, segment in found.items() if len(segment.cases) < len(cases)}
    for name, kind in by_item.items():
        kept = cases.truths.where(kind[cases.truths.items])
        if len(kept.items):
            found[name] = _some(kept, kept.sizes > 0)
    return found


def head_items(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which items are the head: the fewest that reach the share."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    head = np.zeros(len(counts), bool)
    head[order[before < HEAD_SHARE * counts.sum()]] = True
    return head


def _some(truths: Truths, chosen: NDArray[np.bool_]) -> Segment:
    cases = np.flatnonzero(chosen)
    return Segment(cases, truths.of(cases))
