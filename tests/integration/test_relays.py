"""Relays into a real Redis and into librdkafka's own broker: away and back, killed in the middle, nothing missing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from actors.codec import KindCodec
from actors.feed.feed import FEED
from actors.journals.port import Batch, Journal, NewEntry
from actors.journals.redis import RedisJournal
from actors.journals.sqlite import SqliteJournal
from engine.money import Money
from engine.product import PRODUCT, ProductPut
from loadtest.redis_program import find_redis_server
from serve.feed.contract.catalogue import EVENT_TYPES
from serve.feed.contract.envelope import MEDIA_TYPE, CloudEvent, event_of
from serve.feed.contract.models import Line, Order, Removed
from serve.feed.contract.models import Money as PublicMoney
from serve.feed.process import PARTS, FeedProcess, positions_of
from serve.feed.relays.address import parse_relay
from serve.feed.relays.kafka import KafkaTopic
from serve.feed.relays.port import BrokerAway
from serve.feed.relays.redis_streams import HOUR_MS, RedisStream
from serve.settings import Settings

from ..redis_server import NO_SERVER, RedisServer

ROOT = Path(__file__).parents[2]
NOON = 1_795_000_000_000
WAIT_S = 30.0
needs_redis = pytest.mark.skipif(find_redis_server() is None, reason=NO_SERVER)


def events(key: str, versions: Sequence[int]) -> list[CloudEvent]:
    entries = [NewEntry("product", key, version, NOON + version, b"") for version in versions]
    return [
        event_of("product.removed.v1", "http://shop", entry, 0, Removed(key, entry.version))  # type: ignore[arg-type]
        for entry in entries
    ]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("broker")).start()
    yield server
    server.kill()


# -- Redis Streams


@needs_redis
def test_events_are_in_the_stream_in_order_and_old_ones_go(server: RedisServer) -> None:
    address = parse_relay(f"{server.url}?stream=few&maxlen=1000")
    stream = RedisStream(address, lambda: NOON)

    async def publish() -> None:
        await stream.publish(events("RETRO-CLOCK", range(1, 3_001)))
        await stream.close()

    asyncio.run(publish())
    client = server.client()
    kept = [json.loads(fields["event"]) for _, fields in client.xrange("few")]
    assert 1_000 <= len(kept) < 1_300, "about as many as the URL says"
    assert [event["data"]["version"] for event in kept] == list(range(3_001 - len(kept), 3_001))
    assert kept[-1]["type"] in {each.full_name for each in EVENT_TYPES.values()}


@needs_redis
def test_entries_older_than_the_hours_to_keep_go(server: RedisServer) -> None:
    client = server.client()
    now_ms = int(time.time() * 1_000)
    for number in range(1, 201):
        client.xadd("young", {"event": "{}"}, id=f"{now_ms - 3 * HOUR_MS}-{number}")
    stream = RedisStream(parse_relay(f"{server.url}?stream=young&keep_hours=2"), lambda: now_ms)

    async def publish() -> None:
        await stream.publish(events("RETRO-CLOCK", range(1, 3)))
        await stream.close()

    asyncio.run(publish())
    # The server lets go of them in blocks of a hundred.
    assert client.xlen("young") < 102


@needs_redis
def test_a_redis_that_is_away_is_told_and_comes_back(tmp_path: Path) -> None:
    broker = RedisServer(tmp_path / "redis").start()
    stream = RedisStream(parse_relay(broker.url), lambda: NOON)

    async def story() -> None:
        await stream.publish(events("RETRO-CLOCK", [1]))
        broker.kill()
        for _ in range(2):
            with pytest.raises(BrokerAway):
                await stream.publish(events("RETRO-CLOCK", [2]))
        broker.start()
        await stream.publish(events("RETRO-CLOCK", [2]))
        await stream.close()

    try:
        asyncio.run(story())
        found = broker.client().xrange("doorbuster.events")
        assert [fields["id"] for _, fields in found] == ["product:RETRO-CLOCK:1:0", "product:RETRO-CLOCK:2:0"]
    finally:
        broker.kill()


EXAMPLE = ROOT / "examples" / "consume_events.py"


def confirmed(number: int) -> CloudEvent:
    entry = NewEntry("order", f"ord_{number:032x}", 3, NOON + number, b"")
    price = PublicMoney(1_999, "USD")
    order = Order(
        entry.key, "", "confirmed", None, "GB", "", [Line("RETRO-CLOCK", 2, price)], PublicMoney(3_998, "USD")
    )
    return event_of("order.confirmed.v1", "http://shop", entry, 0, order)  # type: ignore[arg-type]


@needs_redis
def test_the_example_of_the_page_counts_each_event_once_even_if_it_is_killed(
    server: RedisServer, tmp_path: Path
) -> None:
    stream = RedisStream(parse_relay(f"{server.url}?stream=example"), lambda: NOON)

    async def publish() -> None:
        orders = [confirmed(number) for number in range(1_000)]
        await stream.publish(orders)
        # As after a crash of the relay: the last ones again.
        await stream.publish(orders[-300:])
        await stream.close()

    asyncio.run(publish())
    command = [sys.executable, str(EXAMPLE), server.url, "--stream", "example", "--database", "books.sqlite"]
    killed = subprocess.Popen(command, cwd=tmp_path)
    client = server.client()
    try:
        wait_for(lambda: client.exists("example") and client.xinfo_groups("example"), "the group")
        wait_for(lambda: client.xinfo_groups("example")[0]["last-delivered-id"] != "0-0", "the first events")
    finally:
        killed.kill()
        killed.wait(10)
    # What it held is given to another at once, not after the seconds that the example waits.
    (group,) = client.xinfo_groups("example")
    for each in client.xpending_range("example", group["name"], "-", "+", 1_000):
        client.xclaim("example", group["name"], each["consumer"], 0, [each["message_id"]], idle=60_000)
    told = subprocess.run(
        [*command, "--until-idle"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == ["RETRO-CLOCK", "2000", "units", "39,980.00", "USD"]


# -- Kafka


MOCK = """
import time
from confluent_kafka import Producer
producer = Producer({"test.mock.num.brokers": 3, "log_level": 0})
print(",".join(f"{each.host}:{each.port}" for each in producer.list_topics(timeout=10).brokers.values()), flush=True)
time.sleep(600)
"""


class MockKafka:
    """The broker that librdkafka brings along for tests, in a process of its own that can be stopped."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", MOCK], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.servers = self._process.stdout.readline().strip()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def read(self, topic: str, until: int) -> list[Any]:
        """What is in the topic, once so many different events are there."""
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": topic, "log_level": 0})
        # Not by a group, whose members take seconds to agree.
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found: list[Any] = []
        deadline = time.monotonic() + WAIT_S
        while len({json.loads(each.value())["id"] for each in found}) < until:
            assert time.monotonic() < deadline, f"{len(found)} came"
            found += [each for each in consumer.consume(500, timeout=0.2) if each.error() is None]
        consumer.close()
        return found


