"""A model whose second trial takes until somebody says that it may go on: a search can be killed in its middle."""

import os
import time
from pathlib import Path
from typing import ClassVar

from ml.interactions import Dataset
from ml.models.popularity import Popularity
from ml.training.spaces import Between, Range

HELD = "DOORBUSTER_TEST_HELD"
"""The variable with a file: as long as it is there, no trial but the first ends."""
LOOK_EVERY_S = 0.02


class Slow(Popularity):
    name: ClassVar[str] = "slow"
    space: ClassVar[dict[str, Range]] = {"half_life_days": Between(1, 100, log=True)}

    def fit(self, data: Dataset) -> None:
        held = Path(os.environ[HELD])
        while self.parameters["half_life_days"] != 14.0 and held.exists():
            time.sleep(LOOK_EVERY_S)
        super().fit(data)
