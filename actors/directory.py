"""Which host runs which shard. Only a table: the truth about ownership is the epoch in the journal. A directory that
lost its memory, or is wrong, learns the truth from what the hosts say that they run, and in which epoch."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple, Protocol

from .calls import in_time
from .errors import CannotDrain, Unavailable

PING_EVERY_S = 0.25
PING_TIMEOUT_S = 2.0
"""A host that doesn't answer that long loses its shards. A dead process is known much sooner: its call fails."""
GIFT_TIMEOUT_S = 2.0
"""A host that hasn't taken or left shards by then may do so yet: its next answer to a ping tells."""

logger = logging.getLogger("doorbuster.actors")


class Owned(NamedTuple):
    """What a host says of itself."""

    epochs: Mapping[int, int]
    """The shards that it runs now, each with its epoch."""
    draining: bool = False
    """Whether it was told that it shall run none: hosts remember it for a directory that begins anew."""


class HostControl(Protocol):
    """What the directory asks of a host. Every call may raise `Unavailable`."""

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        """Take these shards over; the answer tells the epochs of all that it runs."""
        ...

    async def disown(self, shards: Sequence[int]) -> None: ...

    async def owned(self) -> Owned:
        """What the host runs now; also how it shows that it is alive."""
        ...

    async def set_draining(self, draining: bool) -> None:
        """Remember whether the host drains."""
        ...


def volume_of_its_own(shard: int) -> int:
    """No two shards share a volume."""
    return shard


def plan(
    current: Mapping[int, str | None],
    hosts: Sequence[str],
    exclusive: Collection[int],
    volume_of: Callable[[int], int] = volume_of_its_own,
) -> dict[int, str]:
    """Which host should run each shard: evenly, with as few moves as that takes.

    A host of an `exclusive` shard runs no ordinary one, unless every host has an exclusive shard. Shards of one volume
    stay together, so that no two hosts wait for each other's commits, unless that would leave a host without work.
    """
    wanted: dict[int, str] = {}
    loads = {host: [shard for shard, owner in current.items() if owner == host] for host in hosts}
    taken: set[str] = set()
    for shard in sorted(exclusive):
        owner = current[shard]
        # A host that is free of others, and with the fewest ordinary shards to move away.
        host = owner if owner in loads else min(hosts, key=lambda name: (name in taken, len(loads[name])))
        wanted[shard] = host
        taken.add(host)
    shared = [host for host in hosts if host not in taken] or list(hosts)
    kept: dict[str, list[list[int]]] = {host: [] for host in shared}
    homeless = []
    for unit in _units([shard for shard in current if shard not in exclusive], len(shared), volume_of):
        owners = Counter(owner for shard in unit if (owner := current[shard]) is not None and owner in kept)
        if owners:
            kept[owners.most_common(1)[0][0]].append(unit)
        else:
            homeless.append(unit)
    load = {host: sum(map(len, units)) for host, units in kept.items()}
    for unit in homeless:
        least = min(shared, key=lambda name: load[name])
        kept[least].append(unit)
        load[least] += len(unit)
    while True:
        most, least = (pick(shared, key=lambda name: load[name]) for pick in (max, min))
        if not kept[most] or load[most] - load[least] <= len(kept[most][-1]):
            break
        unit = kept[most].pop()
        kept[least].append(unit)
        load[most] -= len(unit)
        load[least] += len(unit)
    for host, units in kept.items():
        wanted |= dict.fromkeys(chain.from_iterable(units), host)
    return wanted


def _units(shards: Iterable[int], hosts: int, volume_of: Callable[[int], int]) -> list[list[int]]:
    """What moves as a whole: the shards of a volume, or where those are too few for the hosts, each shard."""
    volumes: dict[int, list[int]] = {}
    for shard in shards:
        volumes.setdefault(volume_of(shard), []).append(shard)
    return list(volumes.values()) if len(volumes) >= hosts else [[shard] for shard in chain(*volumes.values())]


