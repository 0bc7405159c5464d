"""Clients and hosts in different processes, joined by hand: messages are real bytes, only Ray is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from actors.client import Client
from actors.codec import codecs_of
from actors.directory import Directory, Owned
from actors.doorway import EXCHANGES_REMEMBERED, Doorway
from actors.errors import JournalAway, Overloaded, Unavailable
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Entry, JournalUnavailable
from actors.remote import RemoteHosts
from actors.wire import Exchange, WireCommand, encode
from engine.kernel import Rejected
from tests import patience

from .toy import KINDS, Beans, Begin, Fill, Look, MoveView, Take, Weigher

SHARDS = 8


class Link:
    """One host as others reach it; `down` makes it unreachable, like a killed process, `silent` like a stopped one."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.down = False
        self.silent = False
        self.deaf = False
        self.calls = 0
        self.under_way: list[asyncio.Task[bytes]] = []
        self.client = cluster.new_client()
        self.weigher = Weigher()
        self.host = Host(
            KINDS,
            cluster.journal,
            SHARDS,
            lambda: 1_000_000,
            gateways={"weigher": self.weigher},
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
        if self.silent:
            await asyncio.get_running_loop().create_future()
        if self.deaf:
            # The host hears, but the connection breaks before it can answer.
            self.under_way.append(asyncio.create_task(self.doorway.exchange(data)))
            raise Unavailable("reset")
        answer = await self.doorway.exchange(data)
        self.check()
        return answer

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        self.check()
        return await self.host.history(kind, key, after_version=after_version, limit=limit)

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        self.check()
        await self.host.own(shards)
        return self.host.epochs

    async def disown(self, shards: Sequence[int]) -> None:
        self.check()
        await self.host.disown(shards)

    async def owned(self) -> Owned:
        self.check()
        return Owned(self.host.epochs, self.host.draining)

    async def set_draining(self, draining: bool) -> None:
        self.check()
        self.host.draining = draining

    def restart(self, cluster: "Cluster") -> None:
        """A new process under the old name: it runs nothing, and nobody has noticed."""
        fresh = Link(cluster, "")
        self.client, self.host, self.doorway = fresh.client, fresh.host, fresh.doorway


class SlowJournal(MemoryJournal):
    """Takes `pause_s` for an append."""

    pause_s = 0.0
    away = False

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        self._ensure_there()
        await asyncio.sleep(self.pause_s)
        return await super().append(batches)

    async def acquire(self, shard: int) -> int:
        self._ensure_there()
        return await super().acquire(shard)

    def _ensure_there(self) -> None:
        if self.away:
            raise JournalUnavailable("connection refused")


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
        self.journal = SlowJournal(shards=SHARDS, volumes=SHARDS)
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

    patience.run(asyncio.wait_for(main(), 10))


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


async def given_up(cluster: Cluster) -> tuple[Client, Client]:
    """A client that has taken all beans from the successor of a host, and one that only knows the host itself."""
    zombie = await cluster.add_host("zombie")
    client = cluster.new_client()
    await client.send("jar", "BLUE", Fill("f", 5))
    zombie.down = True
    await cluster.add_host("fresh")
    await cluster.directory.suspect("zombie")
    assert await client.send("jar", "BLUE", Take("t", 5)) == Beans(0)
    of_the_zombie = Client(SHARDS)
    of_the_zombie.attach(zombie.host)
    return client, of_the_zombie


def test_a_host_that_was_given_up_and_still_lives_is_refused_by_the_journal() -> None:
    async def scenario(cluster: Cluster) -> None:
        client, of_the_zombie = await given_up(cluster)
        with pytest.raises(Unavailable):
            await of_the_zombie.send("jar", "BLUE", Take("late", 5), deadline_s=0.05)
        assert await client.send("jar", "BLUE", Look()) == Beans(0)

    run(scenario)


def test_a_host_that_falls_silent_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.remote.CALL_TIMEOUT_S", 0.05)

    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 5))
        one.silent = True
        with pytest.raises(Unavailable):
            await client.send("jar", "BLUE", Look(), deadline_s=0.2)
        one.silent = False
        assert await client.send("jar", "BLUE", Look()) == Beans(5)

    run(scenario)


