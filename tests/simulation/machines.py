"""What production runs in processes, in simulated ones: hosts, the directory, and the fronts that buyers come to."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.client import Client
from actors.codec import KindCodec, codecs_of
from actors.directory import Directory, Owned
from actors.doorway import Doorway
from actors.host import Host
from actors.journals.port import Entry, JournalUnavailable
from actors.known import KnownKeys
from actors.pins import Pins
from actors.remote import RemoteHosts
from engine.kernel import Instant
from engine.kinds import KINDS
from serve.warming import SaleWarming

from .bank import Bank, BankGateway
from .chronicle import Chronicle
from .disk import Disk, SimulatedJournal
from .network import Network
from .virtual_time import Process, Scheduler

DIRECTORY = "directory"
EPOCH_MS = 1_700_000_000_000
"""What wall clocks show when the world begins."""


@dataclass(frozen=True)
class Shape:
    """What a world is made of; drawn from the seed."""

    hosts: int
    fronts: int
    shards: int
    volumes: int
    embedded_disk: bool
    bank_inside: bool
    entities_in_memory: int
    idle_s: float
    mailbox_limit: int
    bytes_between_snapshots: int
    entries_between_checkpoints: int
    commands_per_turn: int
    recovery_group: int


@dataclass(frozen=True)
class Ground:
    """What every machine stands on."""

    scheduler: Scheduler
    chronicle: Chronicle
    network: Network
    disk: Disk
    shape: Shape
    codecs: Mapping[str, KindCodec]

    def tell(self, who: str, what: str, whom: str = "") -> None:
        self.chronicle.tell(self.scheduler.time, who, what, whom)


class HostWire:
    """A host as another process reaches it: implements `HostLink` and `HostControl`."""

    def __init__(self, network: Network, source: str, host: "HostMachine") -> None:
        self._network = network
        self._source = source
        self._host = host

    async def exchange(self, data: bytes) -> bytes:
        answer: bytes = await self._network.call(self._source, self._host, "exchange", data)
        return answer

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        found: Sequence[Entry] = await self._network.call(
            self._source, self._host, "history", kind, key, after_version, limit
        )
        return found

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        owned: Mapping[int, int] = await self._network.call(self._source, self._host, "own", tuple(shards))
        return owned

    async def disown(self, shards: Sequence[int]) -> None:
        await self._network.call(self._source, self._host, "disown", tuple(shards))

    async def owned(self) -> Owned:
        owned: Owned = await self._network.call(self._source, self._host, "owned")
        return owned

    async def set_draining(self, draining: bool) -> None:
        await self._network.call(self._source, self._host, "set_draining", draining)


class DirectoryWire:
    """The directory as another process reaches it: implements `DirectoryLink`, and `Shards` of `actors.pins`."""

    def __init__(self, network: Network, source: str, directory: "DirectoryMachine") -> None:
        self._network = network
        self._source = source
        self._directory = directory

    async def table(self) -> tuple[int, dict[int, str]]:
        version, table = await self._network.call(self._source, self._directory, "table")
        return version, dict(table)

    async def suspect(self, host: str) -> None:
        await self._network.call(self._source, self._directory, "suspect", host)

    async def drain(self, *hosts: str) -> None:
        await self._network.call(self._source, self._directory, "drain", *hosts)

    async def forget(self, host: str) -> None:
        await self._network.call(self._source, self._directory, "forget", host)

    async def rebalance(self) -> None:
        await self._network.call(self._source, self._directory, "rebalance")

    async def add_exclusive(self) -> int:
        shard: int = await self._network.call(self._source, self._directory, "add_exclusive")
        return shard

    async def share(self, shard: int) -> None:
        await self._network.call(self._source, self._directory, "share", shard)


class Machine(ABC):
    """A named place where processes run, one after the other."""

    def __init__(self, name: str, ground: Ground) -> None:
        self.name = name
        self.process: Process | None = None
        self._ground = ground
        self._incarnation = 0

    def start(self) -> None:
        """Start a process, unless one runs."""
        if self.process is not None:
            return
        self._incarnation += 1
        # Every process has a clock of its own that began at another instant.
        self.process = self._ground.scheduler.process(f"{self.name}.{self._incarnation}", 1_000.0 * self._incarnation)
        self._ground.tell(self.name, "starts")
        self._boot(self.process)

    def kill(self) -> None:
        """As kill -9."""
        process, self.process = self.process, None
        if process is not None:
            self._ground.tell(self.name, "dies")
            process.kill()
            self._ground.network.killed(process)

    def stop(self) -> None:
        """As SIGSTOP."""
        if self.process is not None:
            self._ground.tell(self.name, "stands still")
            self.process.stop()

    def cont(self) -> None:
        """As SIGCONT."""
        if self.process is not None and self.process.stopped:
            self._ground.tell(self.name, "goes on")
            self.process.cont()

    @property
    def clients_name(self) -> str:
        return f"{self.name}.{self._incarnation}"

    @abstractmethod
    def _boot(self, process: Process) -> None:
        """Begin what runs in this process."""


class HostMachine(Machine):
    """Runs a host of production behind its doorway."""

    def __init__(
        self,
        name: str,
        ground: Ground,
        bank: Bank,
        way: Callable[[str, str], Client],
        directory: Callable[[str], DirectoryWire],
    ) -> None:
        super().__init__(name, ground)
        self.clock_ahead_ms = 0
        self._directory = directory
        self._bank = bank
        self._way = way
        self._parts: asyncio.Task[tuple[Host, Doorway]] | None = None

    def now(self) -> Instant:
        """The machine's wall clock."""
        return EPOCH_MS + int(self._ground.scheduler.time * 1_000) + self.clock_ahead_ms

    def _boot(self, process: Process) -> None:
        self._parts = process.spawn(self._compose())

    async def _compose(self) -> tuple[Host, Doorway]:
        ground, shape = self._ground, self._ground.shape
        client = self._way(self.name, self.clients_name)
        host = Host(
            KINDS,
            SimulatedJournal(ground.disk, self.name),
            shape.shards,
            self.now,
            gateways={
                "bank": BankGateway(ground.network, self._bank, self.name, inside=shape.bank_inside),
                "sales": SaleWarming(client, Pins(client, self._directory(self.name))),
            },
            send=client.send,
            mailbox_limit=shape.mailbox_limit,
            entities_in_memory=shape.entities_in_memory,
            idle_s=shape.idle_s,
            known={"order": KnownKeys()},
        )
        client.attach(host)
        return host, Doorway(host, codecs_of(KINDS))

    async def serve(self, method: str, arguments: tuple[Any, ...]) -> Any:
        assert self._parts is not None
        host, doorway = await self._parts
        match method:
            case "exchange":
                return await doorway.exchange(*arguments)
            case "history":
                kind, key, after_version, limit = arguments
                return await host.history(kind, key, after_version=after_version, limit=limit)
            case "own":
                self._ground.tell(self.name, f"is to run {list(*arguments)}")
                await host.own(*arguments)
                return host.epochs
            case "disown":
                self._ground.tell(self.name, f"is to let go of {list(*arguments)}")
                return await host.disown(*arguments)
            case "owned":
                return Owned(host.epochs, host.draining)
            case "set_draining":
                (host.draining,) = arguments
                return None
        raise AssertionError(method)


