"""Fills a lake from a journal in files until somebody kills it. Arguments: the journal's URL, the lake's directory."""

import asyncio
import sys
import time
from pathlib import Path

from actors.feed.feed import Feed
from actors.feed.positions import FilePositions
from actors.journals.urls import open_journal
from ml.lake.writer import LakeWriter

FRESH_S = 0.02


def now() -> int:
    return int(time.time() * 1_000)


async def main(url: str, lake: Path) -> None:
    journal = open_journal(url, accept_data_loss=True, create=False)
    writer = LakeWriter(lake, journal, now, fresh_s=FRESH_S)
    feed = Feed(journal, FilePositions(lake / "positions.sqlite"), now)
    feed.read_for(writer, "start")
    feed.start()
    writer.start()
    await writer.open()
    while True:
        # All the time: so there is always something half done.
        await asyncio.to_thread(writer.housekeeping.once)
        await asyncio.sleep(FRESH_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