class Directory:
    """Gives shards to hosts, evenly, and a dead host's shards to the living at once."""

    def __init__(
        self,
        shards: Iterable[int],
        control_of: Callable[[str], HostControl],
        *,
        volume_of: Callable[[int], int] = volume_of_its_own,
    ) -> None:
        self._control_of = control_of
        self._volume_of = volume_of
        self._host_of: dict[int, str | None] = dict.fromkeys(shards)
        self._hosts: dict[str, HostControl] = {}
        self._epoch_of: dict[int, int] = {}
        self._exclusive: set[int] = set()
        # Also of hosts that died: what comes back under the same name drains on.
        self._draining: set[str] = set()
        self._version = 0
        # Decisions are made one at a time; each waits for hosts, so another could begin in between.
        self._deciding = asyncio.Lock()

    def table(self) -> tuple[int, dict[int, str]]:
        """The table's version and the host of each shard that has one."""
        return self._version, {shard: host for shard, host in self._host_of.items() if host is not None}

    @property
    def homeless(self) -> list[int]:
        """The shards that no host runs: their commands wait."""
        return [shard for shard, host in self._host_of.items() if host is None]

    @property
    def hosts(self) -> list[str]:
        """The hosts that are believed to live."""
        return sorted(self._hosts)

    @property
    def draining(self) -> list[str]:
        """The hosts that shall run no shard."""
        return sorted(self._draining)

    async def join(self, *hosts: str) -> None:
        """Hosts have started, or started again: each runs nothing unless it says so, and gets its share.

        Those that start together are told here together: the first would be given everything, to lose it again at
        once. Raises `Unavailable` if one doesn't answer; the others have joined then.
        """
        # Asked twice: one that has only just started takes a while to answer, or stands still, and others may die then.
        answers: list[Any] = await asyncio.gather(
            *(in_time(self._control_of(host).owned(), PING_TIMEOUT_S) for host in hosts), return_exceptions=True
        )
        awake = [host for host, answer in zip(hosts, answers, strict=True) if not isinstance(answer, BaseException)]
        async with self._deciding:
            answers += await asyncio.gather(*map(self._greet, awake), return_exceptions=True)
            await self._settle()
        await self._even_out()
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _greet(self, host: str) -> None:
        control = self._control_of(host)
        owned = await in_time(control.owned(), PING_TIMEOUT_S)
        self._hosts[host] = control
        if owned.draining:
            self._draining.add(host)
        await self._believe(host, owned)

    async def drain(self, *hosts: str) -> None:
        """Have these hosts run no shard from now on: theirs move to the others, one after the other.

        Raises `CannotDrain` if no other host is left or one isn't known, and then nothing has happened; `Unavailable`
        if one doesn't answer.
        """
        async with self._deciding:
            if unknown := sorted(set(hosts) - self._hosts.keys()):
                raise CannotDrain(f"no host is called {', '.join(unknown)}")
            if not self._hosts.keys() - self._draining - set(hosts):
                raise CannotDrain("no other host is left that could run the shards")
            self._draining.update(hosts)
            told = await asyncio.gather(*(self._tell_drains(host) for host in hosts), return_exceptions=True)
        await self._even_out()
        for answer in told:
            if isinstance(answer, BaseException):
                raise answer

    async def rebalance(self, *hosts: str) -> None:
        """End the drain of these hosts (of all, if none is named), and spread the shards evenly."""
        async with self._deciding:
            ended = self._draining & set(hosts or self._draining)
            self._draining -= ended
            living = [host for host in sorted(ended) if host in self._hosts]
            told = await asyncio.gather(*map(self._tell_drains, living), return_exceptions=True)
            await self._settle()
        await self._even_out()
        for answer in told:
            if isinstance(answer, BaseException):
                raise answer

    async def forget(self, host: str) -> None:
        """The host is ended for good; one that is started under its name begins anew."""
        if (control := self._hosts.get(host)) is not None:
            await self._lost(host, control, Unavailable("it is ended"))
        self._draining.discard(host)

    async def _tell_drains(self, host: str) -> None:
        await in_time(self._hosts[host].set_draining(host in self._draining), PING_TIMEOUT_S)

    async def add_exclusive(self) -> int:
        """A new shard, for a pinned entity, on a host that has nothing else to do where there are enough of them.

        Raises `Unavailable` if no host has taken it: nothing may move into a shard that only this table knows, for the
        next directory learns of shards from the journal.
        """
        async with self._deciding:
            shard = max(self._host_of, default=-1) + 1
            self._host_of[shard] = None
            self._exclusive.add(shard)
            await self._settle()
            if self._host_of[shard] is None:
                self._exclusive.discard(shard)
                raise Unavailable(f"no host has taken the new shard {shard}")
        await self._even_out()
        return shard

    async def share(self, shard: int) -> None:
        """The pinned shard's entity went home: its host may do other work again."""
        async with self._deciding:
            self._exclusive.discard(shard)
        await self._even_out()

    async def suspect(self, host: str) -> None:
        """Somebody could not reach the host: look after it."""
        control = self._hosts.get(host)
        if control is None:
            return
        try:
            owned = await in_time(control.owned(), PING_TIMEOUT_S)
            if self._surprises(host, owned):
                async with self._deciding:
                    # Asked again: shards may have come or gone, by our own decision, since the first answer; or the
                    # host was found lost.
                    if self._hosts.get(host) is control:
                        await self._believe(host, await in_time(control.owned(), PING_TIMEOUT_S))
                        await self._settle()
        except Unavailable as error:
            await self._lost(host, control, error)

    async def look_after(self, hosts: Collection[str]) -> None:
        """Find these hosts, again whenever one was lost, and watch them, for as long as the directory lives. Whoever
        passed them may change them meanwhile."""
        watching = asyncio.get_running_loop().create_task(self.watch())
        while not watching.done():
            if missing := [host for host in hosts if host not in self._hosts]:
                with suppress(Unavailable):
                    await self.join(*missing)
            await asyncio.sleep(PING_EVERY_S)

    async def watch(self) -> None:
        """Look after all hosts, for as long as the directory lives."""
        while True:
            await asyncio.gather(*(self.suspect(host) for host in self.hosts))
            if self.homeless and self._hosts:
                async with self._deciding:
                    await self._settle()
            await self._even_out()
            await asyncio.sleep(PING_EVERY_S)

    def _surprises(self, host: str, owned: Owned) -> bool:
        """Whether the host runs something else than the table says, or doesn't know whether it drains."""
        for shard, epoch in owned.epochs.items():
            if self._host_of.get(shard) != host:
                return True
            self._epoch_of[shard] = epoch
        if owned.draining != (host in self._draining):
            return True
        return any(owner == host and shard not in owned.epochs for shard, owner in self._host_of.items())

    async def _believe(self, host: str, owned: Owned) -> None:
        """Bring the table in line with what the host says. Of two hosts that claim one shard, the newer epoch runs it;
        the other doesn't know yet, and would go on answering questions from what it remembers."""
        stale = []
        claimed = owned.epochs
        for shard, epoch in claimed.items():
            known = self._epoch_of.get(shard, 0)
            if shard not in self._host_of:
                # Made for a pinned entity, before this directory began.
                self._exclusive.add(shard)
            if epoch > known or (epoch == known and self._host_of.get(shard) in (None, host)):
                self._host_of[shard] = host
                self._epoch_of[shard] = epoch
            elif self._host_of.get(shard) != host:
                stale.append(shard)
        for shard, owner in self._host_of.items():
            if owner == host and shard not in claimed:
                self._host_of[shard] = None
        self._version += 1
        if stale:
            logger.warning("Host %s still runs shards %s, which have newer owners", host, stale)
            await in_time(self._hosts[host].disown(stale), GIFT_TIMEOUT_S)
        if owned.draining != (host in self._draining):
            await self._tell_drains(host)

    async def _lost(self, host: str, control: HostControl, error: Exception) -> None:
        async with self._deciding:
            # It was found lost by another call, and may have joined anew: then this one says nothing of its successor.
            if self._hosts.get(host) is not control:
                return
            del self._hosts[host]
            logger.warning("Host %s is lost (%s); its shards go to the others", host, error)
            for shard, owner in self._host_of.items():
                if owner == host:
                    self._host_of[shard] = None
            self._version += 1
            await self._settle()

    def _plan(self) -> dict[int, str]:
        """Who should run what. If every host drains, they go on: better than that nobody does."""
        takers = [host for host in self.hosts if host not in self._draining]
        return plan(self._host_of, takers or self.hosts, self._exclusive, self._volume_of)

    async def _settle(self) -> None:
        """Give the shards away that have no host: somebody waits for them."""
        if not self._hosts:
            return
        wanted = self._plan()
        gifts: dict[str, list[int]] = {}
        for shard, owner in self._host_of.items():
            if owner is None:
                gifts.setdefault(wanted[shard], []).append(shard)
        await asyncio.gather(*(self._give(host, shards) for host, shards in gifts.items()))

    async def _even_out(self) -> None:
        """Move shards to where the plan wants them, a volume at a time: one short pause for all its shards, and no two
        hosts that wait for each other's commits. Each move is decided anew, and for itself: the shards of a host that
        dies meanwhile don't wait for the moves that are left."""
        for _ in range(len(self._host_of)):
            async with self._deciding:
                if not self._hosts:
                    return
                moves: dict[tuple[int, str, str], list[int]] = {}
                wanted = self._plan()
                for shard, owner in self._host_of.items():
                    if owner is not None and owner != wanted[shard]:
                        moves.setdefault((self._volume_of(shard), owner, wanted[shard]), []).append(shard)
                if not moves:
                    return
                (_, source, target), shards = next(iter(moves.items()))
                await self._move(shards, source, target)

    async def _give(self, host: str, shards: Sequence[int]) -> None:
        try:
            epochs = await in_time(self._hosts[host].own(shards), GIFT_TIMEOUT_S)
        except Unavailable as error:
            # The watch gives them again, or finds the host dead.
            logger.warning("Host %s did not take shards %s: %s", host, list(shards), error)
            return
        for shard in shards:
            self._host_of[shard] = host
            self._epoch_of[shard] = epochs.get(shard, self._epoch_of.get(shard, 0))
        self._version += 1

    async def _move(self, shards: Sequence[int], source: str, target: str) -> None:
        """Clients hear `NotMine` until the target has them: a moment, in which they wait and ask again."""
        try:
            await in_time(self._hosts[source].disown(shards), GIFT_TIMEOUT_S)
        except Unavailable as error:
            logger.info("Host %s did not let go of shards %s; the new epoch will make it: %s", source, shards, error)
        self._host_of.update(dict.fromkeys(shards))
        await self._give(target, shards)
