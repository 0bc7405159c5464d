"""The one module that names Ray: turns the plain host and directory into actors and finds them again by name."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import ray
from ray.exceptions import RayActorError, RayError

from engine.kernel import Kind

from .client import Client
from .codec import codecs_of
from .collector import look_less_for_cycles
from .directory import Directory
from .doorway import Doorway
from .errors import Unavailable
from .host import Host
from .journals.port import Entry
from .remote import RemoteHosts

NAMESPACE = "doorbuster"
DIRECTORY = "directory"
MAX_CONCURRENT_CALLS = 10_000
"""Calls that one actor may have open: each client holds some open until there is something to tell."""
SETTLE_TIMEOUT_S = 30.0
"""Taking a shard over is one commit: only a journal that doesn't answer takes that long."""
SETTLED_LOOK_EVERY_S = 0.02

Compose = Callable[[Client], Awaitable[Host]]
"""Makes a process's host, given the client for its effects. It is pickled into the actor's process."""

FindShards = Callable[[], Awaitable[Mapping[int, int]]]
"""Tells the shards of the data, each with its volume, however long the journal takes to answer. It is pickled into the
actor's process."""

T = TypeVar("T")


async def _call(reference: "Awaitable[T]") -> T:
    """Await a Ray call. That it failed doesn't tell whether it happened: everything asked for is safe to repeat."""
    try:
        return await reference
    except RayActorError as error:
        raise Unavailable(f"an actor is dead or restarting: {type(error).__name__}") from error
    except RayError as error:
        raise Unavailable(f"a call failed: {type(error).__name__}") from error


