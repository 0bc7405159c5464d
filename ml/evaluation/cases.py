"""What is asked of a model and what is right: contexts, and the items that followed each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from ..interactions import Items
from ..model import Context


@dataclass(frozen=True)
class Truths:
    """The items that were right, ragged: case n has `items[starts[n]:starts[n + 1]]`, none of them twice."""

    starts: NDArray[np.int64]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many are right in each case."""
        return np.diff(self.starts)

    @property
    def cases(self) -> NDArray[np.int64]:
        """To which case each of `items` belongs."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def where(self, kept: NDArray[np.bool_]) -> "Truths":
        """The same cases with some of what is right: `kept` says it of each of `items`."""
        sizes = np.bincount(self.cases[kept], minlength=len(self))
        return Truths(_starts(sizes), self.items[kept])

    def of(self, cases: NDArray[np.int64]) -> "Truths":
        """These cases only, in this order."""
        starts = _starts(self.sizes[cases])
        places = np.repeat(self.starts[cases] - starts[:-1], np.diff(starts)) + np.arange(starts[-1])
        return Truths(starts, self.items[places])


def truths_of(each: Sequence[Sequence[int] | NDArray[np.int32]]) -> Truths:
    """Of one sequence of items per case; what occurs twice counts once."""
    once = [np.unique(np.asarray(items, np.int32)) for items in each]
    return Truths(_starts([len(items) for items in once]), np.concatenate(once) if once else np.empty(0, np.int32))


@dataclass(frozen=True)
class Cases:
    """Contexts and what was right for each. Cases of one group (a session, a customer) aren't independent of each
    other: intervals are drawn over groups."""

    items: Items
    contexts: Sequence[Context]
    truths: Truths
    group: NDArray[np.int64]
    only_new: bool = False
    """Whether only what the customer never bought before counts: what they did buy isn't recommended either."""

    def __len__(self) -> int:
        return len(self.contexts)

    def of(self, cases: NDArray[np.int64]) -> "Cases":
        """These cases only, in this order."""
        contexts = [self.contexts[case] for case in cases]
        return Cases(self.items, contexts, self.truths.of(cases), self.group[cases], self.only_new)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what is right, in which group: figures are comparable where it is the same."""
        digest = sha256("\n".join(self.items.skus).encode())
        for column in (self.truths.starts, self.truths.items, self.group):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def sampled(self, groups: int, seed: int) -> "Cases":
        """The cases of so many groups, drawn at random: all of them where there are no more."""
        known = np.unique(self.group)
        if len(known) <= groups:
            return self
        drawn = np.random.default_rng(seed).choice(known, groups, replace=False)
        return self.of(np.flatnonzero(np.isin(self.group, drawn)))


def next_item_cases(items: Items, pairs: Iterable[tuple[Sequence[int], int]]) -> Cases:
    """Cases of a published test set: what a session did so far, and what came next. Raises NotEnoughData.

    Such sets ask for every item of a session in turn, but don't say which lines are of one: those that continue each
    other are one group.
    """
    given = list(pairs)
    if not given:
        raise NotEnoughData("There is no case to be right or wrong in.")
    truths = Truths(np.arange(len(given) + 1, dtype=np.int64), np.array([right for _, right in given], np.int32))
    wholes = [(*before, right) for before, right in given]
    begins = [
        number == 0 or (tuple(given[number - 1][0]) != whole and wholes[number - 1] != tuple(given[number][0]))
        for number, whole in enumerate(wholes)
    ]
    return Cases(items, [Context(session=before) for before, _ in given], truths, np.cumsum(begins) - 1)


def _starts(sizes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
