"""Which hosts there should be, on nodes that come, leave and die."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

from actors.directory import Directory, Owned
from actors.errors import Unavailable
from actors.roster import Roster
from tests import patience

from .test_directory import QuietHost

SHARDS = 12


class Worker(QuietHost):
    """A host of a version; dead once its node is."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version
        self.dead = False

    async def owned(self) -> Owned:
        if self.dead:
            raise Unavailable("dead")
        return await super().owned()


class Nodes:
    """A cluster without Ray: nodes that come and go, and the hosts that were started there."""

    def __init__(self) -> None:
        self.leaving: dict[str, bool] = {}
        self.workers: dict[str, Worker] = {}
        self.version_to_start = "v1"
        self.broken: set[str] = set()

    async def nodes(self) -> Mapping[str, bool]:
        return dict(self.leaving)

    async def hosts(self) -> Collection[str]:
        return list(self.workers)

    async def version(self, host: str) -> str:
        return self.workers[host].version

    async def start(self, host: str, node: str) -> None:
        if self.version_to_start in self.broken:
            raise Unavailable(f"{self.version_to_start} does not work")
        self.workers[host] = Worker(self.version_to_start)

    async def end(self, host: str) -> None:
        self.workers.pop(host, None)

    def die(self, node: str) -> None:
        del self.leaving[node]
        for name, worker in self.workers.items():
            if name.startswith(f"host-{node}"):
                worker.dead = True


class Cluster:
    """Nodes, and the process with directory and roster, which may begin anew."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.begin("v1")

    def begin(self, version: str, per_node: int = 2) -> None:
        self.nodes.version_to_start = version
        self.directory = Directory(range(SHARDS), self.nodes.workers.__getitem__)
        self.roster = Roster(self.nodes, self.directory, hosts_per_node=per_node, version=version)

    @property
    def runs(self) -> dict[str, int]:
        return dict(sorted(Counter(self.directory.table()[1].values()).items()))

    @property
    def settled(self) -> bool:
        return not self.roster.complaints and self.roster.ready == self.roster.wanted


def run(scenario: Callable[[Cluster], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario(Cluster())

    patience.run(asyncio.wait_for(main(), 10))


def test_every_node_gets_its_hosts_and_they_share_the_shards() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa11": False, "bbbbbbbb22": False}
        await cluster.roster.look()
        names = ["host-aaaaaaaa-0", "host-aaaaaaaa-1", "host-bbbbbbbb-0", "host-bbbbbbbb-1"]
        assert cluster.runs == dict.fromkeys(names, 3)
        assert cluster.settled
        # Together: nobody was given what it had to give away again.
        assert all([what for what, _ in cluster.nodes.workers[name].told] == ["own"] for name in names)

    run(scenario)


def test_a_node_that_is_added_gets_hosts_and_shards() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa": False}
        await cluster.roster.look()
        cluster.nodes.leaving["bbbbbbbb"] = False
        await cluster.roster.look()
        assert list(cluster.runs.values()) == [3, 3, 3, 3]

    run(scenario)


def test_a_dead_nodes_hosts_are_forgotten_and_the_others_run_everything() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa": False, "bbbbbbbb": False}
        await cluster.roster.look()
        cluster.nodes.die("bbbbbbbb")
        await cluster.roster.look()
        assert cluster.runs == {"host-aaaaaaaa-0": 6, "host-aaaaaaaa-1": 6}
        assert sorted(cluster.nodes.workers) == sorted(cluster.roster.hosts) == ["host-aaaaaaaa-0", "host-aaaaaaaa-1"]
        assert cluster.settled

    run(scenario)


def test_a_node_that_leaves_is_drained_and_gets_no_new_hosts() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa": False, "bbbbbbbb": False}
        await cluster.roster.look()
        cluster.nodes.leaving["bbbbbbbb"] = True
        await cluster.roster.look()
        assert cluster.runs == {"host-aaaaaaaa-0": 6, "host-aaaaaaaa-1": 6}
        assert "host-bbbbbbbb-0" in cluster.nodes.workers
        cluster.nodes.leaving["cccccccc"] = True
        await cluster.roster.look()
        assert "host-cccccccc-0" not in cluster.nodes.workers

    run(scenario)


def test_hosts_of_another_version_are_replaced_one_after_the_other() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa": False, "bbbbbbbb": False}
        await cluster.roster.look()
        before = dict(cluster.nodes.workers)
        cluster.begin("v2")
        await cluster.roster.look()
        assert {worker.version for worker in cluster.nodes.workers.values()} == {"v2"}
        assert list(cluster.runs.values()) == [3, 3, 3, 3]
        assert cluster.directory.draining == []
        # Each was drained before it was ended.
        for worker in before.values():
            assert await worker.owned() == Owned({}, draining=True)
        assert cluster.settled

    run(scenario)


def test_a_version_that_does_not_start_leaves_all_others_as_they_are() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.nodes.leaving = {"aaaaaaaa": False, "bbbbbbbb": False}
        await cluster.roster.look()
        cluster.begin("v2")
        cluster.nodes.broken = {"v2"}
        for _ in range(3):
            await cluster.roster.look()
        assert [worker.version for worker in cluster.nodes.workers.values()] == ["v1"] * 3
        assert list(cluster.runs.values()) == [4, 4, 4]
        assert cluster.roster.complaints == ["host-aaaaaaaa-0 did not start: v2 does not work"]
        cluster.begin("v1")
        await cluster.roster.look()
        assert list(cluster.runs.values()) == [3, 3, 3, 3]

    run(scenario)


def test_the_only_host_is_replaced_too() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.begin("v1", per_node=1)
        cluster.nodes.leaving = {"aaaaaaaa": False}
        await cluster.roster.look()
        cluster.begin("v2", per_node=1)
        await cluster.roster.look()
        assert cluster.nodes.workers["host-aaaaaaaa-0"].version == "v2"
        assert cluster.runs == {"host-aaaaaaaa-0": SHARDS}

    run(scenario)


def test_fewer_hosts_per_node_are_drained_and_ended() -> None:
    async def scenario(cluster: Cluster) -> None:
        cluster.begin("v1", per_node=3)
        cluster.nodes.leaving = {"aaaaaaaa": False}
        await cluster.roster.look()
        surplus = cluster.nodes.workers["host-aaaaaaaa-2"]
        cluster.begin("v1", per_node=2)
        await cluster.roster.look()
        assert cluster.runs == {"host-aaaaaaaa-0": 6, "host-aaaaaaaa-1": 6}
        assert sorted(cluster.nodes.workers) == ["host-aaaaaaaa-0", "host-aaaaaaaa-1"]
        assert not (await surplus.owned()).epochs

    run(scenario)
