"""The feed process answers what recommendations ask of the lake, and counts once for all who ask."""

import asyncio
from pathlib import Path

import pytest

from actors.errors import FeedRefused
from serve.recommendations.port import Mode, Trial
from serve.recommendations.section import NOTHING_EVERY_MS, POPULAR_EVERY_MS, RecommendationSection
from tests.integration.lake.shop import asked
from tests.unit.ml.sources.small_lake import MINUTE_MS, START_MS, SmallLake
from tests.unit.serve.recommendations.models import SKUS, PairModels
from tests.unit.serve.shopfront import Shopfront, SmallSettings

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.now = START_MS + 10 * MINUTE_MS

    def __call__(self) -> int:
        return self.now


def test_what_is_popular_is_counted_once_a_minute_and_sooner_while_nothing_is_known(tmp_path: Path) -> None:
    clock, lake = Clock(), SmallLake(tmp_path)
    section = RecommendationSection(tmp_path, clock)
    assert asyncio.run(section.popular()) == []
    lake.did(1, "view", "RADIO", visitor="v")
    lake.write()
    assert asyncio.run(section.popular()) == []
    clock.now += NOTHING_EVERY_MS
    assert asyncio.run(section.popular()) == ["RADIO"]
    lake.did(2, "add", "LAMP", visitor="v")
    lake.write()
    assert asyncio.run(section.popular()) == ["RADIO"]
    clock.now += POPULAR_EVERY_MS
    assert asyncio.run(section.popular()) == ["LAMP", "RADIO"]
    assert asyncio.run(section.repeated()) == []
    lake.close()


def test_how_the_variants_did_is_told_in_plain_values(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.showed(1, "l-1", visitor="browser-1", model="item-knn", version="3", propensity=1.0)
    lake.write()
    section = RecommendationSection(tmp_path, Clock())
    told = asyncio.run(section.online(days=1))
    assert [(row["variant"], row["version"], row["lists"]) for row in told["variants"]] == [("champion", "3", 1)]
    for days in (0, 401):
        with pytest.raises(FeedRefused):
            asyncio.run(section.online(days=days))
    lake.close()


def test_a_click_on_what_was_recommended_is_counted_for_the_model_that_did(tmp_path: Path) -> None:
    models = PairModels(trial=Trial("2", Mode.SHADOW, 0.0))
    with Shopfront(settings=SmallSettings(lake=tmp_path / "lake"), models=models) as shop:
        for sku in SKUS:
            shop.sell(sku)
        shop.run(shop.recommendations.asking.refresh())
        shown = shop.get("/v1/recommendations?sku=RETRO-CLOCK&anonymous_id=browser-1&session=visit-0001&limit=2").json()
        shop.run(shop.recommendations.impressions.tell())
        click = {"id": "e-1", "type": "click", "sku": "BRASS-LAMP", "recommendation_id": shown["recommendation_id"]}
        bought = shop.buy(("BRASS-LAMP", 2))
        assert bought.status_code == 201
        purchase = {"id": "e-2", "type": "purchase", "order_id": bought.json()["id"]}
        body = {"anonymous_id": "browser-1", "session_id": "visit-0001", "events": [click, purchase]}
        assert shop.post("/v1/events", json=body).status_code == 202
        shop.let_lake_read()
        (champion,) = shop.run(shop.desk.ask("recommendations.online", {"days": 1}))["variants"]
        assert (champion["variant"], champion["model"], champion["version"]) == ("champion", "pairs", "1")
        assert (champion["lists"], champion["clicked_lists"], champion["visits"]) == (1, 1, 1), "without the shadow's"
        assert (champion["orders"], champion["revenue"]) == (1, 2 * 1999.0), "a guest's"
        assert shop.run(shop.desk.ask("recommendations.popular")) == ["BRASS-LAMP"]
        told = shop.get("/v1/admin/recommendations/online?days=1", admin=True).json()
        assert told["variants"][0]["clicked_lists"] == 1
        assert told["off_policy"][0]["click_through_ips"] == 1.0
        assert shop.get("/v1/admin/recommendations/online?days=0", admin=True).status_code == 422
        rows = asked(tmp_path / "lake", "SELECT variant, visitor, session, skus FROM impressions ORDER BY 1")
        skus = ",".join(item["sku"] for item in shown["items"])
        assert rows[0] == ("champion", "browser-1", "visit-0001", skus)
        assert [row[0] for row in rows] == ["champion", "shadow"]
