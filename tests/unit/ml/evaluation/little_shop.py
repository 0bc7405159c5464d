"""A few interactions on known days, and a model that says what a test told it to say."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ml.interactions import Dataset, Did, Items, dataset_of
from ml.model import NOTHING, Context, Ranked

SKUS = ("RETRO-CLOCK", "BRASS-LAMP", "TRAIL-SHOE", "WOOL-SOCK", "CLAY-CUP", "BEAN-GRINDER")
CLOCK, LAMP, SHOE, SOCK, CUP, GRINDER = range(6)
CATALOGUE = Items(SKUS, categories=("home", "home", "sport", "sport", "kitchen", "kitchen"))
DAY_MS = 86_400_000
FIRST_MS = 1_700_006_400_000
"""A day begins then."""
TOLD = "told.json"


def day(number: float) -> int:
    return FIRST_MS + int(number * DAY_MS)


def little_shop() -> Dataset:
    """(day, session, customer, item, did); the window of most tests begins with day 7."""
    rows = (
        (0, 0, 0, CLOCK, Did.PURCHASE),
        (1, 1, 1, CLOCK, Did.CLICK),
        (1.1, 1, 1, LAMP, Did.CLICK),
        (2, 2, 0, LAMP, Did.PURCHASE),
        (3, 3, -1, SHOE, Did.CLICK),
        (3.1, 3, -1, SOCK, Did.CLICK),
        (4, 4, 1, CLOCK, Did.PURCHASE),
        (6.9, 5, -1, CUP, Did.CLICK),
        (7.1, 5, -1, GRINDER, Did.CLICK),
        (8, 6, 0, CLOCK, Did.CLICK),
        (8.1, 6, 0, LAMP, Did.CLICK),
        (8.2, 6, 0, CUP, Did.PURCHASE),
        (8.3, 6, 0, CLOCK, Did.PURCHASE),
        (9, 7, 2, SHOE, Did.PURCHASE),
    )
    return dataset_of(
        CATALOGUE,
        [row[3] for row in rows],
        [day(row[0]) for row in rows],
        session=[row[1] for row in rows],
        customer=[row[2] for row in rows],
        did=[row[4] for row in rows],
        customers=("acc_ann", "acc_bob", "acc_cy"),
        source={"source": "test"},
    )


class Told:
    """Answers from a table: by the last item of the context, or the same for everybody."""

    name: ClassVar[str] = "told"

    def __init__(self, *always: int) -> None:
        self._always = always
        self._after: dict[int, Sequence[int]] = {}
        self.skus: Sequence[str] = SKUS
        self.asked: list[Context] = []

    def after(self, item: int, *then: int) -> Self:
        self._after[item] = then
        return self

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {}

    def fit(self, data: Dataset) -> None:
        pass

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        self.asked += contexts
        items = np.full((len(contexts), k), NOTHING, np.int32)
        for row, context in enumerate(contexts):
            last = context.session[-1] if context.session else NOTHING
            said = list(self._after.get(last, self._always))[:k]
            items[row, : len(said)] = said
        scores = np.tile(np.arange(k, 0, -1, dtype=np.float32), (len(contexts), 1))
        return Ranked(items, scores, np.full(items.shape, NOTHING, np.int32))

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        return self.recommend([Context()] * len(items), k)

    def save(self, directory: Path) -> None:
        (directory / TOLD).write_text(json.dumps([self._always, list(self._after.items())]))

    @classmethod
    def load(cls, directory: Path) -> Self:
        always, after = json.loads((directory / TOLD).read_text())
        model = cls(*always)
        for item, then in after:
            model.after(item, *then)
        return model
