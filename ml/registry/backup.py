"""Copies of a registry in a file that is in use: the database as it is at one instant, then the artifacts, which are
all there before the database knows them. What is released is checked by its hashes, in the copy.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ..errors import RegistryRefused, RegistryUnreachable
from ..workplace import DRAFT, workplace
from .following import SQLITE
from .opening import alone
from .release import REGISTERED
from .sqlite_follower import ARTIFACTS, SqliteFollower

DATABASE = "registry.sqlite"
"""The name of the database in a backup."""


class Copied(NamedTuple):
    """What a copy has."""

    versions: int
    released: int
    """Of them, champions and challengers of all markets."""


def file_of(registry: str) -> Path:
    """The database of a registry. Raises RegistryRefused for one that is on a server."""
    if not registry.startswith(SQLITE):
        raise RegistryRefused("This registry is on a server: its database and its artifacts are backed up there.")
    return Path(registry.removeprefix(SQLITE)).absolute()


def back_up(registry: str, target: Path) -> Copied:
    """Copy the registry into the directory `target`, which is made. Raises RegistryRefused, RegistryUnreachable,
    ArtifactDamaged."""
    file = file_of(registry)
    if not file.is_file():
        raise RegistryRefused(f"There is no registry {file} yet.")
    target.mkdir(parents=True)
    _copy(file, target)
    return _checked(target / DATABASE)


def restore(source: Path, registry: str) -> Copied:
    """Bring a backup back to where no registry is. It appears whole or not at all. Raises RegistryRefused,
    RegistryUnreachable, ArtifactDamaged."""
    file = file_of(registry)
    if not (source / DATABASE).is_file():
        raise RegistryRefused(f"{source} is no backup of a registry: {DATABASE} is missing.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file), workplace(file.parent, DRAFT) as work:
        for there in (file, file.parent / ARTIFACTS):
            if there.exists():
                raise RegistryRefused(f"{there} is there already: nothing is ever overwritten.")
        _copy(source / DATABASE, work)
        copied = _checked(work / DATABASE)
        os.rename(work / ARTIFACTS, file.parent / ARTIFACTS)
        # Last: who finds the database finds everything.
        os.rename(work / DATABASE, file)
    return copied


def _copy(file: Path, target: Path) -> None:
    """The database and the artifacts beside it into the directory."""
    try:
        address = f"{file.as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(target / DATABASE)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise RegistryUnreachable(f"The registry {file} can't be read: {error}") from error
    (target / ARTIFACTS).mkdir()
    if (file.parent / ARTIFACTS).is_dir():
        shutil.copytree(file.parent / ARTIFACTS, target / ARTIFACTS, copy_function=_copied, dirs_exist_ok=True)
    for path in (target / DATABASE, *(path for path in (target / ARTIFACTS).rglob("*") if path.is_file())):
        with path.open("rb") as written:
            os.fsync(written.fileno())


def _copied(source: str, target: str) -> None:
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        # Of a run that somebody deletes at this moment: what is released is looked at afterwards.
        return


def _checked(database: Path) -> Copied:
    follower = SqliteFollower(database, database.parent / "copies")
    released = 0
    for market in follower.markets():
        release = follower.release(market)
        for version in (release.champion, release.challenger):
            if version is not None:
                follower.fetch(version)
                released += 1
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        (versions,) = opened.execute(
            "SELECT count(*) FROM model_versions WHERE name LIKE ?", (f"{REGISTERED}%",)
        ).fetchone()
    return Copied(versions, released)
