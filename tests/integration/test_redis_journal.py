"""The shop's hosts on a real Redis: it is killed under load, and two processes want the same shards."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from click.testing import CliRunner

from actors.errors import Unavailable
from engine.kernel import Rejected
from engine.order import LookOrder, OrderView, Status
from engine.stock import Receive, stock_key
from loadtest.redis_program import find_redis_server
from serve.cli import config, up
from serve.settings import Settings

from ..redis_server import NO_SERVER, RedisServer
from .one_process import SKU, Shop

pytestmark = pytest.mark.skipif(find_redis_server() is None, reason=NO_SERVER)

# A child process imports this module afresh, as another machine would.
PROCESSES = multiprocessing.get_context("spawn")
UNITS = 100_000
BUYERS = 16
PATIENCE_S = 0.5
"""How long a buyer here waits for an answer: short, so that an outage is heard of."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()


@pytest.fixture(params=["", "?volumes=16"], ids=["one volume", "a volume per shard"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, server: RedisServer) -> Settings:
    return Settings(data=tmp_path, journal=server.url + request.param)


class Buyers:
    """Buy until told to stop, each with a new order after an answer, and the same order again after none."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.confirmed: dict[str, float] = {}
        self.unanswered = 0
        self.asked: set[str] = set()
        self.open = True

    async def run(self) -> None:
        await asyncio.gather(*(self._one(number) for number in range(BUYERS)))

    async def _one(self, buyer: int) -> None:
        number = 0
        while self.open:
            order_id = f"ord_{buyer}_{number}"
            self.asked.add(order_id)
            try:
                order = await self.shop.buy(order_id, deadline_s=PATIENCE_S)
            except Unavailable:
                self.unanswered += 1
                # The answer may come at once: the others are to get their turn.
                await asyncio.sleep(0.01)
                continue
            if order.settlement is not None:
                assert order.settlement.status is Status.CONFIRMED
                self.confirmed[order_id] = time.monotonic()
                number += 1


def test_redis_is_killed_under_load_and_the_shop_goes_on_by_itself(settings: Settings, server: RedisServer) -> None:
    async def scenario() -> None:
        shop = await Shop(settings).open()
        await shop.client.send("stock", stock_key(SKU), Receive("r", UNITS))
        buyers = Buyers(shop)
        buying = asyncio.create_task(buyers.run())
        await asyncio.sleep(0.7)
        await asyncio.to_thread(server.kill)
        killed_at = time.monotonic()
        await asyncio.sleep(1.2)
        assert not [at for at in buyers.confirmed.values() if at > killed_at + 0.1]
        assert buyers.unanswered, "nobody may wait for longer than his deadline"
        await asyncio.to_thread(server.start)
        back_at = time.monotonic()
        while max(buyers.confirmed.values()) < back_at:
            assert time.monotonic() < back_at + 10, "the shop did not come back"
            await asyncio.sleep(0.02)
        print(f"sold again {max(buyers.confirmed.values()) - back_at:.2f} s after Redis was back")
        await asyncio.sleep(0.7)
        buyers.open = False
        await buying
        await everything_is_there(shop, buyers)
        await shop.close()

    asyncio.run(asyncio.wait_for(scenario(), 100))


async def everything_is_there(shop: Shop, buyers: Buyers) -> None:
    """Every order that was confirmed still is, and the stock has sold exactly the confirmed ones."""
    sold = 0
    for order_id in buyers.asked:
        reply = await shop.client.send("order", order_id, LookOrder(), deadline_s=20, settle_s=10)
        if isinstance(reply, Rejected):
            assert order_id not in buyers.confirmed
            continue
        assert isinstance(reply, OrderView)
        if order_id in buyers.confirmed:
            assert reply.status is Status.CONFIRMED
        while reply.settlement is None:
            reply = await shop.client.send("order", order_id, LookOrder(), deadline_s=20)
            assert isinstance(reply, OrderView)
            await asyncio.sleep(0.02)
        sold += reply.settlement.status is Status.CONFIRMED
    view = await shop.quantities()
    assert (view.on_hand, view.reserved) == (UNITS - sold, 0)
    assert sold >= len(buyers.confirmed) > BUYERS


def test_redis_stops_answering_for_a_while(settings: Settings, server: RedisServer) -> None:
    async def scenario() -> None:
        shop = await Shop(settings).open()
        await shop.client.send("stock", stock_key(SKU), Receive("r", UNITS))
        buyers = Buyers(shop)
        buying = asyncio.create_task(buyers.run())
        await asyncio.sleep(0.3)
        server.pause()
        await asyncio.sleep(1.0)
        server.resume()
        await asyncio.sleep(0.7)
        buyers.open = False
        await buying
        await everything_is_there(shop, buyers)
        await shop.close()

    asyncio.run(asyncio.wait_for(scenario(), 100))


def sell_in_another_process(settings: Settings, wire: "Connection[str, str]") -> None:
    """Owns all shards, sells, and reports how it went when it is told to sell again."""

    async def scenario() -> str:
        shop = await Shop(settings).open()
        await shop.client.send("stock", stock_key(SKU), Receive("r", UNITS))
        await shop.buy("ord_first")
        wire.send("sold")
        await asyncio.to_thread(wire.recv)
        try:
            await shop.buy("ord_late", deadline_s=PATIENCE_S)
        except Unavailable:
            return f"refused, fenced {shop.fenced > 0}"
        finally:
            await shop.close()
        return "sold again"

    wire.send(asyncio.run(scenario()))


def test_whoever_lost_the_shards_to_another_process_sells_nothing_more(settings: Settings) -> None:
    wire, other_end = PROCESSES.Pipe()
    process = PROCESSES.Process(target=sell_in_another_process, args=(settings, other_end))
    process.start()

    async def scenario() -> None:
        assert await asyncio.to_thread(wire.poll, 30)
        assert wire.recv() == "sold"
        shop = await Shop(settings).open()
        assert (await shop.quantities()).on_hand == UNITS - 1
        wire.send("go on")
        assert await asyncio.to_thread(wire.poll, 30)
        assert wire.recv() == "refused, fenced True"
        assert (await shop.buy("ord_first")).status is Status.CONFIRMED
        assert (await shop.buy("ord_second")).status is Status.CONFIRMED
        assert (await shop.quantities()).on_hand == UNITS - 2
        assert isinstance(await shop.client.send("order", "ord_late", LookOrder()), Rejected)
        await shop.close()

    try:
        asyncio.run(asyncio.wait_for(scenario(), 100))
    finally:
        process.join(10)
        process.kill()


def test_a_shop_on_a_server_that_would_forget_is_told_before_anything_starts(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis", "--appendonly", "no").start()
    try:
        arguments = ["--data", str(tmp_path / "data"), "--journal", server.url]
        result = CliRunner().invoke(up.command, arguments)
        assert result.exit_code == 1
        assert "appendfsync always" in result.output
        assert "--accept-data-loss" in result.output
        assert not (tmp_path / "data").exists()
        accepted = CliRunner().invoke(config.command, [*arguments, "--accept-data-loss"], terminal_width=200)
        assert accepted.exit_code == 0, accepted.output
        settings = Settings(data=tmp_path / "data", journal=server.url, accept_data_loss=True)
        up.ensure_store(settings)
    finally:
        server.kill()
