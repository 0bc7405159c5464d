"""The one module that names Ray: turns plain host, directory and feed into actors and finds them again by name."""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import ray
from ray._private.state import state as cluster_state
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from engine.kernel import Kind

from .client import Client
from .codec import codecs_of
from .collector import look_less_for_cycles
from .directory import Directory, Owned
from .doorway import Doorway
from .errors import CannotDrain, FeedRefused, Unavailable
from .feed.process import FeedActor, FeedSpec
from .host import Host
from .journals.port import Entry
from .remote import RemoteHosts
from .roster import Roster
from .standing import HostFigures, Node, Standing

NAMESPACE = "doorbuster"
DIRECTORY = "directory"
FEED = "feed"
FEED_STOPS_WITHIN_S = 1.5
MAX_CONCURRENT_CALLS = 10_000
"""Calls that one actor may have open: each client holds some open until there is something to tell."""
SETTLE_TIMEOUT_S = 60.0
"""Starting a host takes a second, and taking a shard over one commit: only a journal that doesn't answer, or an update
of many hosts, takes that long."""
SETTLED_LOOK_EVERY_S = 0.02
HEAD_RESOURCE = "node:__internal_head__"
"""What Ray's head has, and no other node."""
A_TRACE = 0.001
"""So much of it that many may have some."""
END_TIMEOUT_S = 10.0
END_LOOK_EVERY_S = 0.02
ANSWER_TIMEOUT_S = 10.0
"""A directory that doesn't answer by then is replaced."""

Compose = Callable[[Client], Awaitable[Host]]
"""Makes a process's host, given the client for its effects. It is pickled into the actor's process."""

FindShards = Callable[[], Awaitable[Mapping[int, int]]]
"""Tells the shards of the data, each with its volume, however long the journal takes to answer. It is pickled into the
actor's process."""

T = TypeVar("T")

logger = logging.getLogger("doorbuster.actors")


@dataclass(frozen=True)
class HostSpec:
    """What the hosts of a cluster are started with. It is pickled into the directory's process, and from there into
    theirs."""

    compose: Compose
    kinds: Mapping[str, Kind]
    shards: int
    per_node: int
    version: str
    """A host that was started with another version is replaced."""


async def _call(reference: Awaitable[T]) -> T:
    """Await a Ray call. That it failed doesn't tell whether it happened: everything asked for is safe to repeat."""
    try:
        return await reference
    except RayActorError as error:
        raise Unavailable(f"an actor is dead or restarting: {type(error).__name__}") from error
    except RayTaskError as error:
        if isinstance(error.cause, (CannotDrain, FeedRefused)):
            raise error.cause from error
        raise Unavailable(f"a call failed: {type(error.cause).__name__}: {error.cause}") from error
    except RayError as error:
        raise Unavailable(f"a call failed: {type(error).__name__}") from error


def _find(name: str) -> Any:
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError as error:
        raise Unavailable(f"no actor is called {name}") from error


