"""A recommender that takes its process with it: what a challenger must not be able to do to a shop."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from ml.interactions import Dataset
from ml.model import Context, Ranked


class CrashingModel:
    """Ends the process at whatever it is asked."""

    name: ClassVar[str] = "crashing"
    skus: Sequence[str] = ("RETRO-CLOCK",)

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {}

    def fit(self, data: Dataset) -> None:
        """There is nothing to learn."""

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        os._exit(1)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        os._exit(1)

    def save(self, directory: Path) -> None:
        (directory / "crashing").touch()

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls()
