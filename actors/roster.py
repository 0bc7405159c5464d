"""Which hosts there should be: so many on every living node. Starts those that are missing, drains those whose node
leaves, replaces those of another version one after the other, and forgets those of dead nodes.

What there is, it asks the cluster each time it looks: a roster that begins anew goes on where the last one stopped.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from .calls import in_time
from .directory import PING_TIMEOUT_S, Directory
from .errors import CannotDrain, Unavailable

LOOK_EVERY_S = 1.0
START_TIMEOUT_S = 30.0
"""A host that isn't up by then is started again at a later look."""
NODE_ID_LENGTH = 8
"""So much of a node's id is in the names of its hosts: enough to tell the nodes of one cluster apart."""

logger = logging.getLogger("doorbuster.actors")


class Fleet(Protocol):
    """Where hosts run. Every call may raise `Unavailable`."""

    async def nodes(self) -> Mapping[str, bool]:
        """The living nodes that hosts may run on, each with whether it is about to leave."""
        ...

    async def hosts(self) -> Collection[str]:
        """The names of all hosts that were started and not ended, whether they answer or not."""
        ...

    async def version(self, host: str) -> str:
        """What the host was started with."""
        ...

    async def start(self, host: str, node: str) -> None:
        """Start a host there, unless it runs; returns when it is up."""
        ...

    async def end(self, host: str) -> None:
        """End a host for good: its name is free afterwards."""
        ...


def host_name(node: str, number: int) -> str:
    """What the host with that number on a node is called."""
    return f"host-{node[:NODE_ID_LENGTH]}-{number}"


def is_on(host: str, node: str) -> bool:
    """Whether a host of that name runs on the node."""
    return host.startswith(host_name(node, 0)[:-1])


class Roster:
    """Keeps as many hosts on each node as there should be, and tells the directory."""

    def __init__(self, fleet: Fleet, directory: Directory, *, hosts_per_node: int, version: str) -> None:
        """`version` is what hosts have to be started with: those that were started with another are replaced."""
        self._fleet = fleet
        self._directory = directory
        self._hosts_per_node = hosts_per_node
        self._version = version
        self._versions: dict[str, str] = {}
        self.hosts: set[str] = set()
        """The hosts that should live now: changes with every look."""
        self.complaints: list[str] = ["nobody has looked at the nodes yet"]
        """What could not be brought about, in words; empty once everything is as it should be."""
        self.wanted = 0
        """How many hosts there should be."""

    @property
    def ready(self) -> int:
        """How many hosts live and are of the version that is wanted."""
        return sum(self._versions.get(host) == self._version for host in self.hosts.intersection(self._directory.hosts))

    async def keep(self) -> None:
        """Look again and again, for as long as the process lives."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                self.complaints = [f"the nodes can't be looked at: {error}"]
            except Exception:
                # Whatever it was, the next look may do better, and nobody else would look.
                logger.exception("The roster could not look at the hosts")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Compare what there is with what there should be, and bring it about."""
        nodes = await self._fleet.nodes()
        there = await self._fleet.hosts()
        wanted = {host_name(node, number): node for node in nodes for number in range(self._hosts_per_node)}
        self.wanted = len(wanted)
        alive = {host for host in there if any(is_on(host, node) for node in nodes)}
        self.hosts |= alive
        complaints = await self._join()
        for host in sorted({*there, *self.hosts} - wanted.keys()):
            await self._retire(host, alive=host in alive)
        # A node that leaves gets nothing new; what runs there goes on until its shards have moved.
        missing = [host for host, node in wanted.items() if host not in there and not nodes[node]]
        broken = await self._start(missing, wanted)
        complaints += await self._drain([host for host in self.hosts if nodes[wanted[host]]])
        # If the new version can't start, those of the last one sell on.
        complaints += broken or await self._replace(wanted)
        self.complaints = complaints

    async def _start(self, hosts: Sequence[str], wanted: Mapping[str, str]) -> list[str]:
        """Start hosts at the same time, and let them join together: each gets its share at once."""
        ends = await asyncio.gather(*(self._start_one(host, wanted[host]) for host in hosts))
        complaints = [complaint for complaint in ends if complaint]
        self.hosts.update(host for host, complaint in zip(hosts, ends, strict=True) if not complaint)
        return complaints + await self._join()

    async def _start_one(self, host: str, node: str) -> str:
        try:
            await in_time(self._fleet.start(host, node), START_TIMEOUT_S)
        except Unavailable as error:
            logger.warning("Host %s did not start: %s", host, error)
            with suppress(Unavailable):
                await self._fleet.end(host)
            return f"{host} did not start: {error}"
        self._versions[host] = self._version
        return ""

    async def _join(self) -> list[str]:
        """Have the directory know all hosts. It finds them by itself too, but not as soon."""
        if absent := sorted(self.hosts.difference(self._directory.hosts)):
            try:
                await self._directory.join(*absent)
            except Unavailable as error:
                return [f"not all of {', '.join(absent)} answer: {error}"]
        return []

    async def _drain(self, hosts: Sequence[str]) -> list[str]:
        """The hosts of a node that leaves: their shards go elsewhere, as long as there is a place."""
        leaving = [host for host in hosts if host in self._directory.hosts and host not in self._directory.draining]
        if leaving:
            try:
                await self._directory.drain(*leaving)
            except (CannotDrain, Unavailable) as error:
                return [f"{', '.join(leaving)} can't be drained: {error}"]
        return []

    async def _replace(self, wanted: Mapping[str, str]) -> list[str]:
        """Replace what was started with something else, one host after the other: the others sell meanwhile."""
        complaints: list[str] = []
        for host in sorted(self.hosts):
            if complaints:
                break
            try:
                if host not in self._versions:
                    self._versions[host] = await in_time(self._fleet.version(host), PING_TIMEOUT_S)
            except Unavailable as error:
                complaints.append(f"{host} does not answer: {error}")
                continue
            if self._versions[host] != self._version:
                logger.info("Host %s is replaced: it runs %s, not %s", host, self._versions[host], self._version)
                await self._retire(host, alive=True)
                complaints += await self._start([host], wanted)
        return complaints

    async def _retire(self, host: str, *, alive: bool) -> None:
        """End a host, after its shards have moved if there is a place for them."""
        if alive:
            with suppress(CannotDrain, Unavailable):
                await self._directory.drain(host)
        self.hosts.discard(host)
        self._versions.pop(host, None)
        await self._directory.forget(host)
        await self._fleet.end(host)