class _Actor:
    """A named actor, looked up when first needed, and again after it was not there: another may have its name now."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle: Any = None

    async def _ask(self, method: str, *arguments: Any) -> Any:
        if self._handle is None:
            # In a thread: where Ray's own directory is away, the look-up waits for it.
            self._handle = await asyncio.to_thread(_find, self._name)
        try:
            return await _call(getattr(self._handle, method).remote(*arguments))
        except Unavailable as error:
            if isinstance(error.__cause__, RayActorError):
                self._handle = None
            raise


class RayHost(_Actor):
    """The way to one host."""

    async def exchange(self, data: bytes) -> bytes:
        return cast(bytes, await self._ask("exchange", data))

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        return cast(Sequence[Entry], await self._ask("history", kind, key, after_version, limit))

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        return cast(Mapping[int, int], await self._ask("own", list(shards)))

    async def disown(self, shards: Sequence[int]) -> None:
        await self._ask("disown", list(shards))

    async def owned(self) -> Owned:
        return cast(Owned, await self._ask("owned"))

    async def set_draining(self, draining: bool) -> None:
        await self._ask("set_draining", draining)

    async def version(self) -> str:
        return cast(str, await self._ask("version"))

    async def figures(self) -> HostFigures:
        return cast(HostFigures, await self._ask("figures"))


class RayDirectory(_Actor):
    """The way to the directory."""

    def __init__(self) -> None:
        super().__init__(DIRECTORY)

    async def table(self) -> tuple[int, dict[int, str]]:
        return cast(tuple[int, dict[int, str]], await self._ask("table"))

    async def suspect(self, host: str) -> None:
        await self._ask("suspect", host)

    async def add_exclusive(self) -> int:
        return cast(int, await self._ask("add_exclusive"))

    async def share(self, shard: int) -> None:
        await self._ask("share", shard)

    async def drain(self, *hosts: str) -> None:
        await self._ask("drain", *hosts)

    async def rebalance(self, *hosts: str) -> None:
        await self._ask("rebalance", *hosts)

    async def standing(self) -> Standing:
        return cast(Standing, await self._ask("standing"))


class RayFeed(_Actor):
    """The way to the feed process."""

    def __init__(self) -> None:
        super().__init__(FEED)

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Raises `Unavailable`, also where it has not begun yet, and `FeedRefused`."""
        return await self._ask("ask", method, dict(arguments))


class RayFleet:
    """Where the hosts of a Ray cluster run: on every living node that has a CPU for tasks or actors. A head that is to
    be left alone has none (`--num-cpus=0`), as everywhere with Ray."""

    def __init__(self, spec: HostSpec) -> None:
        self._spec = spec

    async def nodes(self) -> Mapping[str, bool]:
        return {node.id: node.leaving for node in await asyncio.to_thread(living_nodes) if node.runs_hosts}

    async def hosts(self) -> Sequence[str]:
        return await asyncio.to_thread(_host_names)

    async def version(self, host: str) -> str:
        return await RayHost(host).version()

    async def start(self, host: str, node: str) -> None:
        # Never on another node: the name says where it is, and its node's share of hosts would be elsewhere.
        placed = NodeAffinitySchedulingStrategy(node, soft=False)
        options = {"name": host, "scheduling_strategy": placed, **ACTOR_OPTIONS}
        await _call(ray.remote(HostActor).options(**options).remote(host, self._spec).start.remote())

    async def end(self, host: str) -> None:
        await asyncio.to_thread(_end, host)


def living_nodes() -> list[Node]:
    """The nodes of this cluster that live. Raises `Unavailable`."""
    try:
        leaving = cluster_state.get_draining_nodes()
        return [
            Node(
                node["NodeID"],
                node["NodeManagerAddress"],
                node["NodeName"],
                leaving=node["NodeID"] in leaving,
                head=HEAD_RESOURCE in node["Resources"],
                runs_hosts=node["Resources"].get("CPU", 0) > 0,
            )
            for node in ray.nodes()
            if node["Alive"]
        ]
    except RayError as error:
        raise Unavailable(f"the nodes can't be looked at: {error}") from error


def _host_names() -> list[str]:
    try:
        named = list_named_actors(all_namespaces=True)
    except RayError as error:
        raise Unavailable(f"the actors can't be looked at: {error}") from error
    return sorted(
        each["name"] for each in named if each["namespace"] == NAMESPACE and each["name"] not in (DIRECTORY, FEED)
    )


def _end(name: str) -> None:
    """End an actor for good, and wait until its name is free."""
    deadline = time.monotonic() + END_TIMEOUT_S
    with suppress(Unavailable):
        ray.kill(_find(name), no_restart=True)
        while time.monotonic() < deadline:
            time.sleep(END_LOOK_EVERY_S)
            _find(name)
        logger.warning("The actor %s has not ended within %g s", name, END_TIMEOUT_S)


