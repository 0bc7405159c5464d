"""What is looked at after what: rules from an item to those that follow it in visits, the sooner the stronger."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NotEnoughData
from ..interactions import Dataset, Rows
from ..model import Context, Ranked
from . import links
from .linked import LinkedModel
from .ranking import recent, steps

if TYPE_CHECKING:
    from scipy import sparse

CONTEXT_LENGTH = 20
"""Items of a context that count, the latest ones."""


class SequentialRules(LinkedModel):
    """Item a leads to b with the sum of 1 / gap over all visits that have b up to `steps` places after a; with
    `backwards` also to what came before it, as much weaker."""

    name = "sequential-rules"

    def __init__(
        self, steps: int = 10, neighbours: int = 200, decay: float = 0.5, backwards: float = 0.5, normed: bool = True
    ) -> None:
        if steps < 1 or neighbours < 1 or not 0 <= decay <= 1 or not 0 <= backwards <= 1:
            raise ValueError("steps and neighbours are at least 1, decay and backwards are from 0 to 1")
        self._steps, self._neighbours, self._decay = steps, neighbours, decay
        self._backwards, self._normed = backwards, normed

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "steps": self._steps, "neighbours": self._neighbours, "decay": self._decay,
            "backwards": self._backwards, "normed": self._normed,
        }  # fmt: skip

    def fit(self, data: Dataset) -> None:
        rows = steps(data).by_session
        if not len(rows):
            raise NotEnoughData("There are no visits to learn from.")
        rules = transitions(rows, len(data.items), self._steps, self._backwards)
        if self._normed:
            # By how often a is followed at all: else the items of a context that everybody looks at drown the others.
            totals = np.asarray(rules.sum(axis=1)).ravel()
            rules.data /= np.repeat(totals, np.diff(rules.indptr))
        self._links = links.strongest(rules, self._neighbours)
        self._skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return links.follow(self._links, [recent(context, CONTEXT_LENGTH) for context in contexts], self._decay, k)


def transitions(rows: Rows, catalogue: int, longest: int, backwards: float) -> "sparse.csr_matrix":
    """Items x items: 1 / gap for each time that the column's item came after the row's."""
    from scipy import sparse

    visit = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
    total = sparse.csr_matrix((catalogue, catalogue))
    for gap in range(1, longest + 1):
        same = visit[gap:] == visit[:-gap]
        if not same.any():
            break
        pairs = (rows.items[:-gap][same], rows.items[gap:][same])
        total += sparse.csr_matrix((np.full(len(pairs[0]), 1 / gap), pairs), shape=total.shape)
    if backwards:
        total = total + backwards * total.T
    matrix = total.tocsr()
    matrix.sort_indices()
    return matrix
