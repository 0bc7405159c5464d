"""A host that other processes of the machine reach by a socket file; both ends are in one process here."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors.client import Client
from actors.errors import Unavailable
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.on_socket import Listening, connect, listen
from engine.kernel import Rejected

from .toy import KINDS, Beans, Fill, Look, Take, Weigher

SHARDS = 4


class Machine:
    """A machine whose host can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "host"
        self._journal = MemoryJournal(shards=SHARDS, volumes=SHARDS)
        self._running: tuple[Host, Listening] | None = None

    async def start(self) -> Host:
        host = Host(
            KINDS, self._journal, SHARDS, lambda: 1_000_000, gateways={"weigher": Weigher()}, send=Client(SHARDS).send
        )
        await host.own(range(SHARDS))
        self._running = host, await listen(host, KINDS, self.path)
        return host

    async def stop(self) -> None:
        assert self._running is not None
        host, listening = self._running
        listening.close()
        await host.close()

    def client(self) -> Client:
        return connect(KINDS, SHARDS, self.path)


def run(folder: Path, scenario: Callable[[Machine], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(Machine(folder)), 10))


def test_commands_are_answered_and_refused_and_histories_are_read(tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.start()
        client = machine.client()
        jars = [f"JAR-{number}" for number in range(20)]
        filled = await asyncio.gather(*(client.send("jar", jar, Fill("f", 3)) for jar in jars))
        assert filled == [Beans(3)] * len(jars)
        refused = await client.send("jar", "JAR-1", Take("t", 4))
        assert isinstance(refused, Rejected)
        assert refused.details == {"left": 3}
        (entry,) = await client.history("jar", "JAR-1")
        assert (entry.kind, entry.key, entry.version) == ("jar", "JAR-1", 1)
        await machine.stop()

    run(tmp_path, scenario)


def test_only_its_owner_may_open_the_socket(tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.start()
        assert stat.S_IMODE(machine.path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        await machine.stop()

    run(tmp_path, scenario)


def test_what_is_watched_is_heard_though_nothing_is_asked(tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        host = await machine.start()
        client, heard = machine.client(), asyncio.Event()
        await client.watch("jar", lambda key, version, view: heard.set() if view == Beans(12) else None)
        # The wish to watch travels with it.
        await client.send("jar", "BLUE", Look())
        own = Client(SHARDS)
        own.attach(host)
        for number in range(4):
            await own.send("jar", "BLUE", Fill(f"f{number}", 3))
        await heard.wait()
        await machine.stop()

    run(tmp_path, scenario)


def test_a_host_that_was_started_anew_is_found_and_the_gap_is_told(tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        await machine.start()
        client, gap = machine.client(), asyncio.Event()
        await client.watch("jar", lambda key, version, view: None, gap.set)
        await client.send("jar", "BLUE", Fill("f", 3))
        await machine.stop()
        with pytest.raises(Unavailable):
            await client.send("jar", "BLUE", Look(), deadline_s=0.05)
        await machine.start()
        assert await client.send("jar", "BLUE", Look()) == Beans(3)
        await gap.wait()
        await machine.stop()

    run(tmp_path, scenario)


def test_before_the_host_is_there_nobody_answers(tmp_path: Path) -> None:
    async def scenario(machine: Machine) -> None:
        client = machine.client()
        with pytest.raises(Unavailable):
            await client.send("jar", "BLUE", Look(), deadline_s=0.05)
        await machine.start()
        assert await client.send("jar", "BLUE", Look()) == Beans(0)
        await machine.stop()

    run(tmp_path, scenario)
