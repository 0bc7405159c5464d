"""Hosts on the nodes of a real Ray cluster, all on this machine: nodes come, leave and die while purchases go on."""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actors import on_ray
from actors.errors import Unavailable
from actors.roster import host_name
from actors.standing import Standing
from engine.kinds import KINDS
from engine.stock import Receive, stock_key
from serve.host_actors import start_hosts
from serve.launcher.environment import LOOPBACK_ONLY, SERVING
from serve.launcher.joining import announce_leaving
from serve.settings import Settings

from .test_host_actors import SKU, UNITS, Shoppers, settled_quantities

SHARDS = 16
BUYERS = 8
PAUSE_S = 0.1
"""Of each: the processor is left to the nodes that come and go."""
PATIENCE_S = 60.0
NODE = {"num_cpus": 2, "object_store_memory": 80_000_000}
SOON_MS = {"RAY_health_check_period_ms": "500", "RAY_health_check_initial_delay_ms": "500"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and a node, which this process has joined."""
    os.environ |= SERVING | LOOPBACK_ONLY | SOON_MS
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        cluster.add_node(**NODE)
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        for name in SOON_MS:
            del os.environ[name]


@pytest.fixture(scope="module")
def settings(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One host a node."""
    settings = Settings(data=tmp_path_factory.mktemp("nodes"), hosts=1)
    start_hosts(settings)
    return settings


async def standing_where(right: Callable[[Standing], bool]) -> Standing:
    """What the directory tells once it is as it should be."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            standing = await on_ray.RayDirectory().standing()
            if right(standing) and not standing.unsettled:
                return standing
            told = str(standing)
        except Unavailable as error:
            told = str(error)
        assert time.monotonic() < give_up_at, told
        await asyncio.sleep(0.05)


def fewest(standing: Standing, *, among: int) -> int:
    """The smallest number of shards that one of so many hosts runs; 0 while there are more or fewer hosts."""
    return min(standing.hosts.values()) if len(standing.hosts) == among else 0


@asynccontextmanager
async def buying(settings: Settings) -> AsyncIterator[Shoppers]:
    """Inside the block shoppers buy, and every one of their purchases must end."""
    client = on_ray.connect(KINDS, settings.shards)
    await client.send("stock", stock_key(SKU), Receive(str(time.monotonic()), UNITS), deadline_s=30)
    shoppers = Shoppers(client)
    stop = asyncio.Event()

    async def buy_on(first: int) -> None:
        for number in itertools.count(first, BUYERS):
            await shoppers.buy(number)
            if stop.is_set():
                return
            await asyncio.sleep(PAUSE_S)

    first = time.monotonic_ns() // 1_000
    buyers = [asyncio.create_task(buy_on(first + number)) for number in range(BUYERS)]
    yield shoppers
    stop.set()
    await asyncio.gather(*buyers)
    await settled_quantities(client)


def hosts_on(*nodes: Any) -> set[str]:
    return {host_name(node.node_id, 0) for node in nodes}


def test_every_node_has_hosts_and_the_directory_is_on_the_head(cluster: Any, settings: Settings) -> None:
    import ray

    (node,) = cluster.worker_nodes
    standing = asyncio.run(standing_where(lambda standing: True))
    assert standing.hosts == dict.fromkeys(hosts_on(cluster.head_node, node), SHARDS // 2)
    for each in on_ray.living_nodes():
        host = ray.get_actor(host_name(each.id, 0), namespace=on_ray.NAMESPACE)
        assert ray.get(host.figures.remote()).node_id == each.id
        assert each.head == (each.id == cluster.head_node.node_id)
    directory = ray._private.state.actors(ray.get_actor(on_ray.DIRECTORY, namespace=on_ray.NAMESPACE)._actor_id.hex())
    assert directory["Address"]["NodeID"] == cluster.head_node.node_id


def test_an_added_node_gets_shards_one_that_leaves_is_drained_and_no_purchase_fails(
    cluster: Any, settings: Settings
) -> None:
    (old,) = cluster.worker_nodes

    async def main() -> Shoppers:
        async with buying(settings) as shoppers:
            # Not in a thread: Ray sets signal handlers as it starts a node. Buyers wait meanwhile.
            new = cluster.add_node(**NODE)
            # A host that has only just come has none yet.
            standing = await standing_where(lambda standing: fewest(standing, among=3) >= SHARDS // 4)
            assert standing.hosts.keys() == hosts_on(cluster.head_node, old, new)
            assert await asyncio.to_thread(announce_leaving, old.node_id, 60) == ""
            (leaving,) = hosts_on(old)
            await standing_where(lambda standing: standing.hosts[leaving] == 0)
            await asyncio.to_thread(cluster.remove_node, old)
            standing = await standing_where(lambda standing: fewest(standing, among=2) == SHARDS // 2)
            assert standing.hosts == dict.fromkeys(hosts_on(cluster.head_node, new), SHARDS // 2)
        return shoppers

    shoppers = asyncio.run(asyncio.wait_for(main(), 100))
    assert len(shoppers.confirmed) > 50
    print(f"{len(shoppers.confirmed)} purchases, longest stall {shoppers.longest_stall_s:.2f} s")


def test_a_killed_nodes_shards_go_to_the_others_and_its_hosts_are_forgotten(cluster: Any, settings: Settings) -> None:
    (node,) = cluster.worker_nodes

    async def main() -> Shoppers:
        async with buying(settings) as shoppers:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(cluster.remove_node, node, allow_graceful=False)
            standing = await standing_where(lambda standing: len(standing.hosts) == 1)
            assert standing.hosts == dict.fromkeys(hosts_on(cluster.head_node), SHARDS)
        return shoppers

    shoppers = asyncio.run(asyncio.wait_for(main(), 100))
    assert len(shoppers.confirmed) > BUYERS
    print(f"{len(shoppers.confirmed)} purchases, longest stall {shoppers.longest_stall_s:.2f} s")


def test_fewer_hosts_and_another_version_are_one_call(cluster: Any, settings: Settings) -> None:
    before = asyncio.run(standing_where(lambda standing: True))
    told: list[tuple[int, int]] = []
    start_hosts(settings.model_copy(update={"hosts": 2}), lambda ready, wanted: told.append((ready, wanted)))
    more = asyncio.run(standing_where(lambda standing: True))
    assert len(more.hosts) == 2 * len(before.hosts)
    assert told[-1] == (len(more.hosts), len(more.hosts))
    start_hosts(settings.model_copy(update={"entity_idle_s": 77}))
    assert asyncio.run(standing_where(lambda standing: True)).hosts == before.hosts
