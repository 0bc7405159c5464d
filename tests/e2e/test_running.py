"""A shop as its operator meets it: ports, second starts, kills. Signals end other tests' shops."""

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

import aiohttp
import psutil

from loadtest.buyer import CONFIRMED, Attempt, buy, settle
from loadtest.rush import put_on_sale
from loadtest.shop import order_body

from .running import RunningShop

PURCHASES = 1_000
UNITS = 750
AT_ONCE = 32


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


def test_no_process_of_serve_brings_pandas_along(shop: RunningShop) -> None:
    of_serve = ("ray::ServeController", "ray::ProxyActor", "ray::HAProxyManager", "ray::ServeReplica:doorbuster")
    pids = [shop.pid, *(pid for pid, command in shop.processes().items() if command.startswith(of_serve))]
    assert len(pids) == 1 + len(of_serve)
    assert not [pid for pid in pids if "/pandas/" in Path(f"/proc/{pid}/maps").read_text()]


def test_the_keys_are_for_nobody_elses_eyes(shop: RunningShop) -> None:
    for name in ("admin.key", "secret.key"):
        assert (shop.data / name).stat().st_mode & 0o777 == 0o600
    assert (shop.data / "admin.key").read_text().strip() not in shop.log.read_text()


def test_a_host_killed_in_the_middle_of_1000_purchases_loses_and_doubles_nothing(shop: RunningShop) -> None:
    (sku,) = put_on_sale(shop.api, ("RETRO-CLOCK",), UNITS)
    told: list[Attempt] = []

    async def main() -> list[float]:
        buying = asyncio.create_task(buy_many(shop, sku, PURCHASES, told))
        while len(told) < 300:
            await asyncio.sleep(0.01)
        # The replica hosts every shard: its process is the host.
        os.kill(shop.process_of("ray::ServeReplica:doorbuster"), signal.SIGKILL)
        return await buying

    ended = asyncio.run(main())
    confirmed = [attempt for attempt in told if attempt.status == CONFIRMED]
    assert len(confirmed) == UNITS
    assert len({attempt.order_id for attempt in confirmed}) == UNITS
    assert asyncio.run(all_there(shop, confirmed[::5]))
    stock = shop.api.stock(sku)
    assert (stock.on_hand, stock.reserved) == (0, 0)
    stall_s = max(after - before for before, after in itertools.pairwise(ended))
    print(f"purchases stalled {stall_s:.1f} s")


def test_everything_killed_at_once_loses_nothing_acknowledged(shop: RunningShop) -> None:
    (sku,) = put_on_sale(shop.api, ("RETRO-CLOCK",), PURCHASES)
    told: list[Attempt] = []

    async def main() -> None:
        buying = asyncio.create_task(buy_many(shop, sku, PURCHASES, told))
        while len(told) < 300:
            await asyncio.sleep(0.01)
        shop.kill_everything()
        buying.cancel()
        await asyncio.gather(buying, return_exceptions=True)

    asyncio.run(main())
    shop.start()
    confirmed = [attempt for attempt in told if attempt.status == CONFIRMED]
    assert len(confirmed) >= 290
    assert asyncio.run(all_there(shop, confirmed))
    # Orders that nobody was told of may have gone through, and those under way are finished now.
    deadline = time.monotonic() + 60
    while shop.api.stock(sku).reserved and time.monotonic() < deadline:
        time.sleep(0.2)
    stock = shop.api.stock(sku)
    assert stock.reserved == 0
    assert PURCHASES - len(confirmed) - AT_ONCE <= stock.on_hand <= PURCHASES - len(confirmed)
