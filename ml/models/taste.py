"""What customers like: a context as a weight for each item, and a dataset as the matrix of these, for the models that
take a customer (or a visit) as a whole rather than as a sequence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NotEnoughData
from ..interactions import NOBODY, Dataset, Did
from ..model import Context

if TYPE_CHECKING:
    from scipy import sparse

TOGETHER = ("customers", "sessions")
"""Whose interactions make a row of the matrix."""
CONTEXT_LENGTH = 1_000
"""Purchases of a context that count, the latest ones; and as many clicks."""


def taste(context: Context, catalogue: int, power: float) -> Mapping[int, float]:
    """How much each item of the context counts: the number of times, to the power; in the order of the first time."""
    history = list(context.history)[-CONTEXT_LENGTH:]
    if len(context.history_at) == len(context.history):
        # Two lines of one order are one purchase.
        history = [item for item, _ in dict.fromkeys(zip(history, context.history_at[-CONTEXT_LENGTH:], strict=True))]
    now = dict.fromkeys([*context.basket, *context.session[-CONTEXT_LENGTH:]])
    counts = Counter(item for item in (*history, *now) if 0 <= item < catalogue)
    return {item: float(count**power) for item, count in counts.items()}


def tastes(contexts: Sequence[Context], catalogue: int, power: float) -> list[Mapping[int, float]]:
    return [taste(context, catalogue, power) for context in contexts]


def taste_matrix(data: Dataset, together: str, power: float) -> "sparse.csr_matrix":
    """Customers (or visits) x items: in how many visits each was met, to the power. Raises NotEnoughData."""
    from scipy import sparse

    whose = data.customer if together == "customers" else data.session
    rows = np.flatnonzero((whose != NOBODY) & (data.did != Did.REMOVE))
    if not len(rows):
        raise NotEnoughData(f"There are no {together} to learn from.")
    groups, group = np.unique(whose[rows], return_inverse=True)
    # What belongs to no visit counts each time.
    visit = np.where(data.session[rows] == NOBODY, -1 - rows, data.session[rows])
    met = np.unique(np.stack((group.astype(np.int64), data.item[rows].astype(np.int64), visit)), axis=1)
    shape = (len(groups), len(data.items))
    matrix = sparse.csr_matrix((np.ones(met.shape[1], np.float32), (met[0], met[1])), shape=shape)
    matrix.sum_duplicates()
    matrix.data **= np.float32(power)
    return matrix


def check_together(together: str, power: float) -> None:
    """Raises ValueError where these parameters can't be."""
    if together not in TOGETHER or not 0 <= power <= 1:
        raise ValueError(f"together is one of {', '.join(TOGETHER)}; power is from 0 to 1")
