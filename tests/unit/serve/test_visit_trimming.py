"""Visitors' entries leave the journal once the feed has read them, and nothing else does."""

from collections.abc import Iterator, Sequence

import pytest

from actors.feed.consumer import Held
from actors.journals.port import Entry
from engine.impressions import Impression
from engine.visitor import anonymous_key
from serve.behaviour import Visitors
from serve.feed.visits import HOUR_MS, VisitTrimming
from serve.recommendations.ledger import EntityLedger

from .shopfront import SHARDS, Shopfront

KEEP_HOURS = 6


class Lake:
    """Reads everything, while it is there."""

    name = "lake"

    def __init__(self) -> None:
        self.away = False

    async def take(self, _shard: int, _entries: Sequence[Entry]) -> None:
        if self.away:
            raise Held("it sleeps")


class Trimmed:
    """A shop with visitors, and what trims their entries."""

    def __init__(self, shop: Shopfront) -> None:
        self.shop = shop
        self.lake = Lake()
        shop.feed.feed.read_for(self.lake, "start")
        self.trimming = VisitTrimming(shop.feed.feed, shop.journal, KEEP_HOURS, shop.clock)
        self.told = 0

    def tell(self, *browsers: str) -> None:
        for browser in browsers:
            self.told += 1
            event = {"id": f"e-{self.told}", "type": "view", "sku": "RETRO-CLOCK"}
            assert self.shop.post("/v1/events", json={"anonymous_id": browser, "events": [event]}).status_code == 202

    def trim(self) -> int:
        for reader in self.shop.feed.feed.readers.values():
            self.shop.run(reader.save())
        return self.shop.run(self.trimming.trim()).removed

    def entries(self, kind: str) -> list[Entry]:
        async def read() -> list[Entry]:
            return [entry for shard in range(SHARDS) for entry in await self.shop.journal.read(shard, 0, 10_000)]

        return [entry for entry in self.shop.run(read()) if entry.kind == kind]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trimmed]:
    monkeypatch.setattr("actors.shard.MIN_ENTRIES_BETWEEN_CHECKPOINTS", 1)
    with Shopfront(front=True) as front:
        yield Trimmed(front)


def test_old_entries_of_visitors_go_and_what_they_did_stays_known(shop: Trimmed) -> None:
    shop.shop.sell("RETRO-CLOCK")
    others = len(shop.entries("product")) + len(shop.entries("stock"))
    for _ in range(3):
        shop.tell("browser-01", "browser-02", "browser-03")
    shop.shop.clock.advance(KEEP_HOURS * HOUR_MS + 1)
    shop.tell("browser-01")
    shop.shop.let_feed_read()
    assert shop.trim() == 9
    assert [entry.key for entry in shop.entries("visitor")] == [anonymous_key("browser-01")]
    assert len(shop.entries("product")) + len(shop.entries("stock")) == others
    seen = shop.shop.run(Visitors(shop.shop.client).anonymous("browser-01"))
    assert [behaved.id for behaved in seen.recent] == ["e-1", "e-4", "e-7", "e-10"]


def test_each_run_goes_on_where_the_last_one_ended(shop: Trimmed) -> None:
    for expected in (2, 2, 0):
        if expected:
            shop.tell("browser-01", "browser-02")
        shop.shop.clock.advance(KEEP_HOURS * HOUR_MS + 1)
        # Checkpoints come with later entries.
        for number in range(6):
            shop.shop.sell(f"LATER-{shop.told}-{number}", quantity=1)
        shop.shop.let_feed_read()
        assert shop.trim() == expected
    assert shop.entries("visitor") == []


def test_what_was_shown_goes_like_what_was_done_and_its_retries_stay_known(shop: Trimmed) -> None:
    shown = Impression("list-1", 1, "champion", "item-knn", "3", "home", "browser-01", ("RETRO-CLOCK",), 1.0)
    ledger = EntityLedger(shop.shop.client)

    def record(batch: str) -> None:
        assert shop.shop.run(ledger.record(batch, [shown]))

    for batch in ("batch-1", "batch-1", "batch-2", "batch-3"):
        record(batch)
    shop.shop.clock.advance(KEEP_HOURS * HOUR_MS + 1)
    # Checkpoints come with later entries.
    for number in range(6):
        shop.shop.sell(f"LATER-{number}", quantity=1)
    shop.shop.let_feed_read()
    assert shop.trim() == 3
    assert shop.entries("impressions") == []
    record("batch-1")
    assert shop.entries("impressions") == []


def test_nothing_goes_before_the_lake_has_begun(shop: Trimmed) -> None:
    shop.tell("browser-01")
    shop.shop.clock.advance(KEEP_HOURS * HOUR_MS + 1)
    # Checkpoints come with later entries.
    for number in range(6):
        shop.shop.sell(f"LATER-{number}", quantity=1)
    assert shop.shop.run(shop.trimming.trim()).removed == 0
    shop.shop.let_feed_read()
    assert shop.trim() == 1


def test_nothing_goes_that_the_lake_has_yet_to_read(shop: Trimmed) -> None:
    shop.lake.away = True
    shop.tell("browser-01")
    shop.shop.clock.advance(KEEP_HOURS * HOUR_MS + 1)
    with pytest.raises(Held):
        shop.shop.let_feed_read()
    assert shop.trim() == 0
    shop.lake.away = False
    shop.shop.let_feed_read()
    assert shop.trim() == 1
