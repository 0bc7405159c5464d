"""A copy of a lake that is in use, as it is at one instant: its manifest, then the files that count there, which never
change and stay for a while after they were replaced.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from .manifest import FILE_NAME, LakeFile, Manifest

TRIES = 10
"""Instants that are begun with: each time only what is new since then is left to copy."""


def back_up(lake: Path, target: Path) -> int:
    """Copy the lake into the new directory `target`, which can take its place; how many files count in it. Raises
    LakeError, FileNotFoundError, sqlite3.Error."""
    target.mkdir(parents=True)
    for _ in range(TRIES - 1):
        try:
            return _copied(lake, target)
        except FileNotFoundError:
            # Replaced long ago, while so many others were copied. What is here already stays.
            continue
    return _copied(lake, target)


def _copied(lake: Path, target: Path) -> int:
    address = f"{(lake / FILE_NAME).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(target / FILE_NAME)) as copy:
        source.backup(copy)
    _sync(target / FILE_NAME)
    files = _files_of(target)
    for file in files:
        if not (target / file.path).exists():
            (target / file.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(lake / file.path, target / file.path)
            _sync(target / file.path)
    return len(files)


def _files_of(lake: Path) -> list[LakeFile]:
    manifest = Manifest(lake, create=False)
    try:
        return list(manifest.files())
    finally:
        manifest.close()


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())
