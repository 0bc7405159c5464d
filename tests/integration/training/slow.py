"""A model whose second trial takes until somebody says that it may go on: a search can be killed in its middle."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ml.interactions import Dataset
from ml.models.popularity import Popularity
from ml.training.spaces import Between, Range

LOOK_EVERY_S = 0.02
DEFAULT = 14.0


class Slow(Popularity):
    """As long as the file `held` is there, no trial but that of the defaults ends."""

    name: ClassVar[str] = "slow"
    space: ClassVar[dict[str, Range]] = {"half_life_days": Between(1, 100, log=True)}

    def __init__(self, half_life_days: float = DEFAULT, held: str = "") -> None:
        super().__init__(half_life_days)
        self._held = held

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {**super().parameters, "held": self._held}

    def fit(self, data: Dataset) -> None:
        while super().parameters["half_life_days"] != DEFAULT and Path(self._held).exists():
            time.sleep(LOOK_EVERY_S)
        super().fit(data)
