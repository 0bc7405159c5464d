"""Fitting one model: in this process, or as Ray tasks. What can be made in blocks is spread over as many tasks as it
has blocks; any other model is one task, which hands back its files, so that no storage needs to be shared.
"""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import MlError
from ..interactions import Dataset
from ..model import Model
from ..models.blocks import FitsInBlocks
from ..models.library import make_model, model_class
from ..workplace import workplace
from .blocks import ONE_CPU, BlocksOnRay, Resources
from .progress import Done

LIBRARY_PACKAGE = "ml"
KIB = 1_024
MODEL = "model"


class Recipe(NamedTuple):
    """What makes the same unfitted model again."""

    model: str
    """A name of the library or an import path."""
    parameters: Mapping[str, Any] = {}


class Fit(NamedTuple):
    """A fitted model, and what it took."""

    model: Model
    seconds: float
    peak_bytes: int
    """The most memory of the process that fitted it, with the data and all that it had before."""


class Fitting(Protocol):
    """Where models are fitted."""

    def __call__(self, recipe: Recipe, data: Dataset, done: Done) -> Fit:
        """Raises NotEnoughData, ModelUnknown, ParameterRefused."""
        ...


def fit_here(recipe: Recipe, data: Dataset, done: Done) -> Fit:
    """Implements `Fitting` in this process, in one thread, without Ray."""
    model = make_model(*recipe)
    began = time.monotonic()
    model.fit(data)
    return Fit(model, time.monotonic() - began, _peak_bytes())


@dataclass(frozen=True)
class FitOnRay:
    """Implements `Fitting` as a task of the Ray that this process has joined."""

    resources: Resources = ONE_CPU
    blocks: Resources = ONE_CPU
    """Of each block, where the model is made of blocks."""

    def __call__(self, recipe: Recipe, data: Dataset, done: Done) -> Fit:
        import ray
        from ray.exceptions import RayTaskError

        found = model_class(recipe.model)
        model = make_model(*recipe)
        send_along(found)
        if isinstance(model, FitsInBlocks):
            began = time.monotonic()
            model.fit_in_blocks(data, BlocksOnRay(self.blocks, done))
            return Fit(model, time.monotonic() - began, _peak_bytes())
        # A process of its own: what it takes is measured from nothing, and is given back.
        task = ray.remote(max_calls=1)(_fit).options(**self.resources.options, name=f"doorbuster-fit-{recipe.model}")
        try:
            files, seconds, peak_bytes = ray.get(task.remote(found, dict(recipe.parameters), data))
        except RayTaskError as error:
            if isinstance(error.cause, MlError):
                raise error.cause from error
            raise
        with workplace() as directory:
            for name, content in files.items():
                path = directory / MODEL / name
                path.parent.mkdir(parents=True, exist_ok=True)
                content.tofile(path)
            # Its arrays are memory maps of files that stay open, though they are gone with the block.
            return Fit(found.load(directory / MODEL), seconds, peak_bytes)


def _fit(
    found: type[Model], parameters: Mapping[str, Any], data: Dataset
) -> tuple[dict[str, NDArray[np.uint8]], float, int]:
    """The task: the files of the fitted model, and what it took."""
    model = found(**parameters)
    began = time.monotonic()
    model.fit(data)
    seconds = time.monotonic() - began
    with workplace() as directory:
        place = directory / MODEL
        place.mkdir()
        model.save(place)
        files = {
            str(path.relative_to(place)): np.fromfile(path, np.uint8) for path in place.rglob("*") if path.is_file()
        }
    return files, seconds, _peak_bytes()


def send_along(found: type[Model]) -> None:
    """A class that isn't ours goes to the workers with its code: their machines needn't have the file."""
    import sys

    from ray import cloudpickle

    if found.__module__.partition(".")[0] != LIBRARY_PACKAGE and found.__module__ in sys.modules:
        cloudpickle.register_pickle_by_value(sys.modules[found.__module__])


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
