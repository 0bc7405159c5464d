"""Where consumers' positions are kept: in the journal itself, or in a file beside it.

A journal in files has one writer that matters: a commit by anybody else empties the page cache of whoever sells. There
positions are kept in a file of their own, and the journal is told now and then only (see `Feed`).
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from ..journals.port import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS positions (
    consumer TEXT NOT NULL, shard INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (consumer, shard)
) WITHOUT ROWID
"""
BUSY_S = 5.0


class Positions(Protocol):
    """How far each named consumer has come. A crash may lose the last seconds: consumers read at least once."""

    async def load(self, consumer: str) -> Mapping[int, int]:
        """Its position in each shard; empty for one that never was."""
        ...

    async def save(self, consumer: str, positions: Mapping[int, int]) -> None:
        """It has come so far in these shards."""
        ...

    async def reset(self, consumer: str, positions: Mapping[int, int]) -> None:
        """It is to begin anew there, which may be further back."""
        ...

    async def consumers(self) -> Iterable[str]:
        """Whoever has positions here."""
        ...

    async def forget(self, consumer: str) -> None:
        """It is no more."""
        ...


class JournalPositions:
    """Kept by the journal, which trims nothing that a consumer has yet to read."""

    def __init__(self, journal: Journal, prefix: str = "") -> None:
        self._journal = journal
        self._prefix = prefix

    async def load(self, consumer: str) -> Mapping[int, int]:
        name = self._prefix + consumer
        found = {}
        for shard in await self._journal.shards():
            if (position := (await self._journal.consumers(shard)).get(name)) is not None:
                found[shard] = position
        return found

    async def save(self, consumer: str, positions: Mapping[int, int]) -> None:
        name = self._prefix + consumer
        # At once, so that the journal can record them together.
        await asyncio.gather(*(self._journal.advance(name, shard, at) for shard, at in positions.items()))

    async def reset(self, consumer: str, positions: Mapping[int, int]) -> None:
        for shard, position in positions.items():
            # It never goes back by advancing.
            await self._journal.forget(self._prefix + consumer, shard)
            await self._journal.advance(self._prefix + consumer, shard, position)

    async def consumers(self) -> Iterable[str]:
        names = {name for shard in await self._journal.shards() for name in await self._journal.consumers(shard)}
        return [name.removeprefix(self._prefix) for name in sorted(names) if name.startswith(self._prefix)]

    async def forget(self, consumer: str) -> None:
        for shard in await self._journal.shards():
            await self._journal.forget(self._prefix + consumer, shard)


class FilePositions:
    """Kept in a small SQLite file, which several processes may open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self, consumer: str) -> Mapping[int, int]:
        return await asyncio.to_thread(self._load, consumer)

    async def save(self, consumer: str, positions: Mapping[int, int]) -> None:
        await asyncio.to_thread(self._save, consumer, positions)

    async def reset(self, consumer: str, positions: Mapping[int, int]) -> None:
        await self.save(consumer, positions)

    async def consumers(self) -> Iterable[str]:
        return await asyncio.to_thread(self._consumers)

    async def forget(self, consumer: str) -> None:
        await asyncio.to_thread(self._forget, consumer)

    def _load(self, consumer: str) -> dict[int, int]:
        with _Opened(self._path) as connection:
            return dict(connection.execute("SELECT shard, position FROM positions WHERE consumer = ?", (consumer,)))

    def _save(self, consumer: str, positions: Mapping[int, int]) -> None:
        rows = [(consumer, shard, position) for shard, position in positions.items()]
        with _Opened(self._path) as connection:
            connection.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", rows)

    def _consumers(self) -> list[str]:
        with _Opened(self._path) as connection:
            return [name for (name,) in connection.execute("SELECT DISTINCT consumer FROM positions ORDER BY 1")]

    def _forget(self, consumer: str) -> None:
        with _Opened(self._path) as connection:
            connection.execute("DELETE FROM positions WHERE consumer = ?", (consumer,))


class _Opened:
    """The file's connection for one transaction, committed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self._path, timeout=BUSY_S)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Without a sync for each: an older position after a power failure means that some is read twice.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(SCHEMA)
        return self._connection

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._connection.commit()
        finally:
            self._connection.close()
