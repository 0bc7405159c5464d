"""What customers buy again: their own purchases first, by how often and how lately, then those of customers like them.

After next-basket recommendation by personal frequency (TIFU-kNN, Hu et al. 2020; UP-CF, Faggioli et al. 2020). Numpy
only, training and inference.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import load_arrays, save_arrays
from ..errors import NotEnoughData
from ..interactions import NOBODY, Dataset
from ..model import NOTHING, Context, Ranked
from .ranking import best, empty_answer, summed
from .taste import CONTEXT_LENGTH

DAY_MS = 86_400_000
BUYERS_ASKED = 2_000
"""Of each item of the context, the latest ones: what an answer costs doesn't grow with the customers."""
THEMSELVES = 0.999
"""Who has the very same purchases as the context is the customer it is about: they say nothing new."""
SOLD_AT_ALL = 1e-6
"""What the sales of late count for by themselves: they order what nothing else is known of."""


class Customers(NamedTuple):
    """Customer c bought `items[starts[c]:starts[c + 1]]`, each once with its weight; item i was bought by
    `buyers[of[i]:of[i + 1]]`, whoever bought lately first."""

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    of: NDArray[np.int64]
    buyers: NDArray[np.int32]
    lengths: NDArray[np.float32]
    """Of each customer's vector, items weighted by their rarity."""
    rarity: NDArray[np.float32]
    trend: NDArray[np.float32]
    """Of each item: purchases in the last `trend_days`, plus one."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return self._asdict()


class Repeats:
    """A purchase counts half after `half_life_days` (0: always whole). The sum of an item's counts is multiplied with
    how much everybody buys of it lately, to the power `trend`; what the `neighbours` most similar customers buy comes
    on top, times `company`."""

    name: ClassVar[str] = "repeats"

    def __init__(
        self,
        half_life_days: float = 0.0,
        trend: float = 0.3,
        trend_days: float = 14.0,
        neighbours: int = 50,
        company: float = 0.5,
        neighbours_half_life_days: float = 60.0,
    ) -> None:
        if half_life_days < 0 or trend < 0 or company < 0 or neighbours < 1:
            raise ValueError("half_life_days, trend and company are at least 0, neighbours at least 1")
        if trend_days <= 0 or neighbours_half_life_days <= 0:
            raise ValueError("trend_days and neighbours_half_life_days are more than 0")
        self._half_life_days, self._trend, self._trend_days = half_life_days, trend, trend_days
        self._neighbours, self._company = neighbours, company
        self._neighbours_half_life_days = neighbours_half_life_days
        self._skus: Sequence[str] = ()
        self._customers: Customers | None = None
        self._factor: NDArray[np.float64] = np.empty(0)

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {
            "half_life_days": self._half_life_days, "trend": self._trend, "trend_days": self._trend_days,
            "neighbours": self._neighbours, "company": self._company,
            "neighbours_half_life_days": self._neighbours_half_life_days,
        }  # fmt: skip

    @property
    def skus(self) -> Sequence[str]:
        return self._skus

    def fit(self, data: Dataset) -> None:
        bought = data.bought
        bought = bought.where(bought.customer != NOBODY)
        if not len(bought):
            raise NotEnoughData("There are no customers who bought anything.")
        self._take(data.items.skus, _customers(bought, self._neighbours_half_life_days, self._trend_days))

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        answer = empty_answer(len(contexts), k)
        for row, context in enumerate(contexts):
            own = self._own(context)
            company, reason = self._of_neighbours([*own, *context.basket, *context.session])
            scores = self._company * company + SOLD_AT_ALL * self._factor
            bought = np.fromiter(own, np.int64, len(own))
            scores[bought] += np.fromiter(own.values(), np.float64, len(own)) * self._factor[bought]
            chosen = best(scores, k)
            answer.items[row, : len(chosen)] = chosen
            answer.scores[row, : len(chosen)] = scores[chosen]
            answer.because[row, : len(chosen)] = [
                item if item in own else reason if company[item] else NOTHING for item in chosen.tolist()
            ]
        return answer

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        answer = empty_answer(len(items), k)
        for row, item in enumerate(items):
            scores, _ = self._of_neighbours([item])
            scores[item] = 0.0
            found = np.flatnonzero(scores)
            chosen = found[best(scores[found], k)]
            answer.items[row, : len(chosen)] = chosen
            answer.scores[row, : len(chosen)] = scores[chosen]
        return answer

    def save(self, directory: Path) -> None:
        assert self._customers is not None, "a model is saved after it was fitted"
        save_arrays(directory, self.name, self.parameters, self._skus, self._customers.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        saved = load_arrays(directory, cls.name)
        model = cls(**saved.parameters)
        model._take(saved.skus, Customers(*(saved.arrays[name] for name in Customers._fields)))
        return model

    def _take(self, skus: Sequence[str], customers: Customers) -> None:
        self._skus, self._customers = skus, customers
        # One at most, so that `company` means the same whatever the shop sells.
        self._factor = (customers.trend / customers.trend.max()).astype(np.float64) ** self._trend

    def _own(self, context: Context) -> dict[int, float]:
        """What each item that was bought counts; two lines of one order are one purchase."""
        bought = list(context.history)[-CONTEXT_LENGTH:]
        at = list(context.history_at)[-CONTEXT_LENGTH:] if len(context.history_at) == len(context.history) else []
        now = context.at or max(at, default=0)
        pairs: Sequence[tuple[int, int]] = (
            list(dict.fromkeys(zip(bought, at, strict=True))) if at else [(item, now) for item in bought]
        )
        own: dict[int, float] = {}
        for item, when in pairs:
            if 0 <= item < len(self._skus):
                own[item] = own.get(item, 0.0) + _left((now - when) / DAY_MS, self._half_life_days)
        return own

    def _of_neighbours(self, items: Sequence[int]) -> tuple[NDArray[np.float64], int]:
        """What customers with such items buy, as a mean over them; and the rarest of the items, which found them."""
        customers = self._customers
        assert customers is not None
        scores = np.zeros(len(self._skus))
        known = [item for item in dict.fromkeys(items) if 0 <= item < len(self._skus)]
        parts = [customers.buyers[customers.of[item] : customers.of[item + 1]] for item in known]
        if not sum(map(len, parts)):
            return scores, NOTHING
        shared = np.repeat(customers.rarity[known] ** 2, list(map(len, parts))).astype(np.float64)
        found, overlap = summed(np.concatenate(parts), shared, len(customers.lengths))
        length = np.sqrt(np.sum(customers.rarity[known].astype(np.float64) ** 2))
        alike = overlap / (customers.lengths[found] * length)
        alike[alike > THEMSELVES] = 0.0
        nearest = best(alike, self._neighbours)
        shares = alike[nearest] / max(alike[nearest].sum(), SOLD_AT_ALL)
        for customer, how_much in zip(found[nearest].tolist(), shares.tolist(), strict=True):
            theirs = slice(customers.starts[customer], customers.starts[customer + 1])
            scores[customers.items[theirs]] += how_much * customers.weights[theirs]
        return scores, known[int(np.argmax(customers.rarity[known] * [bool(len(part)) for part in parts]))]


def _left(days: float, half_life_days: float) -> float:
    return float(0.5 ** (max(days, 0.0) / half_life_days)) if half_life_days else 1.0


def _customers(bought: Dataset, half_life_days: float, trend_days: float) -> Customers:
    """The neighbourhood's index."""
    catalogue = len(bought.items)
    # Two lines of one order are one purchase.
    pairs = np.stack((bought.customer.astype(np.int64) * catalogue + bought.item, bought.at))
    pairs = np.unique(pairs, axis=1)
    age_days = (bought.at[-1] - pairs[1]) / DAY_MS
    keys, place = np.unique(pairs[0], return_inverse=True)
    weights = np.bincount(place, 0.5 ** (age_days / half_life_days))
    customer, item = keys // catalogue, (keys % catalogue).astype(np.int32)
    _, number = np.unique(customer, return_inverse=True)
    counts = np.bincount(number)
    buyers = np.bincount(item, minlength=catalogue)
    rarity = np.where(buyers, np.log1p(len(counts) / np.maximum(buyers, 1)), 0.0)
    lengths = np.sqrt(np.bincount(number, rarity[item] ** 2))
    latest = np.full(len(counts), -1, np.int64)
    np.maximum.at(latest, number[place], pairs[1])
    order = np.lexsort((number, -latest[number], item))
    rank = np.arange(len(order)) - np.repeat(np.cumsum(buyers) - buyers, buyers)
    asked = order[rank < BUYERS_ASKED]
    trend = 1 + np.bincount(pairs[0][age_days < trend_days] % catalogue, minlength=catalogue)
    return Customers(
        np.concatenate(([0], np.cumsum(counts))),
        item,
        weights.astype(np.float32),
        np.concatenate(([0], np.cumsum(np.minimum(buyers, BUYERS_ASKED)))),
        number[asked].astype(np.int32),
        lengths.astype(np.float32),
        rarity.astype(np.float32),
        trend.astype(np.float32),
    )