def test_an_answer_that_comes_after_its_call_failed_is_not_taken_for_another_commands() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "GREEN", Look())
        cluster.journal.pause_s = 0.05
        one.deaf = True
        with pytest.raises(Unavailable):
            await client.send("jar", "BLUE", Fill("f", 5), deadline_s=0.01)
        one.deaf = False
        assert await client.send("jar", "RED", Fill("f", 7)) == Beans(7)
        await asyncio.gather(*one.under_way)

    run(scenario)


def test_a_doubled_exchange_takes_no_reply_away() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        shard = cluster.new_client().home_of("BLUE")
        data = encode(Exchange("ada", [WireCommand(1, shard, "jar", "BLUE", 1_000, 0, Fill("f", 5))], [], 1))
        first, copy = await asyncio.gather(one.doorway.exchange(data), one.doorway.exchange(data))
        assert first == copy
        assert await one.doorway.exchange(data) == first
        for number in range(2, 2 + EXCHANGES_REMEMBERED):
            look = WireCommand(number, shard, "jar", "BLUE", 1_000, 0, Look())
            await one.doorway.exchange(encode(Exchange("ada", [look], [], number)))
        with pytest.raises(Unavailable):
            await one.doorway.exchange(data)

    run(scenario)


def test_a_host_that_restarted_unnoticed_gets_its_shards_again() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 5))
        one.restart(cluster)
        await cluster.directory.suspect("one")
        assert await client.send("jar", "BLUE", Look(), deadline_s=1.0) == Beans(5)

    run(scenario)


def test_what_was_asked_of_a_process_that_died_between_two_exchanges_is_asked_again() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 5))
        one.weigher.failures = 10**9
        begun = asyncio.create_task(client.send("move", "m1", Begin("BLUE", "RED", 5), deadline_s=5, settle_s=60))
        await asyncio.sleep(0.05)
        one.restart(cluster)
        await cluster.directory.suspect("one")
        assert await begun == MoveView("done")

    run(scenario)


def test_a_host_that_comes_back_lets_go_of_what_others_run_by_now() -> None:
    async def scenario(cluster: Cluster) -> None:
        zombie = await cluster.add_host("zombie")
        fresh = await cluster.add_host("fresh")
        zombie.down = True
        await cluster.directory.suspect("zombie")
        zombie.down = False
        assert zombie.host.owned
        await cluster.directory.join("zombie")
        assert not zombie.host.owned & fresh.host.owned
        assert len(zombie.host.owned | fresh.host.owned) == SHARDS

    run(scenario)


def test_a_host_is_drained_and_comes_back_while_its_entities_are_in_use() -> None:
    async def scenario(cluster: Cluster) -> None:
        one, two = await cluster.add_host("one"), await cluster.add_host("two")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 1_000_000))
        stop = asyncio.Event()
        moved = 0

        async def move_beans(number: int) -> None:
            nonlocal moved
            while not stop.is_set():
                begin = Begin("BLUE", f"RED-{number}", 1)
                reply = await client.send("move", f"m-{number}-{moved}", begin, deadline_s=2, settle_s=60)
                assert reply == MoveView("done")
                moved += 1
                await asyncio.sleep(0)

        movers = [asyncio.create_task(move_beans(number)) for number in range(4)]
        for _ in range(3):
            await asyncio.sleep(0.1)
            await cluster.directory.drain("one")
            assert not one.host.owned
            assert len(two.host.owned) == SHARDS
            await asyncio.sleep(0.1)
            await cluster.directory.rebalance("one")
            assert len(one.host.owned) == len(two.host.owned) == SHARDS // 2
        stop.set()
        await asyncio.gather(*movers)
        assert await client.send("jar", "BLUE", Look(), deadline_s=2) == Beans(1_000_000 - moved)
        assert moved > 50

    run(scenario)


def test_a_new_directory_learns_from_a_host_that_it_drains() -> None:
    async def scenario(cluster: Cluster) -> None:
        one, two = await cluster.add_host("one"), await cluster.add_host("two")
        await cluster.directory.drain("one")
        cluster.directory = Directory(range(SHARDS), cluster.links.__getitem__)
        await cluster.directory.join("one", "two")
        assert cluster.directory.draining == ["one"]
        assert not one.host.owned
        assert len(two.host.owned) == SHARDS

    run(scenario)


def test_a_drained_host_that_was_restarted_drains_on() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        await cluster.add_host("two")
        await cluster.directory.drain("one")
        one.restart(cluster)
        await cluster.directory.suspect("one")
        assert one.host.draining
        assert not one.host.owned

    run(scenario)