class DirectoryMachine(Machine):
    """Runs the directory of production."""

    def __init__(self, ground: Ground, hosts: Mapping[str, HostMachine]) -> None:
        super().__init__(DIRECTORY, ground)
        self._hosts = hosts
        self._parts: asyncio.Task[Directory] | None = None

    def _boot(self, process: Process) -> None:
        self._parts = process.spawn(self._compose())

    async def _compose(self) -> Directory:
        ground = self._ground

        def control_of(host: str) -> HostWire:
            return HostWire(ground.network, self.name, self._hosts[host])

        directory = Directory(await self._find_shards(), control_of)
        asyncio.get_running_loop().create_task(directory.look_after(list(self._hosts)))
        return directory

    async def _find_shards(self) -> list[int]:
        journal = SimulatedJournal(self._ground.disk, self.name)
        while True:
            try:
                return sorted({*range(self._ground.shape.shards), *await journal.shards()})
            except JournalUnavailable:
                await asyncio.sleep(0.2)

    async def serve(self, method: str, arguments: tuple[Any, ...]) -> Any:
        assert self._parts is not None
        directory = await self._parts
        match method:
            case "table":
                return directory.table()
            case "suspect":
                return await directory.suspect(*arguments)
            case "drain":
                return await directory.drain(*arguments)
            case "forget":
                return await directory.forget(*arguments)
            case "rebalance":
                return await directory.rebalance()
            case "add_exclusive":
                return await directory.add_exclusive()
            case "share":
                return await directory.share(*arguments)
        raise AssertionError(method)


class FrontMachine(Machine):
    """A process that serves buyers: it has a client and no host."""

    def __init__(self, name: str, ground: Ground, way: Callable[[str, str], Client]) -> None:
        super().__init__(name, ground)
        self._way = way
        self.client: asyncio.Task[Client] | None = None

    def _boot(self, process: Process) -> None:
        self.client = process.spawn(self._compose())

    async def _compose(self) -> Client:
        return self._way(self.name, self.clients_name)

    async def serve(self, method: str, arguments: tuple[Any, ...]) -> Any:
        raise AssertionError("nobody calls a front")


def way_of(
    ground: Ground, hosts: Mapping[str, HostMachine], directory: Callable[[], DirectoryMachine]
) -> Callable[[str, str], Client]:
    """Makes the client of a process, given the machine's name and the process's own."""

    def way(source: str, client: str) -> Client:
        remote = RemoteHosts(
            ground.codecs,
            DirectoryWire(ground.network, source, directory()),
            lambda host: HostWire(ground.network, source, hosts[host]),
            name=client,
        )
        return Client(ground.shape.shards, remote)

    return way
