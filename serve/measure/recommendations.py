"""Releases for measurements: `python -m serve.measure.recommendations DATA STEP`, with SKUs on its standard input.

`champion` is a session-kNN of visits that are made up, `canary` popularity at a tenth of the visitors, `crash` a model
that ends its process at half of them, `rollback` the release before.
"""

import os
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from ml.interactions import Dataset
    from ml.model import Context, Ranked

VISITS = 20_000
LONGEST_VISIT = 8
SEED = 7
BY = "measurement"
MODELS = {"champion": "session-knn", "canary": "popularity", "crash": "serve.measure.recommendations:Crash"}


class Crash:
    """A model that takes its process with it, whatever it is asked."""

    name: ClassVar[str] = "crash"
    skus: Sequence[str] = ("NOTHING",)

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {}

    def fit(self, data: "Dataset") -> None:
        """There is nothing to learn."""

    def recommend(self, contexts: Sequence["Context"], k: int) -> "Ranked":
        os._exit(1)

    def similar(self, items: Sequence[int], k: int) -> "Ranked":
        os._exit(1)

    def save(self, directory: Path) -> None:
        (directory / "crash").touch()

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls()


def visits_of(skus: Sequence[str]) -> "Dataset":
    """Visits in which most steps go to a neighbour."""
    from ml.interactions import Items, dataset_of

    choice = random.Random(SEED)
    items: list[int] = []
    sessions: list[int] = []
    for visit in range(VISITS):
        item = choice.randrange(len(skus))
        for _ in range(choice.randint(2, LONGEST_VISIT)):
            items.append(item)
            sessions.append(visit)
            item = (item + choice.randint(-5, 5)) % len(skus)
    return dataset_of(Items(skus), items, range(len(items)), session=sessions)


def main(data: str, step: str) -> None:
    """Make one release."""
    from ml.artifact import Artifact, write_artifact
    from ml.models.library import make_model
    from ml.registry.opening import open_registry
    from ml.registry.recording import register
    from ml.registry.release import Mode
    from ml.registry.releases import Releases

    registry = open_registry(f"sqlite:///{data}/models/registry.sqlite")
    releases, at = Releases(registry), datetime.now(UTC)
    if step == "rollback":
        releases.rollback(by=BY, at=at)
        return
    skus = [line.strip() for line in sys.stdin if line.strip()]
    model = make_model(MODELS[step])
    model.fit(visits_of(skus))
    with TemporaryDirectory() as folder:
        write_artifact(Path(folder) / "made", model, Artifact(model=""))
        version = register(registry, Path(folder) / "made", at=at).number
    modes = {"champion": (Mode.OFF, 0.0), "canary": (Mode.CANARY, 0.1), "crash": (Mode.AB, 0.5)}
    mode, share = modes[step]
    releases.deploy(version, mode=mode, share=share, by=BY, at=at)


if __name__ == "__main__":
    main(*sys.argv[1:])
