"""Who reads the journals, how far everybody is, and reading again, over HTTP."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from actors.feed.consumer import Held
from actors.journals.port import Entry
from serve.feed.desk import NoDesk
from serve.metrics.figures import tell_of_shop

from .shopfront import Shopfront, kind_of


class Parrot:
    """Takes everything, while it is there."""

    name = "parrot"

    def __init__(self) -> None:
        self.away = False
        self.taken = 0

    async def take(self, _shard: int, entries: Sequence[Entry]) -> None:
        if self.away:
            raise Held("it sleeps")
        self.taken += len(entries)


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front


def test_the_merchant_sees_how_far_each_consumer_is(shop: Shopfront) -> None:
    parrot = Parrot()
    shop.feed.feed.read_for(parrot, "start")
    shop.sell("RETRO-CLOCK")
    parrot.away = True
    with pytest.raises(Held):
        shop.let_feed_read()
    shop.clock.advance(5_000)
    (behind,) = [each for each in shop.get("/v1/admin/feed", admin=True).json()["items"] if each["name"] == "parrot"]
    assert behind["lag_entries"] > 1
    assert behind["lag_ms"] == 5_000
    parrot.away = False
    shop.let_feed_read()
    (there,) = [each for each in shop.get("/v1/admin/feed", admin=True).json()["items"] if each["name"] == "parrot"]
    assert (there["lag_entries"], there["lag_ms"]) == (0, 0)
    assert there["taken"] == parrot.taken == sum(behind["positions"].values()) + behind["lag_entries"]
    tell_of_shop(shop.shop)
    assert 'doorbuster_feed_lag_entries{consumer="parrot",process="feed"} 0.0' in shop.get("/metrics", admin=True).text


def test_a_consumer_can_be_told_to_read_again(shop: Shopfront) -> None:
    parrot = Parrot()
    shop.feed.feed.read_for(parrot, "start")
    shop.sell("RETRO-CLOCK")
    shop.let_feed_read()
    taken = parrot.taken
    path = "/v1/admin/feed/parrot/replay"
    assert shop.post(path, json={"begin": "start"}, admin=True).status_code == 200
    shop.let_feed_read()
    assert parrot.taken == 2 * taken
    assert shop.post(path, json={"begin": "2100-01-01T00:00:00Z"}, admin=True).status_code == 200
    shop.let_feed_read()
    assert parrot.taken == 2 * taken
    assert shop.post(path, json={"begin": "yesterday"}, admin=True).status_code == 422
    unknown = shop.post("/v1/admin/feed/nobody/replay", json={"begin": "start"}, admin=True)
    assert (unknown.status_code, kind_of(unknown)) == (404, "not-found")


def test_without_a_feed_process_the_shop_says_when_to_try_again(shop: Shopfront) -> None:
    shop.app.state.shop = replace(shop.shop, feed=NoDesk())
    answer = shop.get("/v1/admin/feed", admin=True)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
