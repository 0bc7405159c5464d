"""What training leaves and serving takes: a directory with a model, what it was made of, and how good it is.

    artifact.json   this module's `Artifact`: whatever is to be known without loading the model
    model/          what `Model.save` wrote
    report/         the model's card and its pictures, where it was evaluated

`artifact.json` is written last and holds the hash of each file of the model: a directory without it is no artifact, and
one number (`digest`) stands for all of it. Inference imports this module, `ml.model` and the model's own.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .errors import ArtifactDamaged, ModelUnknown
from .hashing import hash_of
from .model import Model
from .models.library import LIBRARY, model_class

DESCRIPTION = "artifact.json"
MODEL = "model"
REPORT = "report"
CARD = "card.html"
FORMAT = 1


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """What a trained model is and where it came from."""

    model: str
    """Its name in `ml.models.library`, or its import path: what loads it."""
    parameters: Mapping[str, Any] = {}
    skus: int = 0
    """How many items it knows."""
    trained_at: str = ""
    """ISO 8601, UTC."""
    training_s: float = 0.0
    seed: int | None = None
    source: Mapping[str, str] = {}
    """The data: `source`, `from`, `to`, and what else `Dataset.source` says."""
    interactions: int = 0
    fingerprint: str = ""
    """`Dataset.fingerprint` of the data."""
    commit: str = ""
    """The program's commit, where somebody knows."""
    metrics: Mapping[str, float] = {}
    """Measures on data that it was not trained with, such as `ndcg@10`."""
    baseline: Mapping[str, float] = {}
    """The same measures of popularity on the same split."""
    files: Mapping[str, str] = {}
    """SHA-256 of each file below `model/`, by its path there."""
    format: int = FORMAT
    versions: Mapping[str, str] = {}
    """Of Python and the packages that it was made with."""


def write_artifact(directory: Path, model: Model, about: Artifact) -> Artifact:
    """Save a model into the directory, which is made; `about.files`, `skus` and `parameters` are filled in."""
    kept = directory / MODEL
    kept.mkdir(parents=True, exist_ok=False)
    model.save(kept)
    whole = msgspec.structs.replace(
        about,
        model=about.model or path_of(type(model)),
        parameters=dict(model.parameters),
        skus=len(model.skus),
        files={str(path.relative_to(kept)): hash_of(path) for path in sorted(kept.rglob("*")) if path.is_file()},
    )
    draft = directory / f".{DESCRIPTION}"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2))
    os.replace(draft, directory / DESCRIPTION)
    return whole


def read_artifact(directory: Path) -> Artifact:
    """What the directory says of itself. Raises ArtifactDamaged."""
    try:
        found = msgspec.json.decode((directory / DESCRIPTION).read_bytes(), type=Artifact)
    except (OSError, msgspec.DecodeError) as error:
        raise ArtifactDamaged(f"{directory.name} is no trained model: {error}") from error
    if found.format != FORMAT:
        raise ArtifactDamaged(f"{directory.name} has format {found.format}; this program reads {FORMAT}.")
    return found


def check_artifact(directory: Path, digest: str = "") -> Artifact:
    """`read_artifact`, and each file is what was written; by its digest the whole. Raises ArtifactDamaged."""
    found = read_artifact(directory)
    if digest and digest_of(directory) != digest:
        raise ArtifactDamaged(f"{directory.name} is not the artifact that was registered.")
    for name, expected in found.files.items():
        path = directory / MODEL / name
        if not path.is_file() or hash_of(path) != expected:
            raise ArtifactDamaged(f"{name} of the model in {directory.name} is not what was saved.")
    return found


def load_artifact(directory: Path) -> Model:
    """The model of a directory. Raises ArtifactDamaged, ModelUnknown."""
    return model_class(read_artifact(directory).model).load(directory / MODEL)


def digest_of(directory: Path) -> str:
    """One number for all of an artifact."""
    return hash_of(directory / DESCRIPTION)


def path_of(model: type[Model]) -> str:
    """What finds a class again: its name in the library, or its import path. Raises ModelUnknown."""
    if model.__module__ == "__main__":
        raise ModelUnknown(f"{model.__name__} is in no module that others could import: put it into a file of its own.")
    path = f"{model.__module__}:{model.__qualname__}"
    return model.name if LIBRARY.get(model.name) == path else path
