"""Saved models: one `.npy` file per array, and one JSON file that says what they are and what they hash to.

Arrays are opened as memory maps, so that all processes of a machine share one copy of a model. Nothing is unpickled.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ArtifactDamaged
from .hashing import hash_of

DESCRIPTION = "model.json"
SKUS = "skus.txt"
FORMAT = 1


class Saved(NamedTuple):
    """What a directory holds."""

    name: str
    parameters: Mapping[str, Any]
    skus: Sequence[str]
    arrays: Mapping[str, NDArray[Any]]


def save_arrays(
    directory: Path, name: str, parameters: Mapping[str, Any], skus: Sequence[str], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a model's arrays; the description comes last, so that a directory without one is no model."""
    (directory / SKUS).write_text("\n".join(json.dumps(sku) for sku in skus), encoding="utf-8")
    for key, array in arrays.items():
        np.save(directory / f"{key}.npy", np.ascontiguousarray(array), allow_pickle=False)
    files = {path.name: hash_of(path) for path in sorted(directory.iterdir()) if path.is_file()}
    description = {"format": FORMAT, "name": name, "parameters": dict(parameters), "files": files}
    (directory / DESCRIPTION).write_text(json.dumps(description, indent=2, sort_keys=True), encoding="utf-8")


def load_arrays(directory: Path, name: str, *, check: bool = True) -> Saved:
    """Read a model back. Raises ArtifactDamaged where it isn't one of this name, or a file isn't what was written."""
    try:
        description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        if description["format"] != FORMAT or description["name"] != name:
            raise ArtifactDamaged(f"{directory.name} has a model {description['name']}, not {name}.")
        files = description["files"]
        for file, expected in files.items() if check else ():
            if hash_of(directory / file) != expected:
                raise ArtifactDamaged(f"{file} of the model {name} is not what was saved.")
        lines = (directory / SKUS).read_text(encoding="utf-8").splitlines()
        arrays = {
            file.removesuffix(".npy"): np.load(directory / file, mmap_mode="r", allow_pickle=False)
            for file in files
            if file.endswith(".npy")
        }
        return Saved(name, description["parameters"], [json.loads(line) for line in lines], arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactDamaged(f"{directory.name} is no whole model {name}: {error}") from error