class HostActor:
    """A host in a process of its own. A restart runs only this constructor: what it ran before comes from the
    directory, and its state from the journal."""

    def __init__(self, name: str, spec: HostSpec) -> None:
        self._name = name
        self._spec = spec
        self._started: asyncio.Task[tuple[Host, Doorway]] | None = None

    async def start(self) -> None:
        """Compose the host. Called by whoever made the actor, to hear that it is up."""
        await self._parts()

    def _parts(self) -> "asyncio.Task[tuple[Host, Doorway]]":
        if self._started is None:
            self._started = asyncio.get_running_loop().create_task(self._start())
        return self._started

    async def _start(self) -> tuple[Host, Doorway]:
        spec = self._spec
        client = connect(spec.kinds, spec.shards)
        host = await spec.compose(client)
        client.attach(host)
        look_less_for_cycles()
        return host, Doorway(host, codecs_of(spec.kinds))

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

    async def owned(self) -> Owned:
        host, _ = await self._parts()
        return Owned(host.epochs, host.draining)

    async def set_draining(self, draining: bool) -> None:
        host, _ = await self._parts()
        host.draining = draining

    async def version(self) -> str:
        return self._spec.version

    async def figures(self) -> HostFigures:
        host, _ = await self._parts()
        node_id = ray.get_runtime_context().get_node_id()
        return HostFigures(node_id, os.getpid(), host.entities, host.commands, self._spec.version)

    async def pid(self) -> int:
        """The process, for whoever looks at it from outside."""
        return os.getpid()


class DirectoryActor:
    """The directory in a process of its own, with the roster that keeps hosts on the nodes. After a restart it asks the
    hosts what they run, and the data which shards there are: some may have been made for pinned entities since."""

    def __init__(self, find_shards: FindShards, spec: HostSpec) -> None:
        self._find_shards = find_shards
        self._spec = spec
        self._started: asyncio.Task[tuple[Directory, Roster]] | None = None
        self._watching: list[asyncio.Task[None]] = []

    def _parts(self) -> "asyncio.Task[tuple[Directory, Roster]]":
        # Ray runs an actor's constructor outside its event loop, so everything begins with the first call.
        if self._started is None:
            self._started = asyncio.get_running_loop().create_task(self._start())
        return self._started

    async def _start(self) -> tuple[Directory, Roster]:
        volumes = await self._find_shards()
        # A shard that is made later, for a pinned entity, has a volume to itself.
        directory = Directory(volumes, RayHost, volume_of=lambda shard: volumes.get(shard, -shard))
        spec = self._spec
        roster = Roster(RayFleet(spec), directory, hosts_per_node=spec.per_node, version=spec.version)
        loop = asyncio.get_running_loop()
        self._watching = [loop.create_task(directory.look_after(roster.hosts)), loop.create_task(roster.keep())]
        return directory, roster

    async def standing(self) -> Standing:
        """Who lives, who drains, how many shards each runs, and what is still to be done."""
        directory, roster = await self._parts()
        _, table = directory.table()
        runs = Counter(table.values())
        return Standing(
            {host: runs[host] for host in sorted(roster.hosts)},
            frozenset(directory.hosts),
            frozenset(directory.draining),
            directory.homeless,
            roster.ready,
            roster.wanted,
            roster.complaints,
        )

    async def version(self) -> tuple[str, int]:
        """What hosts it starts, and how many on each node."""
        return self._spec.version, self._spec.per_node

    async def pid(self) -> int:
        """The process, for whoever looks at it from outside."""
        return os.getpid()

    async def table(self) -> tuple[int, dict[int, str]]:
        directory, _ = await self._parts()
        return directory.table()

    async def suspect(self, host: str) -> None:
        directory, _ = await self._parts()
        await directory.suspect(host)

    async def add_exclusive(self) -> int:
        directory, _ = await self._parts()
        return await directory.add_exclusive()

    async def share(self, shard: int) -> None:
        directory, _ = await self._parts()
        await directory.share(shard)

    async def drain(self, *hosts: str) -> None:
        directory, _ = await self._parts()
        await directory.drain(*hosts)

    async def rebalance(self, *hosts: str) -> None:
        directory, _ = await self._parts()
        await directory.rebalance(*hosts)


def connect(kinds: Mapping[str, Kind], shards: int) -> Client:
    """A client of the hosts of this Ray cluster."""
    return Client(shards, RemoteHosts(codecs_of(kinds), RayDirectory(), RayHost))


