"""What a ranker knows of each candidate for the running visit: a row of numbers, from past visits only."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..interactions import Rows
from .item_knn import counts
from .links import Links, strongest
from .sequential_rules import transitions
from .session_knn import Candidates

if TYPE_CHECKING:
    from scipy import sparse

KEPT = 400
"""Links of each kind that an item keeps."""
STEPS = 10
"""Places after an item that count as following it."""
LATELY = (0.07, 0.02)
"""Last shares of the visits, for what is popular now."""
USUAL_WEIGHT = 5.0
"""Visits that an item's rates begin with at what is usual."""
NEAREST = 6
"""Items of the running visit whose links are summed, the last ones."""
DECAY = 0.7
FEATURES = 30


class Facts(NamedTuple):
    """Of items, and of pairs of them."""

    follows: Links
    precedes: Links
    next: Links
    together: Links
    items: NDArray[np.float32]
    """Items x facts: popularity of ever and lately, how often it is looked at again, at once, and last of all."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        pairs = {"follows": self.follows, "precedes": self.precedes, "next": self.next, "together": self.together}
        named = {f"{name}_{key}": array for name, links in pairs.items() for key, array in links.arrays().items()}
        return {**named, "facts": self.items}


def facts_of(arrays: Mapping[str, NDArray[Any]]) -> Facts:
    def links(name: str) -> Links:
        return Links(*(arrays[f"{name}_{key}"] for key in Links._fields))

    return Facts(links("follows"), links("precedes"), links("next"), links("together"), arrays["facts"])


def learned(rows: Rows, catalogue: int) -> Facts:
    """The facts of these visits."""
    after = transitions(rows, catalogue, STEPS, 0)
    at_once = transitions(rows, catalogue, 1, 0)
    met = counts(rows, catalogue)
    met.data[:] = 1
    visits_with = np.bincount(met.indices, minlength=catalogue)
    together = (met.T @ met).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    norm = np.sqrt(np.maximum(visits_with, 1))
    together.data /= np.repeat(norm, np.diff(together.indptr)) * norm[together.indices]
    return Facts(
        _by_item(_shares(after)),
        _by_item(_shares(after.T.tocsr())),
        _by_item(_shares(at_once)),
        _by_item(together),
        _of_items(rows, met, visits_with, at_once),
    )


def features(facts: Facts, found: Candidates, looked: Sequence[int]) -> NDArray[np.float32]:
    """Candidates x FEATURES. `looked`: the running visit, oldest first."""
    items, asked, votes = found.items, found.asked, found.votes
    last, before = asked[0], asked[1] if len(asked) > 1 else None
    catalogue = len(facts.items)
    table = np.zeros((len(items), FEATURES), np.float32)
    columns = iter(table.T)

    def say(value: Any) -> None:
        next(columns)[:] = value

    total = found.scores.sum()
    by_last = np.bincount(votes.items, votes.scores * (votes.which == 0), catalogue)[items]
    of_all = np.bincount(votes.items, votes.scores, catalogue)[items]
    say(np.log(found.scores + 1e-9))
    say(found.scores / found.scores[0])
    say(found.scores / total)
    say(np.log1p(np.bincount(votes.items, minlength=catalogue)[items]))
    say(by_last / np.maximum(of_all, 1e-9))
    say(np.log(total + 1e-9))
    for links in (facts.follows, facts.precedes, facts.next, facts.together):
        say(between(links, last, items))
        say(-1.0 if before is None else between(links, before, items))
    say(sum(DECAY**back * between(facts.follows, item, items) for back, item in enumerate(asked[:NEAREST])))
    say(sum(DECAY**back * between(facts.precedes, item, items) for back, item in enumerate(asked[:NEAREST])))
    met = [between(facts.together, item, items) for item in asked[:NEAREST]]
    say(sum(met))
    say(sum(each > 0 for each in met))
    for column in facts.items.T:
        say(column[items])
    back, times = _in_visit(items, looked)
    say(back)
    say(times)
    say(len(looked))
    say(len(asked))
    say(facts.items[last, 0])
    say(facts.items[last, 4])
    return table


def between(links: Links, item: int, others: NDArray[np.int64]) -> NDArray[np.float32]:
    """How strongly an item is linked with each of the others: 0 where it isn't."""
    start, end = links.starts[item], links.starts[item + 1]
    if start == end:
        return np.zeros(len(others), np.float32)
    to = links.to[start:end]
    place = np.minimum(np.searchsorted(to, others.astype(np.int32)), end - start - 1)
    return np.where(to[place] == others, links.strength[start:end][place], np.float32(0))


def _in_visit(items: NDArray[np.int64], looked: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far back in the visit each was looked at last (1: just now; 0: never), and how often."""
    same = items[:, None] == np.array(looked)[None, ::-1]
    times = same.sum(axis=1)
    return np.where(times > 0, same.argmax(axis=1) + 1, 0).astype(np.float32), times.astype(np.float32)


def _by_item(matrix: "sparse.csr_matrix") -> Links:
    """The strongest links of each item, by the other item: so that one is found by halving."""
    links = strongest(matrix, KEPT)
    order = np.lexsort((links.to, np.repeat(np.arange(links.catalogue), np.diff(links.starts))))
    return Links(links.starts, links.to[order], links.strength[order])


def _shares(matrix: "sparse.csr_matrix") -> "sparse.csr_matrix":
    shares = matrix.astype(np.float64)
    shares.data /= np.repeat(np.asarray(matrix.sum(axis=1)).ravel(), np.diff(matrix.indptr))
    return shares


def _of_items(
    rows: Rows, met: "sparse.csr_matrix", visits_with: NDArray[np.int64], at_once: "sparse.csr_matrix"
) -> NDArray[np.float32]:
    catalogue = len(visits_with)
    looked = np.bincount(rows.items, minlength=catalogue)
    ended = np.bincount(rows.items[rows.starts[1:] - 1], minlength=catalogue)
    lately = [np.bincount(met[int(len(rows) * (1 - share)) :].indices, minlength=catalogue) for share in LATELY]

    def rate(times: NDArray[Any], of: NDArray[Any]) -> NDArray[np.float64]:
        rates: NDArray[np.float64] = (times + USUAL_WEIGHT * times.sum() / max(of.sum(), 1)) / (of + USUAL_WEIGHT)
        return rates

    followed = np.asarray(at_once.sum(axis=1)).ravel()
    return np.stack(
        [
            np.log1p(visits_with), *(np.log1p(each) for each in lately),
            rate(looked - visits_with, visits_with), rate(at_once.diagonal(), followed), rate(ended, looked),
        ],
        axis=1,
    ).astype(np.float32)  # fmt: skip
