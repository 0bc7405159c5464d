"""A registry in a file that was moved, copied or restored elsewhere: its artifacts are beside it, wherever that is.

MLflow writes down where artifacts lie as whole paths. Reading looks beside the database first (`fetching`); whoever
writes, and MLflow's own tools, go by what is written down, so it is put right when the registry is opened.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .sqlite_follower import ARTIFACTS

PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
}
"""Columns of MLflow's tables."""
BUSY_S = 10.0


def settle_in(file: Path, experiment: str) -> None:
    """Have the registry's places name the artifacts beside it, where those of the experiment name others that are no
    more what they were. Raises sqlite3.Error."""
    beside = file.parent / ARTIFACTS
    if not beside.is_dir():
        return
    with closing(sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)) as database:
        found = database.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
        if found is None or not _moved(found[0], beside):
            return
        before, now = found[0], beside.as_uri()
        database.execute("BEGIN IMMEDIATE")
        for table, columns in PLACES.items():
            for column in columns:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column} || '/', 1, ?) = ?",  # noqa: S608
                    (now, len(before) + 1, len(before) + 1, f"{before}/"),
                )
        database.execute("COMMIT")


def _moved(location: str, beside: Path) -> bool:
    """Whether it is a directory of this machine that was beside a database, and not this one."""
    parts = urlsplit(location)
    path = Path(unquote(parts.path))
    return parts.scheme in ("", "file") and path.name == ARTIFACTS and path != beside
