"""Hosts drained and the application replaced while it sells: buyers who never try again get an answer, every time."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from loadtest.buyer import CONFIRMED
from loadtest.rush import put_on_sale
from loadtest.shop import order_body

from ..running import RunningShop

BUYERS = 8
PAUSE_S = 0.2
"""Of each: enough of them are under way at any time, and the processor is left to what is moved."""
UNITS = 100_000
SKUS = ("RETRO-CLOCK", "TIN-ROBOT", "BRASS-LAMP")

REDEPLOY = """
import sys
from pathlib import Path
from serve.launcher import cluster
from serve.launcher.data import DataDirectory
from serve.launcher.joining import address_of, joined
from serve.resolving import resolve

data, port, idle_s = sys.argv[1:]
flags = {"data": data, "port": port, "hosts": 2, "replicas": 2, "demo_products": 0, "entity_idle_s": idle_s}
directory = DataDirectory(Path(data))
with joined(address_of(directory), directory.ray_token):
    settings = resolve(flags).settings
    cluster.deploy(settings, cluster.build_application(settings))
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Steady:
    """Buyers who send each purchase once, over connections that are kept open, as a load balancer's are."""

    def __init__(self, shop: RunningShop, skus: list[str]) -> None:
        self._shop = shop
        self._skus = skus
        self._stopping = False
        self.answers: Counter[str] = Counter()
        self.longest_s = 0.0

    @asynccontextmanager
    async def buying(self) -> AsyncIterator[None]:
        """Inside the block, and for a moment before and after it, they buy."""
        async with aiohttp.ClientSession() as session:
            buyers = [asyncio.create_task(self._buy(session, number)) for number in range(BUYERS)]
            await asyncio.sleep(1)
            yield
            await asyncio.sleep(1)
            self._stopping = True
            await asyncio.gather(*buyers)

    async def _buy(self, session: aiohttp.ClientSession, buyer: int) -> None:
        purchases = 0
        while not self._stopping:
            purchases += 1
            body = order_body([self._skus[(buyer + purchases) % len(self._skus)]])
            headers = {"Idempotency-Key": f"{time.monotonic_ns()}-{buyer}-{purchases}"}
            began = time.monotonic()
            try:
                async with session.post(f"{self._shop.url}/v1/orders", json=body, headers=headers) as answer:
                    text = await answer.text()
                    told = str(answer.status) if answer.status == CONFIRMED else f"{answer.status} {text}"
            except (aiohttp.ClientError, TimeoutError) as error:
                told = repr(error)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.answers[told] += 1
            await asyncio.sleep(PAUSE_S)

    def all_confirmed(self) -> bool:
        return set(self.answers) == {str(CONFIRMED)} and self.answers[str(CONFIRMED)] > 100


async def run(*command: str) -> str:
    """What the command prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"COLUMNS": "200"}
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def hosts(shop: RunningShop, *arguments: str) -> str:
    return await run("-m", "serve.cli", "hosts", *arguments, "--data", str(shop.data))


def listed(output: str) -> list[dict[str, str]]:
    columns, *lines = (line.split() for line in output.splitlines())
    return [dict(zip(columns, line, strict=True)) for line in lines]


def replicas_of(shop: RunningShop) -> set[int]:
    return {pid for pid, command in shop.processes().items() if command.startswith("ray::ServeReplica")}


def test_a_host_is_drained_and_comes_back_and_no_purchase_fails(hosts_shop: RunningShop) -> None:
    shop = hosts_shop

    async def main() -> Steady:
        steady = Steady(shop, put_on_sale(shop.api, SKUS, UNITS))
        async with steady.buying():
            first, second = listed(await hosts(shop, "list"))
            assert (first["state"], first["shards"], second["shards"]) == ("running", "8", "8")
            assert int(first["commands/s"]) + int(second["commands/s"]) > 0
            assert await hosts(shop, "drain", first["host"]) == f"Drained: {first['host']}.\n"
            first, second = listed(await hosts(shop, "list"))
            assert (first["state"], first["shards"], second["shards"]) == ("drained", "0", "16")
            await hosts(shop, "rebalance")
            first, second = listed(await hosts(shop, "list"))
            assert (first["state"], first["shards"], second["shards"]) == ("running", "8", "8")
        return steady

    steady = asyncio.run(main())
    assert steady.all_confirmed(), steady.answers
    print(f"{steady.answers.total()} purchases, the longest took {steady.longest_s:.2f} s")


def test_hosts_and_replicas_are_replaced_by_an_update_and_no_purchase_fails(hosts_shop: RunningShop) -> None:
    shop = hosts_shop

    async def main() -> Steady:
        steady = Steady(shop, put_on_sale(shop.api, SKUS, UNITS))
        before = {line["pid"]: line["version"] for line in listed(await hosts(shop, "list"))}
        replicas = replicas_of(shop)
        async with steady.buying():
            await run("-c", REDEPLOY, str(shop.data), str(shop.port), "600")
        after = {line["pid"]: line["version"] for line in listed(await hosts(shop, "list"))}
        assert not before.keys() & after.keys()
        assert len(replicas) == len(replicas_of(shop) - replicas) == 2
        assert not set(before.values()) & set(after.values())
        return steady

    steady = asyncio.run(main())
    assert steady.all_confirmed(), steady.answers
    print(f"{steady.answers.total()} purchases, the longest took {steady.longest_s:.2f} s")
