"""The Redis journal keeps the port's promises, through lost connections, restarts and other people's settings."""

import asyncio
import itertools
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.journals import redis_lanes
from actors.journals.port import (
    Batch,
    Fenced,
    Journal,
    JournalMismatch,
    JournalTooNew,
    JournalUnavailable,
    JournalUnsafe,
    Snapshot,
)
from actors.journals.redis import RedisJournal
from actors.journals.redis_address import parse_address
from actors.journals.redis_opening import FORMAT
from actors.journals.urls import open_journal
from loadtest.processes import free_port
from loadtest.redis_program import find_redis_server

from ..logged import Logged
from ..redis_server import DURABLE, NO_SERVER, RedisServer
from .journal_suite import CLOCK, LAMP, JournalSuite, entries, entry, run, versions

pytestmark = pytest.mark.skipif(find_redis_server() is None, reason=NO_SERVER)

PREFIXES = (f"shop-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that leave it running; each has keys of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def url(server: RedisServer) -> str:
    return f"{server.url}?prefix={next(PREFIXES)}"


Starter = Callable[..., RedisServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Starts servers of the test's own, by name and options; none outlives it."""
    servers: list[RedisServer] = []

    def start_server(name: str, *options: str, **more: Any) -> RedisServer:
        servers.append(RedisServer(tmp_path / name, *options, **more))
        return servers[-1].start()

    yield start_server
    for server in servers:
        server.kill()


@pytest.fixture
def own_server(start: Starter) -> RedisServer:
    """A server that the test may kill."""
    return start("redis")


class TestRedisJournal(JournalSuite):
    @pytest.fixture(autouse=True)
    def _fresh_keys(self, url: str) -> None:
        self.url = url

    def open(self, directory: Path) -> Journal:
        return RedisJournal(self.url, volumes=1)

    def open_split(self, directory: Path) -> Journal:
        return RedisJournal(self.url, volumes=2)


# Layout and addresses


def test_a_volume_per_shard_keeps_each_shard_under_one_hash_tag(server: RedisServer, url: str) -> None:
    async def scenario() -> None:
        journal = open_journal(url, shards=4, volumes=4)
        assert [journal.volume_of(shard) for shard in range(6)] == list(range(6))
        for shard in (0, 3, 5):
            epoch = await journal.acquire(shard)
            batch = Batch(shard, epoch, [entry(CLOCK, 1)], [Snapshot(*CLOCK, 1, b"s")], [CLOCK], b"work")
            await journal.append([batch])
        await journal.close()

    run(scenario())
    with server.client() as client:
        prefix = parse_address(url).prefix
        keys = list(client.scan_iter(f"{{{prefix}*", count=1_000))
    assert {key.partition("}")[0] for key in keys} == {f"{{{prefix}", *(f"{{{prefix}:{shard}" for shard in (0, 3, 5))}


def test_numbers_that_differ_from_the_datas_are_refused_and_none_are_found_out(url: str) -> None:
    run(RedisJournal(url, shards=8, volumes=2).close())
    found = RedisJournal(url)
    assert (found.base_shards, [found.volume_of(shard) for shard in (3, 8)]) == (8, [1, 2])
    for numbers in ({"shards": 16}, {"volumes": 8}):
        with pytest.raises(JournalMismatch, match="8 shards in 2 volumes"):
            RedisJournal(url, **numbers)
    run(RedisJournal(f"{url}&volumes=2").close())
    with pytest.raises(JournalMismatch):
        RedisJournal(f"{url}&volumes=4")


def test_data_of_a_newer_version_is_refused(server: RedisServer, url: str) -> None:
    run(RedisJournal(url).close())
    with server.client() as client:
        client.hset(f"{{{parse_address(url).prefix}}}:meta", "format", FORMAT + 1)
    with pytest.raises(JournalTooNew):
        RedisJournal(url)


@pytest.mark.parametrize(
    ("url", "kind", "plain", "volumes"),
    [
        ("redis://db:7000/2?prefix=a", "server", "redis://db:7000/2", None),
        ("rediss://u:p@db/0?ssl_ca_certs=ca.pem&volumes=4", "server", "rediss://u:p@db/0?ssl_ca_certs=ca.pem", 4),
        ("redis+unix:///run/redis.sock", "server", "unix:///run/redis.sock?", None),
        ("rediss+cluster://u:p@db:7000", "cluster", "rediss://u:p@db:7000", None),
    ],
)
def test_a_url_says_which_service_is_where(url: str, kind: str, plain: str, volumes: int | None) -> None:
    address = parse_address(url)
    assert (address.kind, address.url, address.volumes) == (kind, plain, volumes)
    assert "u:p" not in address.name


def test_a_sentinel_url_names_sentinels_and_service() -> None:
    address = parse_address("redis+sentinel://u:p@one:1,two/shop/3")
    assert (address.sentinels, address.service) == ((("one", 1), ("two", 26_379)), "shop")
    assert address.url == "redis://u:p@-/3"
    assert address.name == "redis+sentinel://one:1,two/shop/3"


@pytest.mark.parametrize(
    "url", ["redis://", "redis+sentinel://one", "redis+sentinel:///shop", "redis+tls://db", "redis://db?prefix={x}"]
)
def test_a_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_journal(url)


# What a server must be set up for


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--appendonly", "no"), "appendonly yes"),
        ((*DURABLE, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"), "noeviction"),
    ],
)
def test_a_server_that_would_forget_is_refused_unless_that_is_accepted(
    start: Starter, options: tuple[str, ...], said: str
) -> None:
    server = start("redis", *options)
    with pytest.raises(JournalUnsafe, match=said) as refusal:
        RedisJournal(server.url)
    assert "--accept-data-loss" in str(refusal.value)
    run(RedisJournal(server.url, accept_data_loss=True).close())


def test_a_server_that_syncs_now_and_then_is_warned_of(start: Starter, logged: Logged) -> None:
    server = start("redis", "--appendonly", "yes", "--appendfsync", "everysec")
    run(RedisJournal(server.url).close())
    assert "does not sync every purchase (appendfsync everysec)" in logged.text


def test_a_user_who_may_not_read_the_configuration_is_no_obstacle(server: RedisServer, url: str) -> None:
    prefix = parse_address(url).prefix
    with server.client() as admin:
        admin.acl_setuser(
            "shop",
            enabled=True,
            passwords=["+hunter2"],
            keys=[f"{{{prefix}*"],
            categories=["+@all", "-@admin", "-@dangerous"],
            commands=["+info"],
        )

    async def scenario() -> None:
        journal = RedisJournal(f"redis://shop:hunter2@127.0.0.1:{server.port}?prefix={prefix}")
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        assert versions(await journal.read(0, after=0)) == [1]
        await journal.close()

    run(scenario())
    with pytest.raises(JournalUnavailable) as refusal:
        RedisJournal(f"redis://shop:hunter22@127.0.0.1:{server.port}?prefix={prefix}")
    assert "hunter2" not in str(refusal.value)


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(JournalUnavailable, match=r"127\.0\.0\.1:1") as refusal:
        RedisJournal("redis://shop:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(refusal.value)


# Failures


def test_nothing_acknowledged_is_lost_when_redis_is_killed_in_the_middle_of_appends(own_server: RedisServer) -> None:
    async def scenario() -> None:
        journal = RedisJournal(own_server.url, volumes=4)
        acknowledged: dict[int, int] = {}

        async def append_to(shard: int, epoch: int) -> None:
            for version in range(1, 100_000):
                await journal.append([Batch(shard, epoch, [entry(CLOCK, version)])])
                acknowledged[shard] = version

        epochs = [await journal.acquire(shard) for shard in range(4)]
        tasks = [asyncio.create_task(append_to(shard, epoch)) for shard, epoch in enumerate(epochs)]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(own_server.kill)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, JournalUnavailable)
        with pytest.raises(JournalUnavailable):
            await journal.acquire(0)
        await asyncio.to_thread(own_server.start)
        assert sum(acknowledged.values()) > 50
        for shard, last in acknowledged.items():
            (found,) = await journal.load(shard, [CLOCK])
            recorded = versions(found.entries)
            assert recorded == list(range(1, len(recorded) + 1))
            assert last <= len(recorded) <= last + 1
            epoch = await journal.acquire(shard)
            assert epoch == 2
            await journal.append([Batch(shard, epoch, [entry(CLOCK, len(recorded) + 1)])])
        await journal.close()

    run(scenario())


def test_a_server_that_does_not_answer_makes_the_journal_unavailable(
    own_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lanes, "ANSWER_TIMEOUT_S", 0.2)

    async def scenario() -> None:
        journal = RedisJournal(own_server.url)
        epoch = await journal.acquire(0)
        own_server.pause()
        started = time.monotonic()
        with pytest.raises(JournalUnavailable, match="no answer"):
            await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        assert time.monotonic() - started < 2
        own_server.resume()
        newer = await journal.acquire(0)
        # The append that was under way was carried out, or is refused from now on: both are exact.
        (found,) = await journal.load(0, [CLOCK])
        await journal.append([Batch(0, newer, [entry(CLOCK, len(found.entries) + 1)])])
        with pytest.raises(Fenced):
            await journal.append([Batch(0, epoch, [entry(CLOCK, 9)])])
        await journal.close()

    run(scenario())


def test_a_server_that_comes_back_empty_is_not_sold_from(start: Starter) -> None:
    server = start("redis", "--appendonly", "no")

    async def scenario() -> None:
        journal = RedisJournal(server.url, accept_data_loss=True)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        with pytest.raises(JournalUnavailable):
            await journal.append([Batch(0, epoch, [entry(CLOCK, 2)])])
        for attempt in (
            journal.append([Batch(0, epoch, [entry(CLOCK, 2)])]),
            journal.acquire(0),
            journal.acquire(0),
        ):
            with pytest.raises(JournalMismatch, match="without the data"):
                await attempt
        await journal.close()

    run(scenario())


def test_a_full_memory_refuses_appends_and_keeps_what_there_is(start: Starter) -> None:
    server = start("redis", *DURABLE, "--maxmemory-policy", "noeviction")

    async def scenario() -> None:
        journal = RedisJournal(server.url)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        with server.client() as admin:
            admin.config_set("maxmemory", "100kb")
        with pytest.raises(JournalUnavailable, match="memory"):
            await journal.append([Batch(0, epoch, entries(CLOCK, range(2, 9)))])
        with server.client() as admin:
            admin.config_set("maxmemory", "0")
        await journal.append([Batch(0, epoch, [entry(CLOCK, 2)])])
        assert versions(await journal.read(0, after=0)) == [1, 2]
        await journal.close()

    run(scenario())


def test_an_append_that_too_few_replicas_have_is_not_acknowledged(start: Starter) -> None:
    master = start("master")
    replica = start("replica", *DURABLE, "--replicaof", "127.0.0.1", str(master.port))

    async def scenario() -> None:
        journal = RedisJournal(master.url, wait_replicas=1)
        with replica.client() as client:
            while client.info("replication")["master_link_status"] != "up":
                await asyncio.sleep(0.05)
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        with replica.client() as client:
            assert client.xlen("{doorbuster:0}:0:entries") == 1
        await asyncio.to_thread(replica.kill)
        with pytest.raises(JournalUnavailable, match="0 of 1 replicas"):
            await journal.append([Batch(0, epoch, [entry(CLOCK, 2)])])
        await journal.close()

    run(scenario())


def test_a_gap_without_a_snapshot_is_a_bug_and_not_recorded(url: str) -> None:
    async def scenario() -> None:
        journal = RedisJournal(url)
        epoch = await journal.acquire(0)
        with pytest.raises(ValueError, match="missing before version 40"):
            await journal.append([Batch(0, epoch, [entry(LAMP, 1), entry(CLOCK, 40)])])
        assert await journal.read(0, after=0) == []
        await journal.close()

    run(scenario())


# Commands travel together


def test_appends_of_one_moment_share_a_round_trip(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[int] = []
    ask = redis_lanes.Lane._ask

    async def counted(lane: redis_lanes.Lane, commands: list[redis_lanes.Command]) -> list[object]:
        trips.append(len(commands))
        return await ask(lane, commands)

    async def scenario() -> None:
        journal = RedisJournal(url, shards=16, volumes=16)
        epochs = [await journal.acquire(shard) for shard in range(16)]
        # From now on the server knows both scripts.
        await journal.append([Batch(0, epochs[0], [entry(LAMP, 1)])])
        await journal.load(0, [LAMP])
        monkeypatch.setattr(redis_lanes.Lane, "_ask", counted)
        await asyncio.gather(
            *(journal.append([Batch(shard, epoch, [entry(CLOCK, 1)])]) for shard, epoch in enumerate(epochs))
        )
        assert trips == [16]
        await journal.load(0, [("order", f"o-{number}") for number in range(150)])
        assert trips == [16, 1]
        await journal.close()

    run(scenario())


def test_a_cancelled_append_may_still_happen_and_keeps_nobody_waiting(url: str) -> None:
    async def scenario() -> None:
        journal = RedisJournal(url)
        epoch = await journal.acquire(0)
        append = asyncio.ensure_future(journal.append([Batch(0, epoch, [entry(CLOCK, 1)])]))
        await asyncio.sleep(0)
        append.cancel()
        await asyncio.wait([append])
        await journal.append([Batch(0, epoch, [entry(LAMP, 1)])])
        assert LAMP[1] in [each.key for each in await journal.read(0, after=0)]
        await journal.close()

    run(scenario())


# TLS, Sentinel, Cluster


def test_tls_is_spoken_and_the_certificate_checked(start: Starter, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    tls_port = free_port()
    certificates = (
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(key),
        "--tls-ca-cert-file",
        str(certificate),
    )
    try:
        start("redis", *DURABLE, "--tls-port", str(tls_port), *certificates, "--tls-auth-clients", "no")
    except AssertionError as error:
        pytest.skip(f"this redis-server has no TLS: {error}")

    async def scenario() -> None:
        journal = RedisJournal(f"rediss://127.0.0.1:{tls_port}?ssl_ca_certs={certificate}")
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        assert versions(await journal.read(0, after=0)) == [1]
        await journal.close()

    run(scenario())
    with pytest.raises(JournalUnavailable, match="certificate"):
        RedisJournal(f"rediss://127.0.0.1:{tls_port}")


def test_the_master_that_the_sentinels_name_is_followed_when_another_takes_over(start: Starter, tmp_path: Path) -> None:
    master = start("master")
    replica = start("replica", *DURABLE, "--replicaof", "127.0.0.1", str(master.port))
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor shop 127.0.0.1 {master.port} 1\nsentinel down-after-milliseconds shop 500\n"
        "sentinel failover-timeout shop 2000\n"
    )
    sentinel = start("sentinel", "--sentinel", file=configuration)

    async def scenario() -> None:
        journal = RedisJournal(f"redis+sentinel://127.0.0.1:{sentinel.port}/shop")
        epoch = await journal.acquire(0)
        await journal.append([Batch(0, epoch, [entry(CLOCK, 1)])])
        with replica.client() as client, sentinel.client() as asked:
            while not client.exists("{doorbuster:0}:0:entries") or not asked.sentinel_slaves("shop"):
                await asyncio.sleep(0.1)
        await asyncio.to_thread(master.kill)
        newer = await patiently(lambda: journal.acquire(0))
        assert newer == epoch + 1
        await journal.append([Batch(0, newer, [entry(CLOCK, 2)])])
        assert versions(await journal.read(0, after=0)) == [1, 2]
        with replica.client() as client:
            assert client.xlen("{doorbuster:0}:0:entries") == 2
        await journal.close()

    run(scenario())


@pytest.fixture
def cluster(start: Starter) -> list[RedisServer]:
    """Three masters that share the slots between them."""
    options = (*DURABLE, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    nodes = [start(f"node-{number}", *options, port=port_below_bus()) for number in range(3)]
    slots = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
    for node, (first, last) in zip(nodes, slots, strict=True):
        with node.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last + 1))
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
    for node in nodes:
        with node.client() as client:
            while "cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                time.sleep(0.05)
    return nodes


def port_below_bus() -> int:
    """Nodes talk to each other on a port that is 10,000 higher."""
    return next(port for port in iter(free_port, 0) if port < 55_000)


def test_shards_spread_over_a_cluster_and_follow_a_slot_that_moves(cluster: list[RedisServer]) -> None:
    async def scenario() -> None:
        journal = RedisJournal(f"redis+cluster://127.0.0.1:{cluster[1].port}")
        assert [journal.volume_of(shard) for shard in range(16)] == list(range(16))
        epochs = [await journal.acquire(shard) for shard in range(16)]
        await journal.append([Batch(shard, epoch, [entry(CLOCK, 1)]) for shard, epoch in enumerate(epochs)])
        sizes = []
        for node in cluster:
            with node.client() as client:
                sizes.append(client.dbsize())
        assert min(sizes) > 0
        move_slot(cluster, "{doorbuster:3}:3:head")
        await journal.append([Batch(shard, epoch, [entry(CLOCK, 2)]) for shard, epoch in enumerate(epochs)])
        for shard in range(16):
            assert versions(await journal.read(shard, after=0)) == [1, 2]
        assert set((await journal.last_positions()).values()) == {2}
        await journal.close()

    run(scenario())


def move_slot(nodes: list[RedisServer], key: str) -> None:
    """What `redis-cli --cluster reshard` does for one slot."""
    clients = [node.client() for node in nodes]
    slot = int(clients[0].execute_command("CLUSTER", "KEYSLOT", key))
    ids = [client.execute_command("CLUSTER", "MYID") for client in clients]
    source = next(i for i, client in enumerate(clients) if client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot))
    target = (source + 1) % len(nodes)
    clients[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
    clients[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    keys = clients[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
    clients[source].execute_command("MIGRATE", "127.0.0.1", nodes[target].port, "", 0, 5_000, "KEYS", *keys)
    for client in clients:
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        client.close()


async def patiently(attempt: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """The result of the first attempt that the journal takes."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await attempt()
        except JournalUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