class _Actor:
    """A named actor, looked up when first needed and again after it could not be found."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle: Any = None

    def _get(self) -> Any:
        if self._handle is None:
            try:
                self._handle = ray.get_actor(self._name, namespace=NAMESPACE)
            except ValueError as error:
                raise Unavailable(f"no actor is called {self._name}") from error
        return self._handle


class RayHost(_Actor):
    """The way to one host."""

    async def exchange(self, data: bytes) -> bytes:
        return cast(bytes, await _call(self._get().exchange.remote(data)))

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        return cast(Sequence[Entry], await _call(self._get().history.remote(kind, key, after_version, limit)))

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        return cast(Mapping[int, int], await _call(self._get().own.remote(list(shards))))

    async def disown(self, shards: Sequence[int]) -> None:
        await _call(self._get().disown.remote(list(shards)))

    async def owned(self) -> Mapping[int, int]:
        return cast(Mapping[int, int], await _call(self._get().owned.remote()))


class RayDirectory(_Actor):
    """The way to the directory."""

    def __init__(self) -> None:
        super().__init__(DIRECTORY)

    async def table(self) -> tuple[int, dict[int, str]]:
        return cast(tuple[int, dict[int, str]], await _call(self._get().table.remote()))

    async def suspect(self, host: str) -> None:
        await _call(self._get().suspect.remote(host))

    async def join(self, host: str) -> None:
        await _call(self._get().join.remote(host))

    async def add_exclusive(self) -> int:
        return cast(int, await _call(self._get().add_exclusive.remote()))

    async def share(self, shard: int) -> None:
        await _call(self._get().share.remote(shard))


class HostActor:
    """A host in a process of its own. A restart runs only this constructor: what it ran before comes from the
    directory, and its state from the journal."""

    def __init__(self, name: str, compose: Compose, kinds: Mapping[str, Kind], shards: int) -> None:
        self._name = name
        self._compose = compose
        self._kinds = kinds
        self._shards = shards
        self._started: asyncio.Task[tuple[Host, Doorway]] | None = None

    async def start(self) -> None:
        """Compose the host and ask the directory for shards. Called by whoever made the actor, and by itself."""
        await self._parts()

    def _parts(self) -> "asyncio.Task[tuple[Host, Doorway]]":
        if self._started is None:
            self._started = asyncio.get_running_loop().create_task(self._start())
        return self._started

    async def _start(self) -> tuple[Host, Doorway]:
        client = connect(self._kinds, self._shards)
        host = await self._compose(client)
        client.attach(host)
        look_less_for_cycles()
        return host, Doorway(host, codecs_of(self._kinds))

    async def exchange(self, data: bytes) -> bytes:
        _, doorway = await self._parts()
        return await doorway.exchange(data)

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        host, _ = await self._parts()
        return await host.history(kind, key, after_version=after_version, limit=limit)

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        host, _ = await self._parts()
        await host.own(shards)
        return host.epochs

    async def disown(self, shards: Sequence[int]) -> None:
        host, _ = await self._parts()
        await host.disown(shards)

    async def owned(self) -> Mapping[int, int]:
        host, _ = await self._parts()
        return host.epochs

    async def pid(self) -> int:
        """The process, for whoever looks at it from outside."""
        return os.getpid()


class DirectoryActor:
    """The directory in a process of its own. After a restart it asks the hosts, by name, what they run, and the data
    which shards there are: some may have been made for pinned entities since."""

    def __init__(self, find_shards: FindShards, hosts: Sequence[str]) -> None:
        self._find_shards = find_shards
        self._hosts = list(hosts)
        self._started: asyncio.Task[Directory] | None = None
        self._watching: asyncio.Task[None] | None = None

    def _ready(self) -> "asyncio.Task[Directory]":
        # Ray runs an actor's constructor outside its event loop, so everything begins with the first call.
        if self._started is None:
            self._started = asyncio.get_running_loop().create_task(self._start())
        return self._started

    async def _start(self) -> Directory:
        volumes = await self._find_shards()
        # A shard that is made later, for a pinned entity, has a volume to itself.
        directory = Directory(volumes, RayHost, volume_of=lambda shard: volumes.get(shard, -shard))
        self._watching = asyncio.get_running_loop().create_task(directory.look_after(self._hosts))
        return directory

    async def settled(self, timeout_s: float) -> list[int]:
        """Wait until every shard is run by a host; those that are not after so long."""
        directory = await self._ready()
        for _ in range(round(timeout_s / SETTLED_LOOK_EVERY_S)):
            if not directory.homeless:
                break
            await asyncio.sleep(SETTLED_LOOK_EVERY_S)
        return directory.homeless

    async def table(self) -> tuple[int, dict[int, str]]:
        return (await self._ready()).table()

    async def pid(self) -> int:
        """The process, for whoever looks at it from outside."""
        return os.getpid()

    async def suspect(self, host: str) -> None:
        await (await self._ready()).suspect(host)

    async def join(self, host: str) -> None:
        await (await self._ready()).join(host)

    async def add_exclusive(self) -> int:
        return await (await self._ready()).add_exclusive()

    async def share(self, shard: int) -> None:
        await (await self._ready()).share(shard)


def connect(kinds: Mapping[str, Kind], shards: int) -> Client:
    """A client of the hosts of this Ray cluster."""
    return Client(shards, RemoteHosts(codecs_of(kinds), RayDirectory(), RayHost))


def host_names(hosts: int) -> list[str]:
    """The names of that many hosts."""
    return [f"host-{number}" for number in range(hosts)]


def start_hosts(
    hosts: int, compose: Compose, kinds: Mapping[str, Kind], base_shards: int, find_shards: FindShards
) -> None:
    """Start hosts and directory as detached actors, unless they run already, and wait until all shards are run.

    Raises `Unavailable` with the shards that nobody took.

    Detached: they outlive whoever started them, as Serve's own controller does. They restart without end, because a
    host holds nothing that the journal does not have. Ray itself never repeats a call of theirs (max_task_retries=0):
    what is safe to repeat only the client knows.
    """
    options: dict[str, Any] = {
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": MAX_CONCURRENT_CALLS,
        # Hosts are placed by their number, not by free CPUs: a busy Serve replica must not keep one from starting.
        "num_cpus": 0,
    }
    names = host_names(hosts)
    actors = [
        ray.remote(HostActor).options(name=name, **options).remote(name, compose, kinds, base_shards) for name in names
    ]
    ray.get([actor.start.remote() for actor in actors])
    directory = ray.remote(DirectoryActor).options(name=DIRECTORY, **options).remote(find_shards, names)
    if homeless := ray.get(directory.settled.remote(SETTLE_TIMEOUT_S)):
        raise Unavailable(f"after {SETTLE_TIMEOUT_S:.0f} s no host has taken the shards {homeless}")


def stop_hosts(hosts: int) -> None:
    """Kill hosts and directory. They hold nothing that the journal does not have."""
    for name in [DIRECTORY, *host_names(hosts)]:
        try:
            ray.kill(ray.get_actor(name, namespace=NAMESPACE))
        except ValueError:
            continue
