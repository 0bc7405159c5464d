"""Visitors' newest events in a real Redis: the newest, once, and gone where they are to be forgotten."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from actors.codec import KindCodec
from actors.feed.consumer import Held
from actors.feed.feed import Feed
from actors.feed.positions import JournalPositions
from actors.journals.memory import MemoryJournal
from actors.journals.port import Entry
from engine.kernel import Event
from engine.visitor import (
    MOST_RECENT,
    VISITOR,
    Action,
    Behaved,
    BehaviourForgotten,
    BehaviourHandedOver,
    BehaviourRecorded,
    BehaviourTakenIn,
)
from serve.feed.recent_visits import KEPT_S, KEY_PREFIX, RecentVisits
from tests.redis_server import RedisServer

pytestmark = pytest.mark.integration

BROWSER, ADA = "anon_browser-1", "acc_ada"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path).start()
    yield started
    started.stop()


def view(number: int) -> Behaved:
    return Behaved(f"e-{number}", Action.VIEW, 1_000 + number, "RADIO")


def entry(key: str, *events: Event) -> Entry:
    return Entry(1, VISITOR.name, key, 1, 0, KindCodec(VISITOR).encode_events(events))


def consumer(server: RedisServer) -> RecentVisits:
    journal = MemoryJournal(shards=1)
    feed = Feed(journal, JournalPositions(journal), lambda: 0)
    return RecentVisits(feed, f"redis://127.0.0.1:{server.port}")


async def newest(server: RedisServer, key: str) -> list[str]:
    client = Redis(port=server.port)
    try:
        return [json.loads(member)["id"] for member in await client.zrange(KEY_PREFIX + key, 0, -1)]
    finally:
        await client.aclose()


def test_the_newest_are_there_once_however_often_they_are_read(server: RedisServer) -> None:
    async def story() -> tuple[Sequence[str], Sequence[str], int]:
        visits = consumer(server)
        entries = [
            entry(ADA, BehaviourRecorded(tuple(view(n) for n in range(start, start + 40)), 0)) for start in (0, 40)
        ]
        unlinked = entry("unlinked_1", BehaviourRecorded((view(1),), 0))
        for _ in range(2):
            await visits.take(0, [*entries, unlinked])
        client = Redis(port=server.port)
        keys, left = await client.keys("*"), await client.ttl(KEY_PREFIX + ADA)
        await client.aclose()
        await visits.close()
        return await newest(server, ADA), keys, left

    found, keys, left = asyncio.run(story())
    assert found == [f"e-{number}" for number in range(80 - MOST_RECENT, 80)]
    assert keys == [(KEY_PREFIX + ADA).encode()]
    assert 0 < left <= KEPT_S


def test_a_login_brings_them_to_the_customer_and_forgetting_takes_them_away(server: RedisServer) -> None:
    async def story() -> list[list[str]]:
        visits, seen = consumer(server), []
        await visits.take(0, [entry(BROWSER, BehaviourRecorded((view(1),), 0))])
        await visits.take(0, [entry(BROWSER, BehaviourHandedOver(ADA, 0))])
        await visits.take(0, [entry(ADA, BehaviourTakenIn(BROWSER, 1, (view(1),), {}, 0))])
        seen += [await newest(server, BROWSER), await newest(server, ADA)]
        await visits.take(0, [entry(ADA, BehaviourForgotten(0))])
        await visits.close()
        return [*seen, await newest(server, ADA)]

    assert asyncio.run(story()) == [[], ["e-1"], []]


def test_while_redis_is_away_the_entries_wait(server: RedisServer) -> None:
    async def story() -> None:
        visits = consumer(server)
        server.stop()
        with pytest.raises(Held):
            await visits.take(0, [entry(ADA, BehaviourRecorded((view(1),), 0))])

    asyncio.run(story())
