"""A shop as its operator meets it: ports, second starts, signals, kills."""

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator

import aiohttp
import psutil
import pytest

from loadtest.buyer import CONFIRMED, Attempt, buy, settle
from loadtest.rush import put_on_sale
from loadtest.shop import order_body
from serve.launcher import processes

from .running import RunningShop

PURCHASES = 2_000
AT_ONCE = 32
GONE_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def mortal_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    running = RunningShop(tmp_path_factory.mktemp("mortal-shop"), "--demo-products", "0")
    yield running
    running.close()


@pytest.fixture
def own_shop(mortal_shop: RunningShop) -> RunningShop:
    """A running shop that a test may kill: the next one starts it again on what is there."""
    if not mortal_shop.runs:
        mortal_shop.start()
    return mortal_shop


async def buy_many(shop: RunningShop, sku: str, count: int, told: list[Attempt]) -> list[float]:
    """`count` purchases with retries until each has ended; when each ended."""
    numbers = iter(range(count))
    ended: list[float] = []

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        for _ in numbers:
            attempt = Attempt(secrets.token_hex(8), "/v1/orders", order_body([sku]))
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                attempt = await buy(session, shop.url, attempt.path, attempt.body, attempt.key)
            told.append(await settle(session, shop.url, attempt, 60))
            ended.append(time.monotonic())

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one_after_the_other(session) for _ in range(AT_ONCE)))
    return ended


async def all_there(shop: RunningShop, attempts: list[Attempt]) -> bool:
    """Whether every acknowledged order is there and confirmed."""
    async with aiohttp.ClientSession() as session:
        for attempt in attempts:
            headers = {"Authorization": f"Bearer {attempt.access_token}"}
            async with session.get(f"{shop.url}/v1/orders/{attempt.order_id}", headers=headers) as answer:
                if answer.status != 200 or (await answer.json())["status"] != "confirmed":
                    return False
    return True


def test_only_loopback_is_bound(shop: RunningShop) -> None:
    ours = set(shop.processes())
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.pid in ours
    }
    assert len(listening) > 5
    assert {ip for ip, _ in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, listening


def test_a_second_start_on_the_same_data_says_that_one_runs(shop: RunningShop) -> None:
    second = subprocess.run(shop.command(), capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert str(shop.pid) in second.stderr
    assert shop.url in second.stderr


def test_the_keys_are_for_nobody_elses_eyes(shop: RunningShop) -> None:
    for name in ("admin.key", "secret.key"):
        assert (shop.data / name).stat().st_mode & 0o777 == 0o600
    assert (shop.data / "admin.key").read_text().strip() not in shop.log.read_text()


def test_a_host_killed_in_the_middle_of_2000_purchases_loses_and_doubles_nothing(own_shop: RunningShop) -> None:
    (sku,) = put_on_sale(own_shop.api, ("RETRO-CLOCK",), PURCHASES - 500)
    told: list[Attempt] = []

    async def main() -> list[float]:
        buying = asyncio.create_task(buy_many(own_shop, sku, PURCHASES, told))
        while len(told) < 700:
            await asyncio.sleep(0.01)
        # The replica hosts every shard: its process is the host.
        os.kill(own_shop.process_of("ray::ServeReplica"), signal.SIGKILL)
        return await buying

    ended = asyncio.run(main())
    confirmed = [attempt for attempt in told if attempt.status == CONFIRMED]
    assert len(confirmed) == PURCHASES - 500
    assert len({attempt.order_id for attempt in confirmed}) == PURCHASES - 500
    assert asyncio.run(all_there(own_shop, confirmed[::5]))
    stock = own_shop.api.stock(sku)
    assert (stock.on_hand, stock.reserved) == (0, 0)
    stall_s = max(after - before for before, after in itertools.pairwise(ended))
    print(f"purchases stalled {stall_s:.1f} s")


def test_everything_killed_at_once_loses_nothing_acknowledged(own_shop: RunningShop) -> None:
    (sku,) = put_on_sale(own_shop.api, ("RETRO-CLOCK",), PURCHASES)
    told: list[Attempt] = []

    async def main() -> None:
        buying = asyncio.create_task(buy_many(own_shop, sku, PURCHASES, told))
        while len(told) < 500:
            await asyncio.sleep(0.01)
        own_shop.kill_everything()
        buying.cancel()
        await asyncio.gather(buying, return_exceptions=True)

    asyncio.run(main())
    own_shop.start()
    confirmed = [attempt for attempt in told if attempt.status == CONFIRMED]
    assert len(confirmed) >= 490
    assert asyncio.run(all_there(own_shop, confirmed))
    # Orders that nobody was told of may have gone through, and those under way are finished now.
    deadline = time.monotonic() + 60
    while own_shop.api.stock(sku).reserved and time.monotonic() < deadline:
        time.sleep(0.2)
    stock = own_shop.api.stock(sku)
    assert stock.reserved == 0
    assert PURCHASES - len(confirmed) - AT_ONCE <= stock.on_hand <= PURCHASES - len(confirmed)


def test_a_signal_leaves_no_process_and_no_port(own_shop: RunningShop) -> None:
    own_shop.leaves_nothing_after(signal.SIGTERM)


def test_nothing_is_left_after_the_driver_was_killed(own_shop: RunningShop) -> None:
    run_id = own_shop.run_id
    os.kill(own_shop.pid, signal.SIGKILL)
    assert processes.wait_until_gone(run_id, GONE_WITHIN_S) == []