ACTOR_OPTIONS: Mapping[str, Any] = {
    "namespace": NAMESPACE,
    # It outlives whoever started it, as Serve's own controller does.
    "lifetime": "detached",
    "get_if_exists": True,
    # Without end: it holds nothing that the journal does not have.
    "max_restarts": -1,
    # Ray itself never repeats a call: what is safe to repeat only the client knows.
    "max_task_retries": 0,
    "max_concurrency": MAX_CONCURRENT_CALLS,
    # Placed by its number, not by free CPUs: a busy Serve replica must not keep it from starting.
    "num_cpus": 0,
}
"""What hosts, directory and feed have in common."""


def start_hosts(
    spec: HostSpec, find_shards: FindShards, on_progress: Callable[[int, int], None] = lambda ready, wanted: None
) -> None:
    """Have hosts as `spec` says run on every node, and wait until they run all shards.

    Hosts that were started with another version are replaced one after the other, while the others sell. Calling it
    again with the same changes nothing. `on_progress` is called with how many hosts are ready, of how many. Raises
    `Unavailable`, with the reasons, if nothing has changed for `SETTLE_TIMEOUT_S`.
    """
    directory = _directory(find_shards, spec)
    ready, deadline = -1, time.monotonic() + SETTLE_TIMEOUT_S
    unsettled = ["the directory does not answer"]
    while time.monotonic() < deadline:
        # Its node may die meanwhile: then it is started on another.
        with suppress(RayActorError):
            standing: Standing = ray.get(directory.standing.remote())
            if standing.ready != ready:
                ready, deadline = standing.ready, time.monotonic() + SETTLE_TIMEOUT_S
                on_progress(ready, standing.wanted)
            unsettled = standing.unsettled
            if not unsettled:
                return
        time.sleep(SETTLED_LOOK_EVERY_S)
    raise Unavailable(f"for {SETTLE_TIMEOUT_S:.0f} s: {'; '.join(unsettled)}")


def _directory(find_shards: FindShards, spec: HostSpec) -> Any:
    """The directory that runs, if it starts such hosts, else a new one in its place.

    It runs on the head, as Serve's controller does: when another node dies it is there to give its shards away, while
    Ray, which would start it elsewhere, takes its time to believe that the node is dead. It dies with the head, as what
    would start it anew does, and comes back with it.
    """
    with suppress(Unavailable, RayError):
        running = _find(DIRECTORY)
        if ray.get(running.version.remote(), timeout=ANSWER_TIMEOUT_S) == (spec.version, spec.per_node):
            return running
        _end(DIRECTORY)
    options = {"name": DIRECTORY, "resources": {HEAD_RESOURCE: A_TRACE}, **ACTOR_OPTIONS}
    return ray.remote(DirectoryActor).options(**options).remote(find_shards, spec)


def start_feed(spec: FeedSpec) -> None:
    """Have the feed process run, without waiting for it; one that was started with another version is replaced.

    It runs on the head, where the files are that it writes if they are not on storage that all nodes share.
    """
    with suppress(Unavailable, RayError):
        running = _find(FEED)
        if ray.get(running.version.remote(), timeout=ANSWER_TIMEOUT_S) == spec.version:
            return
        with suppress(RayError):
            ray.get(running.stop.remote(), timeout=FEED_STOPS_WITHIN_S)
        _end(FEED)
    options = {"name": FEED, "resources": {HEAD_RESOURCE: A_TRACE}, **ACTOR_OPTIONS}
    ray.remote(FeedActor).options(**options).remote(spec)


def stop_feed() -> None:
    """End the feed process, once it has written down how far it is; what it hasn't, it reads again."""
    with suppress(Unavailable, RayError):
        ray.get(_find(FEED).stop.remote(), timeout=FEED_STOPS_WITHIN_S)
    _end(FEED)


def nodes_for_hosts() -> int:
    """On how many nodes hosts run now."""
    return sum(node.runs_hosts for node in living_nodes())


def stop_hosts() -> None:
    """End the directory and all hosts. They hold nothing that the journal does not have."""
    for name in [DIRECTORY, *_host_names()]:
        _end(name)