@pytest.fixture(scope="module")
def kafka() -> Iterator[MockKafka]:
    broker = MockKafka()
    yield broker
    broker.close()


def test_a_topic_gets_every_event_with_its_entity_as_key_and_in_its_order(kafka: MockKafka) -> None:
    topic = KafkaTopic(parse_relay(f"kafka://{kafka.servers}/shop"))
    keys = ["RETRO-CLOCK", "LAVA-LAMP", "TYPEWRITER", "RADIO"]

    async def story() -> None:
        for start in range(1, 301, 100):
            await topic.publish([each for key in keys for each in events(key, range(start, start + 100))])
        await topic.close()

    asyncio.run(story())
    found = kafka.read("shop", 1_200)
    assert len(found) == 1_200, "an idempotent producer doubles nothing while all is well"
    assert {bytes(each.key()).decode() for each in found} == {f"product:{key}" for key in keys}
    assert dict(found[0].headers())["content-type"] == MEDIA_TYPE.encode()
    for key in keys:
        its_own = [each for each in found if each.key() == f"product:{key}".encode()]
        assert len({each.partition() for each in its_own}) == 1
        assert [json.loads(each.value())["data"]["version"] for each in its_own] == list(range(1, 301))


def test_a_kafka_that_is_away_is_told_and_what_it_missed_comes_in_order(kafka: MockKafka) -> None:
    topic = KafkaTopic(parse_relay(f"kafka://{kafka.servers}/away"), timeout_s=1.0)

    async def story() -> None:
        await topic.publish(events("RETRO-CLOCK", range(1, 101)))
        kafka.pause()
        try:
            with pytest.raises(BrokerAway):
                await topic.publish(events("RETRO-CLOCK", range(101, 201)))
        finally:
            kafka.resume()
        for _ in range(20):
            # What had been under way when the broker was stopped may take its time to be given up.
            try:
                await topic.publish(events("RETRO-CLOCK", range(101, 201)))
                break
            except BrokerAway:
                continue
        else:
            raise AssertionError("it did not come back")
        await topic.close()

    asyncio.run(story())
    found = [json.loads(each.value()) for each in kafka.read("away", 200)]
    seen: dict[str, int] = {}
    for event in found:
        seen.setdefault(event["id"], event["data"]["version"])
    assert sorted(seen.values()) == list(range(1, 201))


