"""What is tried of each model's parameters. An own model says it by a class attribute `space`, of the same form."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..models.library import model_class

Value = str | int | float | bool


class OneOf(NamedTuple):
    """Any of these."""

    values: tuple[Value, ...]

    def draw(self, dice: np.random.Generator) -> Value:
        return self.values[int(dice.integers(len(self.values)))]


class Between(NamedTuple):
    """From `low` to `high`; by their logarithm where they are magnitudes apart."""

    low: float
    high: float
    log: bool = False

    def draw(self, dice: np.random.Generator) -> float:
        if self.log:
            return float(f"{math.exp(dice.uniform(math.log(self.low), math.log(self.high))):.4g}")
        return float(f"{dice.uniform(self.low, self.high):.4g}")


class Whole(NamedTuple):
    """A whole number from `low` to `high`, both included; by its logarithm."""

    low: int
    high: int

    def draw(self, dice: np.random.Generator) -> int:
        drawn = math.exp(dice.uniform(math.log(self.low), math.log(self.high + 1)))
        return min(int(drawn), self.high)


Range = OneOf | Between | Whole
Space = Mapping[str, Range]

TOGETHER = OneOf(("sessions", "customers"))
SPACES: Mapping[str, Space] = {
    "als": {
        "factors": Whole(16, 256),
        "alpha": Between(0.5, 40, log=True),
        "l2": Between(0.001, 10, log=True),
        "iterations": Whole(5, 30),
        "power": Between(0, 1),
    },
    "bpr": {
        "factors": Whole(16, 256),
        "learning_rate": Between(0.002, 0.1, log=True),
        "l2": Between(0.0005, 0.1, log=True),
        "iterations": Whole(30, 300),
    },
    "ease": {"l2": Between(10, 3_000, log=True), "power": Between(0, 1), "together": TOGETHER},
    "item-knn": {
        "weights": OneOf(("cosine", "bm25", "tfidf")),
        "together": TOGETHER,
        "neighbours": Whole(20, 500),
        "decay": Between(0.2, 1),
        "k1": Between(0.3, 5, log=True),
        "b": Between(0, 1),
    },
    "popularity": {"half_life_days": Between(1, 365, log=True)},
    "ranker": {
        "depth": Whole(40, 150),
        "windows": Whole(2, 6),
        "trees": Whole(60, 400),
        "leaves": Whole(8, 63),
        "learning_rate": Between(0.02, 0.2, log=True),
    },
    "repeats": {
        "half_life_days": Between(0, 180),
        "trend": Between(0, 1),
        "trend_days": Between(3, 60, log=True),
        "neighbours": Whole(10, 300),
        "company": Between(0, 2),
        "neighbours_half_life_days": Between(10, 365, log=True),
    },
    "sequential-rules": {
        "steps": Whole(1, 20),
        "neighbours": Whole(50, 500),
        "decay": Between(0.1, 1),
        "backwards": Between(0, 1),
        "normed": OneOf((True, False)),
    },
    "session-knn": {
        "neighbours": Whole(50, 1_000),
        "visits_per_item": Whole(200, 5_000),
        "length": Whole(3, 20),
        "position_decay": Between(0.7, 10, log=True),
        "recency_decay": Between(0.05, 3, log=True),
        "distance_decay": Between(0.7, 15, log=True),
        "rarity": Between(0, 3),
        "novelty": Between(0, 2),
        "length_norm": Between(0, 1),
        "sharpness": Between(0.2, 3, log=True),
        "again": Between(0.5, 5),
        "again_last": Between(0.5, 5),
    },
    "svd": {"components": Whole(16, 256), "power": Between(0, 1), "together": TOGETHER},
}
"""By the model's name."""


def space_of(model: str) -> Space:
    """What can be searched of a model; nothing where nobody said. Raises ModelUnknown."""
    own: Space = getattr(model_class(model), "space", {})
    return SPACES.get(model, own)


def drawn(space: Space, seed: Sequence[int]) -> dict[str, Value]:
    """Parameters at random, the same for the same seed."""
    dice = np.random.default_rng(seed)
    return {name: space[name].draw(dice) for name in sorted(space)}
