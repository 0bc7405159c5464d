"""The lake's section of the feed process: its writer reads every shard from the start, and says how it stands."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.feed.feed import Feed
from actors.journals.port import Journal
from engine.kernel import Instant
from ml.lake.housekeeping import Keeping
from ml.lake.manifest import LakeFile
from ml.lake.reading import instant_of
from ml.lake.writer import LakeWriter


class LakeSection:
    """Implements `Section`. Other parts get its rows as they are made: `writer.observe`."""

    def __init__(
        self,
        feed: Feed,
        journal: Journal,
        directory: Path,
        behaviour_days: int,
        now: Callable[[], Instant],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.directory = directory
        self.writer = LakeWriter(directory, journal, now, keeping=Keeping(behaviour_days), busy=busy)
        feed.read_for(self.writer, "start")

    async def start(self) -> None:
        self.writer.start()

    async def close(self) -> None:
        await self.writer.close()

    async def status(self) -> dict[str, Any]:
        """What is in the lake, and how far it reaches."""
        files, positions = await asyncio.to_thread(instant_of, self.directory)
        return {
            "directory": str(self.directory),
            "positions": {str(shard): position for shard, position in positions.items()},
            "tables": {name: _told(of_table) for name, of_table in files.items()},
        }


def _told(files: Sequence[LakeFile]) -> dict[str, int]:
    return {
        "files": len(files),
        "rows": sum(file.rows for file in files),
        "bytes": sum(file.bytes for file in files),
        "first_at": min(file.first_at for file in files),
        "last_at": max(file.last_at for file in files),
    }
