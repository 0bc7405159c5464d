"""The lake's part of the feed process: what is sold over HTTP is in the lake, and its writer starts by itself."""

import asyncio
from pathlib import Path

import pytest

from actors.feed.positions import JournalPositions
from serve.feed.process import FeedProcess, lake_of
from tests.integration.lake.shop import Shop, asked

pytestmark = pytest.mark.unit


class Settings:
    """The settings that the part reads."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.lake: Path | None = data / "lake"
        self.public_url = "http://shop"
        self.behaviour_days = 365


def test_the_feed_process_fills_the_lake_from_the_first_entry_on(tmp_path: Path) -> None:
    shop, settings = Shop(), Settings(tmp_path)

    async def run() -> dict[str, int]:
        shop.open()
        shop.trade(3)
        await shop.commit()
        positions = JournalPositions(shop.recorded, "feed/")
        process = FeedProcess(settings, shop.recorded, positions, lambda: shop.now, {"lake": lake_of})
        await process.feed.catch_up()
        section = process.sections["lake"]
        await section.start()
        await process.close()
        told = await process.ask("lake.status", {})
        return {name: table["rows"] for name, table in told["tables"].items()}

    rows = asyncio.run(run())
    assert rows["orders"] >= 6
    assert asked(tmp_path / "lake", "SELECT sum(units), sum(total) FROM sales") == [tuple(shop.ledger().values())]


def test_without_a_place_for_it_there_is_no_lake(tmp_path: Path) -> None:
    shop, settings = Shop(), Settings(tmp_path)
    settings.lake = None
    positions = JournalPositions(shop.recorded, "feed/")
    assert FeedProcess(settings, shop.recorded, positions, lambda: 0, {"lake": lake_of}).sections == {}