def test_a_new_directory_believes_the_newer_of_two_epochs() -> None:
    async def scenario(cluster: Cluster) -> None:
        zombie = await cluster.add_host("a-zombie")
        zombie.down = True
        fresh = await cluster.add_host("fresh")
        await cluster.directory.suspect("a-zombie")
        zombie.down = False
        cluster.directory = Directory(range(SHARDS), cluster.links.__getitem__)
        await cluster.directory.join("a-zombie")
        await cluster.directory.join("fresh")
        await cluster.directory.suspect("a-zombie")
        assert len(fresh.host.owned) + len(zombie.host.owned) == SHARDS
        assert {shard: host for shard, host in cluster.directory.table()[1].items() if host == "fresh"}.keys() == set(
            fresh.host.owned
        )

    run(scenario)


def test_a_new_directory_learns_of_pinned_shards_from_their_host() -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        shard = await cluster.directory.add_exclusive()
        cluster.directory = Directory(range(SHARDS), cluster.links.__getitem__)
        await cluster.directory.join("one")
        assert cluster.directory.table()[1][shard] == "one"

    run(scenario)


class Forgetful:
    """A host whose answers to `owned` are told one by one; None: it can't be reached."""

    def __init__(self, *answers: Mapping[int, int] | None) -> None:
        self._answers = list(answers)

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        await asyncio.sleep(0)
        return dict.fromkeys(shards, 8)

    async def disown(self, shards: Sequence[int]) -> None:
        await asyncio.sleep(0)

    async def owned(self) -> Owned:
        answer = self._answers.pop(0)
        if answer is None:
            raise Unavailable("killed")
        # The answer takes its time: meanwhile somebody else has found the host dead.
        await asyncio.sleep(0.02 if answer else 0)
        return Owned(answer)

    async def set_draining(self, draining: bool) -> None:
        await asyncio.sleep(0)


def test_a_host_found_lost_while_it_answers_stops_nobody_from_watching() -> None:
    async def main() -> None:
        controls = {"one": Forgetful({}, {}, {0: 7}, None, {0: 7}), "two": Forgetful({}, {})}
        directory = Directory(range(1), controls.__getitem__)
        await directory.join("one")
        await directory.join("two")
        await asyncio.gather(directory.suspect("one"), directory.suspect("one"))
        assert directory.table()[1] == {0: "two"}

    patience.run(asyncio.wait_for(main(), 10))


def test_a_host_that_was_given_up_and_does_not_know_answers_no_question_from_memory() -> None:
    async def scenario(cluster: Cluster) -> None:
        _, of_the_zombie = await given_up(cluster)
        with pytest.raises(Unavailable):
            await of_the_zombie.send("jar", "BLUE", Look(), deadline_s=0.05)

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


def test_a_journal_that_is_away_is_told_to_the_client_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.host.JOURNAL_PATIENCE_S", 0.1)

    async def scenario(cluster: Cluster) -> None:
        await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 100))
        cluster.journal.away = True
        for _ in range(2):
            with pytest.raises(JournalAway):
                await client.send("jar", "BLUE", Look())

    run(scenario)


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


def test_many_commands_to_one_entity_travel_together_and_are_decided_in_order() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        await client.send("jar", "BLUE", Fill("f", 400))
        calls = one.calls
        replies = await client.send_all("jar", "BLUE", [Take(f"t{number}", 1) for number in range(500)])
        assert replies[:400] == [Beans(399 - number) for number in range(400)]
        assert all(isinstance(reply, Rejected) and reply.details == {"left": 0} for reply in replies[400:])
        assert one.calls - calls < 8
        assert await client.send_all("jar", "BLUE", []) == []

    run(scenario)


def test_a_watcher_hears_again_after_a_host_died_and_is_told_of_the_gap() -> None:
    async def scenario(cluster: Cluster) -> None:
        one = await cluster.add_host("one")
        client = cluster.new_client()
        heard: dict[str, Beans] = {}
        gaps: list[None] = []
        await client.watch("jar", lambda key, version, view: heard.__setitem__(key, view), lambda: gaps.append(None))
        await client.send("jar", "BLUE", Fill("f1", 5))
        await cluster.add_host("two")
        one.down = True
        await cluster.directory.suspect("one")
        while not gaps:
            await asyncio.sleep(0.05)
        other = cluster.new_client()
        await other.send("jar", "BLUE", Fill("f2", 5))
        while heard.get("BLUE") != Beans(10):
            await asyncio.sleep(0.01)

    run(scenario)
