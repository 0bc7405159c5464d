"""Hosts as Ray actors, killed in the middle of checkouts: what was acknowledged is there, nothing is sold twice."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from zlib import crc32

import pytest
import ray
from ray.exceptions import RayActorError

from actors import on_ray
from actors.client import Client
from actors.journals.urls import open_journal
from actors.pins import Pins
from engine.cart import Line
from engine.kernel import Rejected
from engine.kinds import KINDS
from engine.money import Money
from engine.order import LookOrder, OrderView, Place, Status
from engine.stock import LookStock, Receive, StockView, stock_key
from serve.host_actors import start_hosts
from serve.settings import Settings

SKU = "RETRO-CLOCK"
PURCHASES = 1_000
UNITS = 750
AT_ONCE = 64


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, local_ray: None) -> Iterator[Settings]:
    """Two host actors, which Ray starts again whenever a test has killed them."""
    settings = Settings(data=tmp_path_factory.mktemp("shop"), hosts=2)
    start_hosts(settings)
    yield settings
    on_ray.stop_hosts()


@pytest.fixture
def sku(request: pytest.FixtureRequest) -> str:
    """One of its own for each test: they share a shop."""
    return f"{SKU}-{crc32(request.node.name.encode()):08X}"


async def host_names() -> list[str]:
    return sorted((await on_ray.RayDirectory().standing()).hosts)


async def kill_a_host(name: str) -> None:
    """kill -9 of the process, as the kernel or a person would; of its successor, if it has only just died."""
    while True:
        try:
            pid = await ray.get_actor(name, namespace=on_ray.NAMESPACE).pid.remote()
            break
        except RayActorError:
            await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


class Shoppers:
    """Buyers of one SKU; remembers what each was told, and when."""

    def __init__(self, client: Client, sku: str = SKU) -> None:
        self.client = client
        self.sku = sku
        self.confirmed: list[str] = []
        self.refused: list[str] = []
        self.answered_at: list[float] = []

    async def buy(self, number: int) -> None:
        order_id = f"ord_{self.sku}_{number:06}"
        place = Place(
            "same", "ada@example.org", "sandbox", "tok_ok", (Line(self.sku, 1, Money(1_999, "USD"), "Clock"),)
        )
        reply = await self.client.send("order", order_id, place, deadline_s=60, settle_s=60)
        assert isinstance(reply, OrderView), reply
        assert reply.settlement is not None
        (self.confirmed if reply.settlement.status is Status.CONFIRMED else self.refused).append(order_id)
        self.answered_at.append(time.monotonic())

    async def buy_all(self, count: int) -> None:
        numbers = iter(range(count))

        async def one_after_the_other() -> None:
            for number in numbers:
                await self.buy(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    @property
    def longest_stall_s(self) -> float:
        """The longest time in which nobody got an answer."""
        return max(after - before for before, after in zip(self.answered_at, self.answered_at[1:], strict=False))


async def quantities(client: Client, sku: str = SKU) -> StockView:
    view = await client.send("stock", stock_key(sku), LookStock(), deadline_s=30)
    assert isinstance(view, StockView)
    return view


async def settled_quantities(client: Client, sku: str = SKU) -> StockView:
    """The quantities once no hold is open any more."""
    for _ in range(100):
        view = await quantities(client, sku)
        if view.reserved == 0:
            return view
        await asyncio.sleep(0.1)
    raise AssertionError(f"holds stay open: {view}")


def test_a_host_killed_in_the_middle_of_1000_purchases_loses_and_doubles_nothing(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", UNITS), deadline_s=30)
        shoppers = Shoppers(client, sku)
        buying = asyncio.create_task(shoppers.buy_all(PURCHASES))
        for _ in range(2):
            target = len(shoppers.answered_at) + 200
            while len(shoppers.answered_at) < target:
                await asyncio.sleep(0.01)
            await kill_a_host(random.choice(await host_names()))
        await buying
        view = await settled_quantities(client, sku)
        assert len(shoppers.confirmed) == UNITS
        assert len(shoppers.refused) == PURCHASES - UNITS
        assert (view.on_hand, view.available) == (0, 0)
        for order_id in shoppers.confirmed[::10]:
            order = await client.send("order", order_id, LookOrder())
            assert isinstance(order, OrderView)
            assert order.status is Status.CONFIRMED
        print(f"longest stall {shoppers.longest_stall_s:.2f} s")

    asyncio.run(asyncio.wait_for(main(), 100))


def test_everything_acknowledged_is_there_after_every_host_was_killed(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", UNITS), deadline_s=30)
        shoppers = Shoppers(client, sku)
        await shoppers.buy_all(200)
        for name in await host_names():
            await kill_a_host(name)
        view = await settled_quantities(client, sku)
        assert view.on_hand == UNITS - 200
        await shoppers.buy_all(201)
        assert len(set(shoppers.confirmed)) == 201
        assert (await settled_quantities(client, sku)).on_hand == UNITS - 201

    asyncio.run(asyncio.wait_for(main(), 100))


def test_the_directory_killed_is_not_even_noticed(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", UNITS), deadline_s=30)
        shoppers = Shoppers(client, sku)
        buying = asyncio.create_task(shoppers.buy_all(200))
        while len(shoppers.answered_at) < 50:
            await asyncio.sleep(0.01)
        directory = ray.get_actor(on_ray.DIRECTORY, namespace=on_ray.NAMESPACE)
        os.kill(ray.get(directory.pid.remote()), signal.SIGKILL)
        await buying
        assert len(shoppers.confirmed) == 200

    asyncio.run(asyncio.wait_for(main(), 100))


def test_a_sku_is_pinned_and_unpinned_while_it_sells(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", UNITS), deadline_s=30)
        pins = Pins(client, on_ray.RayDirectory())
        shoppers = Shoppers(client, sku)
        buying = asyncio.create_task(shoppers.buy_all(PURCHASES))
        while len(shoppers.answered_at) < 150:
            await asyncio.sleep(0.01)
        shard = await pins.pin("stock", stock_key(sku), LookStock())
        _, table = await on_ray.RayDirectory().table()
        assert shard >= settings.shards
        assert [other for other, host in table.items() if host == table[shard]] == [shard]
        while len(shoppers.answered_at) < 450:
            await asyncio.sleep(0.01)
        await pins.unpin("stock", stock_key(sku), LookStock())
        await buying
        assert len(shoppers.confirmed) == UNITS
        view = await settled_quantities(client, sku)
        assert (view.on_hand, view.reserved) == (0, 0)

    asyncio.run(asyncio.wait_for(main(), 100))


def test_a_refused_order_holds_nothing(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", 1), deadline_s=30)
        lines = (Line(sku, 1, Money(1, "USD")), Line("OUT-OF-THIS", 1, Money(1, "USD")))
        reply = await client.send("order", "ord_x", Place("f", "a@b.c", "sandbox", "tok_ok", lines), settle_s=10)
        assert not isinstance(reply, Rejected)
        assert isinstance(reply, OrderView)
        assert reply.settlement is not None
        assert reply.settlement.status is Status.REJECTED
        assert (await settled_quantities(client, sku)).available == 1

    asyncio.run(asyncio.wait_for(main(), 100))


def test_the_journal_files_tell_the_same_as_the_hosts_did(settings: Settings, sku: str) -> None:
    async def main() -> None:
        client = on_ray.connect(KINDS, settings.shards)
        await client.send("stock", stock_key(sku), Receive("r", 100), deadline_s=30)
        await Shoppers(client, sku).buy_all(50)
        journal = open_journal(settings.journal)
        try:
            history = await client.history("stock", stock_key(sku), limit=1_000)
            shard = client.home_of(stock_key(sku))
            assert list(history) == list(await journal.history(shard, "stock", stock_key(sku), limit=1_000))
        finally:
            await journal.close()

    asyncio.run(asyncio.wait_for(main(), 100))