def test_a_full_queue_waits_instead_of_losing(kafka: MockKafka) -> None:
    topic = KafkaTopic(parse_relay(f"kafka://{kafka.servers}/full"), queued_at_most=10)

    async def story() -> None:
        await topic.publish(events("RETRO-CLOCK", range(1, 201)))
        await topic.close()

    asyncio.run(story())
    assert len(kafka.read("full", 200)) == 200


# -- kill -9 in the middle

ENTRIES = 4_000


async def _fill(journal: Journal) -> None:
    """Many products that were put many times, in four shards."""
    encode = KindCodec(PRODUCT).encode_events
    epochs = [await journal.acquire(shard) for shard in range(4)]
    versions: dict[str, int] = {}
    for start in range(0, ENTRIES, 500):
        entries = []
        for number in range(start, start + 500):
            key = f"CLOCK-{number % 40}"
            version = versions[key] = versions.get(key, 0) + 1
            put = ProductPut(f"Clock {version}", Money(100 + version, "USD"))
            entries.append(NewEntry("product", key, version, NOON + number, encode([put])))
        for shard in range(4):
            mine = [each for each in entries if int(each.key.partition("-")[2]) % 4 == shard]
            await journal.append([Batch(shard, epochs[shard], mine)])
    await journal.close()


@needs_redis
def test_a_relay_that_is_killed_in_the_middle_misses_nothing(server: RedisServer, tmp_path: Path) -> None:
    asyncio.run(_fill(SqliteJournal(tmp_path / "journal", shards=4)))
    url = f"{server.url}?stream=killed&maxlen=0&begin=start"
    command = [sys.executable, "-m", "serve.cli", "feed", "relay", url, "--data", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    client = server.client()
    wait = {"env": environment, "cwd": tmp_path, "stdout": subprocess.DEVNULL}
    killed = subprocess.Popen(command, **wait)  # type: ignore[call-overload]
    try:
        wait_for(lambda: client.xlen("killed") > ENTRIES // 10, "the relay")
    finally:
        killed.kill()
        killed.wait(10)
    before = client.xlen("killed")
    assert before < ENTRIES, "it was killed in the middle"
    subprocess.run([*command, "--until-caught-up"], check=True, timeout=60, **wait)  # type: ignore[call-overload]
    told: dict[str, list[int]] = {}
    ids: dict[str, str] = {}
    for _, fields in client.xrange("killed"):
        known = ids.setdefault(fields["id"], fields["event"])
        assert known == fields["event"], "what comes again is the same"
    assert len(ids) == ENTRIES
    for event in map(json.loads, ids.values()):
        told.setdefault(event["subject"], []).append(event["data"]["version"])
    assert all(versions == list(range(1, ENTRIES // 40 + 1)) for versions in told.values())


@needs_redis
def test_with_a_journal_in_redis_positions_are_kept_there_and_another_process_goes_on(server: RedisServer) -> None:
    url = f"{server.url}?prefix=elsewhere"
    asyncio.run(_fill(RedisJournal(url, shards=4)))
    relay = f"{server.url}?stream=elsewhere&maxlen=0&begin=start&name=elsewhere"

    async def read(pages: int) -> int:
        """Read by a process that ends like one that was killed a moment after it had stored its positions."""
        journal = RedisJournal(url)
        settings = Settings(journal=url, relay=relay)
        process = FeedProcess(
            settings, journal, positions_of(settings, journal), lambda: NOON, {"relays": PARTS["relays"]}
        )
        (reader,) = process.feed.readers.values()
        for _ in range(pages):
            await reader.read_once()
        await reader.save()
        told: int = (await process.ask("relays.told", {}))["elsewhere"]
        await process.feed.guard()
        assert (await journal.consumers(0))[FEED] == (await journal.consumers(0))["feed/elsewhere"] > 0
        await process.close()
        return told

    first, second = asyncio.run(read(3)), asyncio.run(read(100))
    assert 0 < first < ENTRIES
    assert first + second == ENTRIES
    found = [json.loads(fields["event"]) for _, fields in server.client().xrange("elsewhere")]
    assert len({event["id"] for event in found}) == len(found) == ENTRIES
