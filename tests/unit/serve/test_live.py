"""Streams of stock and of orders: told at once, after each change, and from where the client was cut off."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from serve.api.app import build_app
from serve.front import Front
from serve.ingress import Door, FrontFirst
from serve.live import stock, streams
from serve.live.bell import Bell
from serve.live.streams import Streams
from serve.metrics.metrics import Metrics

from .listening import Listener
from .shopfront import Shopfront, keyed, kind_of, order_body
from .visitor import Visitor

CLOCK = "/v1/stock/stream?sku=RETRO-CLOCK"


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        front.sell("RETRO-CLOCK", quantity=10)
        yield front


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "GATHERED_S", 0.001)


def receive(shop: Shopfront, sku: str, quantity: int) -> list[tuple[str, str, dict[str, object]]]:
    return [("POST", f"/v1/stock/{sku}/receipts", {"json": {"quantity": quantity}, "admin": True})]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


# -- stock


@pytest.mark.usefixtures("quick")
def test_a_stream_tells_what_the_products_page_says_and_each_change(shop: Shopfront) -> None:
    page = shop.get("/v1/products/RETRO-CLOCK").json()["availability"]

    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as stream:
            first = await stream.next()
            assert first.name == "stock"
            assert first.data == {"sku": "RETRO-CLOCK", **page}
            await shop._all(receive(shop, "RETRO-CLOCK", 5))
            assert (await stream.next()).data["available"] == 15
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"

    shop.run(listen())
    assert shop.live.streams.open_now == 0


def test_the_documented_stream_is_what_is_sent(shop: Shopfront) -> None:
    page = Path(__file__).parents[3].joinpath("docs", "live.md").read_text()
    (path,) = re.findall(r"^\$ curl -N 'http://127.0.0.1:8000(.*)'$", page, re.MULTILINE)
    (documented,) = re.findall(r"^data: (.*)$", page, re.MULTILINE)

    async def listen() -> None:
        async with Listener(shop.app, path) as stream:
            heard = await stream.next()
            assert list(heard.data) == list(json.loads(documented))
            assert len(heard.id) == 8

    shop.run(listen())


@pytest.mark.usefixtures("quick")
def test_who_connects_again_hears_what_changed_meanwhile_and_nothing_else(shop: Shopfront) -> None:
    shop.sell("CUCKOO-CLOCK", quantity=3)
    both = "/v1/stock/stream?sku=RETRO-CLOCK&sku=CUCKOO-CLOCK"

    async def listen() -> None:
        async with Listener(shop.app, both) as stream:
            heard = [await stream.next(), await stream.next()]
        await shop._all(receive(shop, "RETRO-CLOCK", 5))
        async with Listener(shop.app, both, {"Last-Event-ID": heard[-1].id}) as again:
            changed = await again.next()
            assert (changed.data["sku"], changed.data["available"]) == ("RETRO-CLOCK", 15)
            await shop._all(receive(shop, "CUCKOO-CLOCK", 1))
            assert (await again.next()).data["sku"] == "CUCKOO-CLOCK"

    shop.run(listen())


@pytest.mark.usefixtures("quick")
def test_an_id_that_is_none_of_this_stream_tells_everything_again(shop: Shopfront) -> None:
    async def listen() -> None:
        for id in ("nonsense", "a.b.c", "7"):
            async with Listener(shop.app, CLOCK, {"Last-Event-ID": id}) as stream:
                assert (await stream.next()).data["available"] == 10

    shop.run(listen())


@pytest.mark.usefixtures("quick")
def test_who_does_not_read_hears_the_newest_alone(shop: Shopfront) -> None:
    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as stream:
            await stream.next()
            stream.reading.clear()
            for _ in range(3):
                await shop._all(receive(shop, "RETRO-CLOCK", 5))
                await asyncio.sleep(0.01)
            stream.reading.set()
            heard = [await stream.next()]
            while heard[-1].data["available"] < 25:
                heard.append(await stream.next())
            # The one that was being sent when the reader stopped, and the last.
            assert len(heard) <= 2

    shop.run(listen())


@pytest.mark.usefixtures("quick")
def test_a_bundle_changes_with_its_parts_and_a_product_that_is_taken_away_is_gone(shop: Shopfront) -> None:
    shop.sell("ALARM-BELL", quantity=4)
    parts = [{"sku": "RETRO-CLOCK", "quantity": 2}, {"sku": "ALARM-BELL", "quantity": 1}]
    shop.sell("WAKE-UP-SET", quantity=0, components=parts)

    async def listen() -> None:
        async with Listener(shop.app, "/v1/stock/stream?sku=WAKE-UP-SET") as stream:
            assert (await stream.next()).data["available"] == 4
            await shop._all(receive(shop, "ALARM-BELL", 9))
            assert (await stream.next()).data["available"] == 5
            await shop._all([("DELETE", "/v1/products/WAKE-UP-SET", {"admin": True})])
            gone = await stream.next()
            assert (gone.name, gone.data) == ("gone", {"sku": "WAKE-UP-SET"})

    shop.run(listen())
    # Who watches nothing costs nothing.
    assert not shop.live.stock._needed_by
    assert not shop.live.stock._topics


@pytest.mark.usefixtures("quick")
def test_what_nobody_told_of_is_looked_up_again_after_a_gap(shop: Shopfront) -> None:
    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as stream:
            await stream.next()
            told, shop.catalogue.listeners = shop.catalogue.listeners, []
            await shop._all(receive(shop, "RETRO-CLOCK", 5))
            shop.catalogue.listeners = told
            shop.live.stock.look_again()
            assert (await stream.next()).data["available"] == 15

    shop.run(listen())


def test_only_products_that_are_shown_can_be_watched_and_not_too_many(shop: Shopfront) -> None:
    unknown = shop.get("/v1/stock/stream?sku=NOTHING-SUCH")
    assert (unknown.status_code, kind_of(unknown)) == (404, "not-found")
    many = "&".join(f"sku=CLOCK-{number}" for number in range(21))
    for path in ("/v1/stock/stream", f"/v1/stock/stream?{many}", "/v1/stock/stream?sku=no%20sku"):
        assert shop.get(path).status_code == 422
    assert shop.get(CLOCK, headers={"Last-Event-ID": "x" * 401}).status_code == 422


# -- orders


def test_an_order_tells_its_past_then_each_change_and_nothing_is_missed(shop: Shopfront) -> None:
    ada = Visitor(shop, "ada@example.org").registered()
    placed = ada.post("/v1/orders", json=order_body(("RETRO-CLOCK", 2)), headers=keyed("key-1")).json()
    path, who = f"/v1/orders/{placed['id']}", ada.header

    async def listen() -> None:
        async with Listener(shop.app, f"{path}/stream", who) as stream:
            whats, last = [], await stream.next()
            while last.name == "timeline":
                whats += [row["what"] for row in last.data["items"]]
                assert last.id == str(last.data["version"])
                last = await stream.next()
            assert whats[0] == "placed"
            assert "confirmed" in whats
            assert (last.name, last.data["status"]) == ("order", "confirmed")
            (cancelled,) = await shop._all([("POST", f"{path}/cancel", {"headers": who})])
            assert cancelled.status_code == 200
            assert "cancelled" in [row["what"] for row in (await stream.next()).data["items"]]
        # What happened while nobody listened comes when the client is back, and what it knows doesn't.
        async with Listener(shop.app, f"{path}/stream", {**who, "Last-Event-ID": last.id}) as again:
            rows, heard = [], await again.next()
            while heard.name == "timeline":
                assert int(heard.id) > int(last.id)
                rows += [row["what"] for row in heard.data["items"]]
                heard = await again.next()
            assert rows[0] == "cancelled"
            assert heard.data["status"] == "cancelled"

    shop.run(listen())
    assert [row["what"] for row in shop.get(f"{path}/timeline", headers=who).json()["items"]].count("cancelled") == 1


@pytest.mark.parametrize("id", ["nonsense", "9" * 400, "-1", "٣"])
def test_an_id_that_is_no_version_tells_an_order_from_the_beginning(shop: Shopfront, id: str) -> None:
    placed = shop.buy(("RETRO-CLOCK", 1)).json()
    who = {"Authorization": f"Bearer {placed['access_token']}", "Last-Event-ID": id}

    async def listen() -> None:
        async with Listener(shop.app, f"/v1/orders/{placed['id']}/stream", who) as stream:
            assert (await stream.next()).data["items"][0]["what"] == "placed"

    shop.run(listen())


def test_where_nobody_tells_of_orders_they_are_asked(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.live.orders.ASK_EVERY_S", 0.01)
    shop.live.orders.are_told = False
    monkeypatch.setattr(shop.live.orders, "changed", lambda _order_id: None)
    placed = shop.buy(("RETRO-CLOCK", 1)).json()
    path, token = f"/v1/orders/{placed['id']}", {"Authorization": f"Bearer {placed['access_token']}"}

    async def listen() -> None:
        async with Listener(shop.app, f"{path}/stream", token) as stream:
            while (await stream.next()).name != "order":
                pass
            await shop._all([("POST", f"{path}/cancel", {"headers": token})])
            assert (await stream.next()).data["items"][0]["what"] == "cancelled"

    shop.run(listen())


# -- all streams


def test_a_stop_waits_for_no_stream(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.001)

    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as one, Listener(shop.app, CLOCK) as other:
            await one.next()
            await other.next()
            # As the HTTP server does with every connection when it stops.
            for stream in (one, other):
                stream.connection.keep_alive = False
            await one.end()
            await other.end()
            assert one.ended
            assert other.ended

    shop.run(listen())
    refused = shop.get(CLOCK)
    assert (refused.status_code, kind_of(refused)) == (503, "overloaded")


def test_a_stream_past_serve_is_the_same_and_has_a_name(shop: Shopfront) -> None:
    async def serve(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("a stream came to Serve")

    nameless = build_app(replace(shop.shop, names_requests=False, metrics=Metrics()))
    way = FrontFirst(serve, Door(Front(shop.shop, streams=nameless)))

    async def listen() -> None:
        async with Listener(way, CLOCK, {"X-Request-Id": "mine"}) as mine, Listener(way, CLOCK) as unnamed:
            assert (await mine.next()).data["available"] == 10
            await unnamed.next()
            assert mine.headers["x-request-id"] == "mine"
            assert unnamed.headers["x-request-id"]
        async with Listener(way, "/v1/stock/stream?sku=NOTHING-SUCH") as refused:
            await refused.end()
            assert refused.status == 404

    shop.run(listen())


def test_there_is_room_for_so_many_and_for_fewer_of_one_address(shop: Shopfront) -> None:
    shop.live.streams = shop.live.stock._streams = Streams(most=2, most_per_address=1)

    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as first:
            await first.next()
            async with Listener(shop.app, CLOCK) as second:
                await second.end()
                assert (second.status, second.headers["retry-after"]) == (429, "5")
            elsewhere = Listener(shop.app, CLOCK)
            elsewhere._scope["client"] = ("198.51.100.2", 1)
            third = Listener(shop.app, CLOCK)
            third._scope["client"] = ("198.51.100.3", 1)
            async with elsewhere, third:
                await third.end()
                assert (third.status, third.headers["retry-after"]) == (503, "5")
        assert shop.live.streams.open_now == 0

    shop.run(listen())


def test_who_stops_reading_is_cut(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SLOW_READER_S", 0.01)
    monkeypatch.setattr(streams, "LOOK_EVERY_S", 0.001)

    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as stream:
            stream.reading.clear()
            await stream.end()
            assert stream.connection.was_cut
            assert shop.live.streams.dropped == 1

    shop.run(listen())


def test_a_silent_stream_says_that_it_lives_and_ends_some_day(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "SILENCE_S", 0.01)
    monkeypatch.setattr(streams, "LONGEST_S", 0.05)
    monkeypatch.setattr(streams, "SPREAD_S", 1)

    async def listen() -> None:
        async with Listener(shop.app, CLOCK) as stream:
            await stream.next()
            assert await stream.comment() == ": still here"
            await stream.end()
            assert stream.ended

    shop.run(listen())


def test_who_asks_for_the_head_alone_gets_it_alone(shop: Shopfront) -> None:
    async def listen() -> None:
        async with Listener(shop.app, CLOCK, method="HEAD") as stream:
            await stream.end()
            assert (stream.status, stream.ended, stream._text) == (200, True, b"")

    shop.run(listen())


def test_rings_before_a_look_are_one() -> None:
    async def listen() -> None:
        bell = Bell()
        for _ in range(3):
            bell.ring()
        assert await bell.heard(5)
        assert not await bell.heard(0.001)
        asyncio.get_running_loop().call_soon(bell.ring)
        assert await bell.heard(5)

    asyncio.run(listen())
