"""Following a registry in MLflow's SQLite database: read-only, one transaction, well below a millisecond."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import RegistryUnreachable
from .fetching import fetched
from .release import (
    DEFAULT_MARKET,
    DIGEST_TAG,
    MODEL_TAG,
    REGISTERED,
    RELEASE_TAG,
    Release,
    Version,
    document_of,
    effective,
    market_of,
    registered_name,
)

ARTIFACTS = "artifacts"
BUSY_S = 1.0
"""How long somebody else's commit is waited for."""


class SqliteFollower:
    """Opens the file anew each time: it may be made, moved away or restored while the shop runs."""

    def __init__(self, file: Path, cache: Path) -> None:
        self._file = file
        self._cache = cache

    def release(self, market: str = DEFAULT_MARKET) -> Release:
        if not self._file.exists():
            return Release(market)
        with self._instant() as database:
            return _release(database, registered_name(market), market)

    def version(self, market: str, number: int) -> Version | None:
        if not self._file.exists():
            return None
        with self._instant() as database:
            return _version(database, registered_name(market), market, number)

    def markets(self) -> Sequence[str]:
        if not self._file.exists():
            return ()
        with self._instant() as database:
            found = database.execute(
                "SELECT name FROM registered_models WHERE name LIKE ? ORDER BY name", (f"{REGISTERED}%",)
            )
            markets = [market_of(name) for (name,) in found]
        return [market for market in markets if market is not None]

    def fetch(self, version: Version) -> Path:
        return fetched(version, f"sqlite:///{self._file}", self._cache, beside=self._file.parent / ARTIFACTS)

    def close(self) -> None:
        pass

    @contextmanager
    def _instant(self) -> Iterator[sqlite3.Connection]:
        """One transaction for all that is read: a change is seen whole or not at all."""
        try:
            address = f"{self._file.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)) as database:
                database.execute("BEGIN")
                yield database
        except sqlite3.Error as error:
            raise RegistryUnreachable(f"The registry {self._file} can't be read: {error}") from error


def _release(database: sqlite3.Connection, name: str, market: str) -> Release:
    tag = database.execute(
        "SELECT value FROM registered_model_tags WHERE name = ? AND key = ?", (name, RELEASE_TAG)
    ).fetchone()
    aliases = database.execute("SELECT alias, version FROM registered_model_aliases WHERE name = ?", (name,)).fetchall()
    now = effective(document_of(tag[0] if tag else None), dict(aliases))
    champion, challenger = (
        None if number is None else _version(database, name, market, number)
        for number in (now.champion, now.challenger)
    )
    return Release(market, champion, challenger, now.mode, now.share, now.number)


def _version(database: sqlite3.Connection, name: str, market: str, number: int) -> Version | None:
    found = database.execute(
        "SELECT storage_location, source FROM model_versions WHERE name = ? AND version = ?", (name, number)
    ).fetchone()
    if found is None:
        return None
    tags = database.execute(
        "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? AND key IN (?, ?)",
        (name, number, MODEL_TAG, DIGEST_TAG),
    )
    told = dict(tags.fetchall())
    return Version(market, number, told.get(MODEL_TAG, ""), found[0] or found[1], told.get(DIGEST_TAG, ""))
