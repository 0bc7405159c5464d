"""What people looked at next who had looked at the same: neighbours of the running visit among past ones.

Of the family of VMIS-kNN and VSTAN: an index of the latest visits of each item, and five weights (below).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import Dataset
from ..model import Context, Ranked
from . import visits
from .ranking import best, empty_answer, known, reasons, recent, steps, summed

FARTHEST = 64
"""Places between two items of a visit; what is farther apart counts as this far."""


class Votes(NamedTuple):
    """What near visits say: an item, how much, and which of the asked items made them speak."""

    items: NDArray[np.int32]
    scores: NDArray[np.float64]
    which: NDArray[np.int64]


class Candidates(NamedTuple):
    """What the running visit may go on with, best first."""

    asked: Sequence[int]
    """Its different items, the last one first."""
    votes: Votes
    items: NDArray[np.int64]
    scores: NDArray[np.float64]

    def reasons(self, chosen: NDArray[np.int64], catalogue: int) -> NDArray[np.int32]:
        """The item of the visit that spoke most for each."""
        return reasons(chosen, self.votes.items, self.votes.scores, self.votes.which, self.asked, catalogue)


class SessionKnn:
    """A past visit is as near as the items it shares with the running one count: more if they were looked at lately
    (`position_decay`, in places), or if few visits have them (`rarity`, an exponent). Long visits count less
    (`length_norm`, an exponent), and so do old ones (`recency_decay`, as a share of all visits).

    The nearest vote (`sharpness`, an exponent of their nearness) for their items: more for those close to a shared one
    (`distance_decay`, in places; the shared one gets `itself`), and for those that few visits have (`novelty`, an
    exponent). What the running visit has already gets `again` as much, its last item `again_last`: people come back
    to what they looked at more than others' visits tell.
    """

    name: ClassVar[str] = "session-knn"

    def __init__(
        self,
        neighbours: int = 300,
        visits_per_item: int = 250,
        length: int = 15,
        position_decay: float = 3.0,
        recency_decay: float = 0.5,
        distance_decay: float = 4.0,
        rarity: float = 1.5,
        novelty: float = 0.75,
        length_norm: float = 0.4,
        sharpness: float = 0.7,
        itself: float = 0.5,
        again: float = 6.0,
        again_last: float = 4.0,
    ) -> None:
        if neighbours < 1 or visits_per_item < 1 or not 1 <= length <= visits.LONGEST_CONTEXT:
            raise ValueError(
                f"neighbours and visits_per_item are at least 1, length is from 1 to {visits.LONGEST_CONTEXT}"
            )
        if min(position_decay, recency_decay, distance_decay) <= 0:
            raise ValueError("the decays are more than 0")
        self._neighbours, self._visits_per_item, self._length = neighbours, visits_per_item, length
        self._position_decay, self._recency_decay, self._distance_decay = position_decay, recency_decay, distance_decay
        self._rarity, self._novelty, self._length_norm = rarity, novelty, length_norm
        self._sharpness, self._itself = sharpness, itself
        self._again, self._again_last = again, again_last
        self._skus: Sequence[str] = ()

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "neighbours": self._neighbours, "visits_per_item": self._visits_per_item, "length": self._length,
            "position_decay": self._position_decay, "recency_decay": self._recency_decay,
            "distance_decay": self._distance_decay, "rarity": self._rarity, "novelty": self._novelty,
            "length_norm": self._length_norm, "sharpness": self._sharpness, "itself": self._itself,
            "again": self._again, "again_last": self._again_last,
        }  # fmt: skip

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    @property
    def length(self) -> int:
        """Items of a visit that count, the latest ones."""
        return self._length

    def fit(self, data: Dataset) -> None:
        index = visits.indexed(steps(data).by_session, len(data.items), self._visits_per_item)
        if not len(index):
            raise NotEnoughData("There are no visits of two items or more to learn from.")
        self.use(index, data.items.skus)

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        answer = empty_answer(len(contexts), k)
        for row, context in enumerate(contexts):
            self._answer(answer, row, recent(context, self._length), k)
        return answer

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        answer = empty_answer(len(items), k)
        for row, item in enumerate(items):
            one = empty_answer(1, k + 1)
            self._answer(one, 0, [item], k + 1)
            others = np.flatnonzero(one.items[0] != item)[:k]
            answer.items[row], answer.scores[row] = one.items[0, others], one.scores[0, others]
        return answer

    def save(self, directory: Path) -> None:
        save_arrays(directory, self.name, self.parameters, self._skus, self.arrays())

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._index.arrays()

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model.use(visits.visits_of(saved.arrays), saved.skus)
        return model

    def use(self, index: visits.Visits, skus: Sequence[str]) -> None:
        """Take an index, and work out once what every answer multiplies by."""
        self._index, self._skus = index, skus
        rarity = np.log((len(index) + 1) / np.maximum(index.visits_with, 1))
        self._rarity_of = rarity**self._rarity
        self._novelty_of = rarity**self._novelty
        self._lengths = np.diff(index.starts)
        age = (len(index) - 1 - np.arange(len(index))) / len(index)
        self._visit_weight = np.exp(-age / self._recency_decay) / self._lengths**self._length_norm
        apart = np.abs(np.arange(-FARTHEST, FARTHEST + 1))
        # An item votes for itself by being there, too, but with a weight of its own.
        self._by_distance = np.where(apart == 0, self._itself, np.exp(-apart / self._distance_decay))

    def _answer(self, answer: Ranked, row: int, looked: Sequence[int], k: int) -> None:
        if (found := self.candidates(looked, k)) is None:
            return
        count = len(found.items)
        answer.items[row, :count] = found.items
        answer.scores[row, :count] = found.scores
        answer.because[row, :count] = found.reasons(found.items, self._index.catalogue)

    def candidates(self, looked: Sequence[int], k: int) -> Candidates | None:
        """The k items with the most votes, best first; None where nobody looked at any of the same."""
        weights = self._weights(known(looked, self._index.catalogue))
        if not weights:
            return None
        asked = list(weights)
        votes = self._votes(asked, np.array(list(weights.values())))
        if not len(votes.items):
            return None
        found, scores = summed(votes.items, votes.scores, self._index.catalogue)
        scores *= self._novelty_of[found]
        for item in asked:
            scores[found == item] *= self._again_last if item == asked[0] else self._again
        chosen = best(scores, k)
        return Candidates(asked, votes, found[chosen], scores[chosen])

    def _weights(self, looked: Sequence[int]) -> Mapping[int, float]:
        """What each different item counts, the last one first."""
        weights: dict[int, float] = {}
        for back, item in enumerate(reversed(looked)):
            weights.setdefault(item, float(np.exp(-back / self._position_decay) * self._rarity_of[item]))
        return weights

    def _votes(self, asked: Sequence[int], weights: NDArray[np.float64]) -> Votes:
        matches = visits.matches(self._index, asked)
        shared = weights[matches.which]
        first = np.flatnonzero(np.diff(matches.visit, prepend=-1))
        visit = matches.visit[first]
        nearness = np.add.reduceat(shared, first) if len(first) else shared
        nearness *= self._visit_weight[visit]
        near = best(nearness, self._neighbours)
        # Each shared item of each near visit votes for that visit's items.
        counts = np.diff(first, append=len(matches.visit))[near]
        match, of = visits.ranges(first[near], counts)
        strength = nearness[near][of] ** self._sharpness * shared[match]
        visit = matches.visit[match]
        begin = self._index.starts[visit]
        vote, by = visits.ranges(begin, self._lengths[visit])
        distance = vote - (begin + matches.place[match])[by]
        return Votes(
            self._index.items[vote],
            strength[by] * self._by_distance[distance + FARTHEST],
            matches.which[match][by],
        )
