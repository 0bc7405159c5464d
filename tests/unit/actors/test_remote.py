"""Clients and hosts in different processes, joined by hand: messages are real bytes, only Ray is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from actors.client import Client
from actors.codec import codecs_of
from actors.directory import Directory
from actors.doorway import Doorway
from actors.errors import Overloaded, Unavailable
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.journals.port import Entry
from actors.remote import RemoteHosts

from .toy import KINDS, Beans, Begin, Fill, Look, MoveView, Take, Weigher

SHARDS = 8


class Link:
    """One host as others reach it; `down` makes it unreachable, like a killed process."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.down = False
        self.calls = 0
        self.client = cluster.new_client()
        self.host = Host(
            KINDS,
            cluster.journal,
            SHARDS,
            lambda: 1_000_000,
            gateways={"weigher": Weigher()},
            send=self.client.send,
            mailbox_limit=cluster.mailbox_limit,
        )
        self.client.attach(self.host)
        self.doorway = Doorway(self.host, codecs_of(KINDS))

    def check(self) -> None:
        if self.down:
            raise Unavailable("killed")

    async def exchange(self, data: bytes) -> bytes:
        self.check()
        self.calls += 1
        answer = await self.doorway.exchange(data)
        self.check()
        return answer

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        self.check()
        return await self.host.history(kind, key, after_version=after_version, limit=limit)

    async def own(self, shards: Sequence[int]) -> None:
        self.check()
        await self.host.own(shards)

    async def disown(self, shards: Sequence[int]) -> None:
        self.check()
        await self.host.disown(shards)

    async def owned(self) -> Sequence[int]:
        self.check()
        return sorted(self.host.owned)


class DirectoryLink:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def table(self) -> tuple[int, dict[int, str]]:
        return self._directory.table()

    async def suspect(self, host: str) -> None:
        await self._directory.suspect(host)


class Cluster:
    def __init__(self, mailbox_limit: int = 4_096) -> None:
        self.mailbox_limit = mailbox_limit
        self.journal = MemoryJournal(shards=SHARDS, volumes=SHARDS)
        self.links: dict[str, Link] = {}
        self.directory = Directory(range(SHARDS), self.links.__getitem__)

    def new_client(self) -> Client:
        return Client(SHARDS, RemoteHosts(codecs_of(KINDS), DirectoryLink(self.directory), self.links.__getitem__))

    async def add_host(self, name: str) -> Link:
        self.links[name] = Link(self, name)
        await self.directory.join(name)
        return self.links[name]


def run(scenario: Callable[[Cluster], Awaitable[None]], **options: int) -> None:
    async def main() -> None:
        cluster = Cluster(**options)
        await scenario(cluster)
        for link in cluster.links.values():
            await link.host.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_shards_are_spread_evenly_over_the_hosts() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        assert len(one.host.owned) == SHARDS
        two = await cluster.add_host("two")
        assert len(one.host.owned) == len(two.host.owned) == SHARDS // 2
        assert not one.host.owned & two.host.owned

    run(scenario)


def test_a_client_reaches_every_key_and_commands_travel_together() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Look())
        calls = one.calls
        assert await asyncio.gather(*(client.send("jar", f"J{n}", Fill("f", n)) for n in range(100))) == [
            Beans(n) for n in range(100)
        ]
        assert one.calls - calls < 10

    run(scenario)


def test_a_process_over_two_hosts_settles() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        await cluster.add_host("two")
        client = cluster.new_client()
        for number in range(20):
            await client.send("jar", f"FROM-{number}", Fill("f", 5))
            settled = await client.send("move", f"m{number}", Begin(f"FROM-{number}", f"TO-{number}", 5), settle_s=5)
            assert settled == MoveView("done")
            assert await client.send("jar", f"TO-{number}", Look()) == Beans(5)

    run(scenario)


def test_a_refusal_comes_back_with_its_details() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        reply = await cluster.new_client().send("jar", "BLUE", Take("t", 1))
        assert reply is not None
        assert reply.details == {"left": 0}  # type: ignore[union-attr]

    run(scenario)


def test_a_dead_hosts_shards_answer_again_elsewhere_with_everything_acknowledged() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        await cluster.add_host("two")
        client = cluster.new_client()
        keys = [f"J{number}" for number in range(30)]
        await asyncio.gather(*(client.send("jar", key, Fill("f", 5)) for key in keys))
        one.down = True
        assert await asyncio.gather(*(client.send("jar", key, Take("t", 2)) for key in keys)) == [Beans(3)] * 30
        assert set(cluster.directory.table()[1].values()) == {"two"}

    run(scenario)


def test_a_host_that_was_given_up_and_still_lives_is_refused_by_the_journal() -> None:
    async def scenario(cluster: Cluster) -> None:
        zombie = await cluster.add_host("zombie")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 5))
        zombie.down = True
        await cluster.add_host("fresh")
        await cluster.directory.suspect("zombie")
        assert await client.send("jar", "BLUE", Take("t", 5)) == Beans(0)
        local = Client(SHARDS)
        local.attach(zombie.host)
        with pytest.raises(Unavailable):
            await local.send("jar", "BLUE", Take("late", 5), deadline_s=0.05)
        assert await client.send("jar", "BLUE", Look()) == Beans(0)

    run(scenario)


def test_a_full_host_is_told_to_the_client_at_once() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Look())
        results = await asyncio.gather(
            *(client.send("jar", "BLUE", Fill(f"f{n}", 1)) for n in range(20)), return_exceptions=True
        )
        assert sum(isinstance(result, Overloaded) for result in results) == 16

    run(scenario, mailbox_limit=4)


def test_commands_do_not_wait_for_others_that_take_long_to_settle() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        one.host._effects._gateways["weigher"].failures = 10**9  # type: ignore[index, attr-defined]
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 100))
        slow = [
            asyncio.create_task(client.send("move", f"m{n}", Begin("BLUE", "RED", 1), settle_s=2)) for n in range(10)
        ]
        await asyncio.sleep(0.05)
        started = asyncio.get_running_loop().time()
        await client.send("jar", "GREEN", Fill("f", 1))
        assert asyncio.get_running_loop().time() - started < 0.2
        for task in slow:
            task.cancel()

    run(scenario)


def test_a_watcher_far_away_hears_of_the_newest_state() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        client = cluster.new_client()
        heard: dict[str, tuple[int, Beans]] = {}
        await client.watch("jar", lambda key, version, view: heard.__setitem__(key, (version, view)))
        await client.send("jar", "BLUE", Fill("f1", 5))
        await client.send("jar", "BLUE", Fill("f2", 5))
        while heard.get("BLUE") != (2, Beans(10)):
            await asyncio.sleep(0.01)

    run(scenario)
