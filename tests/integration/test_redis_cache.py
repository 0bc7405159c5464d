"""Pages shared by replicas in one real Redis."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.cache.cache import FRESH_MS, Cache, Made
from serve.cache.shared import ANSWERS_WITHIN_S, SharedLevel
from tests.redis_server import RedisServer


class Replica:
    """One of several, which all have the same clock here."""

    def __init__(self, server: RedisServer, clock: list[int]) -> None:
        self.shared = SharedLevel(f"redis://127.0.0.1:{server.port}")
        self.version = 1
        self.made = 0
        self.cache: Cache[str] = Cache(
            str, 10_000, lambda: clock[0], versions_of=lambda _sku: (self.version, 1), shared=self.shared
        )

    async def ask(self, key: str = "search") -> str:
        return await self.cache.get(key, self._make, share=True)

    def change_price(self) -> None:
        """What the host tells this replica."""
        self.version += 1
        self.cache.product_told("RETRO-CLOCK")

    async def _make(self) -> Made[str]:
        self.made += 1
        return Made(f"price {self.version}", 100, frozenset({"RETRO-CLOCK"}))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path).start()
    yield started
    started.stop()


def test_what_one_replica_made_serves_the_others_for_the_rest_of_its_second(server: RedisServer) -> None:
    async def run() -> None:
        clock = [1_000_000]
        one, other = Replica(server, clock), Replica(server, clock)
        assert await one.ask() == "price 1"
        await one.shared.written()
        clock[0] += FRESH_MS - 1
        assert await other.ask() == "price 1"
        assert (one.made, other.made) == (1, 0)
        clock[0] += 1
        await other.ask()
        assert other.made == 1, "the second began where it was made"
        for replica in (one, other):
            await replica.shared.close()

    asyncio.run(run())


def test_who_knows_of_a_newer_price_takes_no_older_one(server: RedisServer) -> None:
    async def run() -> None:
        clock = [1_000_000]
        one, other = Replica(server, clock), Replica(server, clock)
        await one.ask()
        await one.shared.written()
        other.change_price()
        assert await other.ask() == "price 2"
        await other.shared.written()
        # The one hears of it now, and takes what the other made.
        one.change_price()
        assert await one.ask() == "price 2"
        assert (one.made, other.made) == (1, 1)
        for replica in (one, other):
            await replica.shared.close()

    asyncio.run(run())


def test_without_redis_all_works_and_nobody_waits(server: RedisServer) -> None:
    async def run() -> None:
        clock = [1_000_000]
        replica = Replica(server, clock)
        await replica.ask()
        server.stop()
        begun = time.monotonic()
        for number in range(50):
            assert await replica.ask(f"search-{number}") == "price 1"
        assert time.monotonic() - begun < 20 * ANSWERS_WITHIN_S
        assert replica.shared.failures >= 1
        await replica.shared.close()

    asyncio.run(run())
