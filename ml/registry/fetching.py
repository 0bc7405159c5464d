"""Having a version's artifact on this machine: where it lies, or as a copy that is made once.

A copy is downloaded beside its place and renamed when every hash is right, so that nobody ever sees half of one.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..artifact import DESCRIPTION, check_artifact
from ..errors import ArtifactDamaged, RegistryUnreachable
from ..workplace import DRAFT, workplace
from .release import Version

ARTIFACT = "data/artifact"
"""Where an artifact lies in what MLflow calls a model."""
COPIES_KEPT = 8
"""Versions in the cache; the oldest leave first. A model that serves has its files open and doesn't mind."""
DOWNLOAD_LIMIT_S = 600

Download = Callable[[str, str, Path], None]
"""What brings a location of a registry into a directory. Raises RegistryUnreachable."""


def fetched(
    version: Version, registry: str, cache: Path, beside: Path | None = None, download: Download | None = None
) -> Path:
    """The artifact of a version. `beside` is where artifacts lie, wherever they were when it was registered."""
    local = _local(version.location, beside)
    if local is not None:
        return _checked(local, version)
    copy = cache / f"{version.market or 'default'}-{version.number}-{version.digest[:16] or 'unsigned'}"
    if copy.exists():
        try:
            return _checked(copy, version)
        except ArtifactDamaged:
            # It is only a copy, and can be had again.
            shutil.rmtree(copy)
    _copy(version, copy, lambda draft: (download or download_by_mlflow)(version.location, registry, draft))
    return _checked(copy, version)


def _checked(directory: Path, version: Version) -> Path:
    found = _inside(directory)
    check_artifact(found, version.digest)
    return found


def _local(location: str, beside: Path | None) -> Path | None:
    """The directory of a location on this machine, if it is one."""
    parts = urlsplit(location)
    if parts.scheme not in ("", "file"):
        return None
    path = Path(unquote(parts.path))
    if beside is not None:
        # First: a registry that was copied has artifacts of its own, though the others may still be there.
        # MLflow has a directory of that name in each run, too.
        for place, name in enumerate(path.parts):
            found = beside.joinpath(*path.parts[place + 1 :])
            if name == beside.name and found.is_dir():
                return found
    return path if path.is_dir() else None


def _inside(directory: Path) -> Path:
    for place in (directory / ARTIFACT, directory):
        if (place / DESCRIPTION).is_file():
            return place
    raise ArtifactDamaged(f"{directory.name} has no {DESCRIPTION}: it was not registered by `doorbuster ml register`.")


def _copy(version: Version, copy: Path, download: Callable[[Path], None]) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    with workplace(copy.parent, DRAFT) as work:
        draft = work / copy.name
        draft.mkdir()
        download(draft)
        _checked(draft, version)
        try:
            draft.rename(copy)
        except OSError:
            # Another process was quicker; what it has passed the same check.
            if not copy.is_dir():
                raise
        _sweep(copy.parent)


def download_by_mlflow(location: str, registry: str, directory: Path) -> None:
    """By MLflow's own means, which know every kind of storage, in a process that ends and gives the memory back."""
    command = [sys.executable, "-m", "ml.registry.download", location, str(directory)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": registry}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RegistryUnreachable(f"A model did not arrive in {DOWNLOAD_LIMIT_S} s.") from error
    if done.returncode:
        # What went wrong there may hold the registry's address: only its kind is told.
        why = done.stderr.strip().rpartition("\n")[2].partition(":")[0]
        raise RegistryUnreachable(f"A model can't be downloaded: {why}")


def _sweep(cache: Path) -> None:
    copies = sorted(
        (path for path in cache.iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime
    )
    for old in copies[:-COPIES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
