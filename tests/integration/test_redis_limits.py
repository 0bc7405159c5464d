"""Limits counted for all replicas in one real Redis."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.limits import LocalLimiter, Policy, RedisLimiter, Taken
from tests.redis_server import RedisServer

LOGINS = Policy("auth", 3, 60)
NOW_MS = 1_795_000_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path).start()
    yield started
    started.stop()


def test_replicas_count_together_as_one_counts_alone(server: RedisServer) -> None:
    async def taken() -> tuple[list[Taken], list[Taken]]:
        now = NOW_MS
        replicas = [RedisLimiter(f"redis://127.0.0.1:{server.port}", lambda: now) for _ in range(2)]
        alone = LocalLimiter(lambda: now)
        together, by_itself = [], []
        for number in range(12):
            now += 7_000
            together.append(await replicas[number % 2].take(LOGINS, "ada"))
            by_itself.append(await alone.take(LOGINS, "ada"))
        for replica in replicas:
            await replica.close()
        return together, by_itself

    together, by_itself = asyncio.run(taken())
    assert together == by_itself
    assert not all(each.allowed for each in together)


def test_while_redis_is_away_nobody_is_refused(server: RedisServer) -> None:
    async def taken() -> list[bool]:
        limiter = RedisLimiter(f"redis://127.0.0.1:{server.port}", lambda: NOW_MS)
        server.stop()
        return [(await limiter.take(LOGINS, "ada")).allowed for _ in range(5)]

    assert asyncio.run(taken()) == [True] * 5
