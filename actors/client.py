"""What everyone else holds: send a command to an entity, wherever it lives."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from engine.kernel import Command, Reply

from .envelope import Address, Receiver
from .errors import Moved, NotMine, Overloaded, Unavailable
from .host import Host
from .journals.port import Entry
from .moves import Leave
from .placement import shard_of
from .volume import Watcher

DEADLINE_S = 10.0
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5


class Remote(Protocol):
    """The way to hosts of other processes; see `remote.RemoteHosts`."""

    def submit(
        self,
        shard: int,
        kind: str,
        key: str,
        command: Command,
        receiver: Receiver,
        deadline: float,
        settle_until: float = 0.0,
    ) -> None:
        """As `Host.submit`."""
        ...

    async def refresh(self) -> None:
        """Ask the directory again who runs what."""
        ...

    async def history(self, kind: str, key: str, *, after_version: int, limit: int) -> Sequence[Entry]:
        """As `Host.history`."""
        ...

    async def watch(self, kind: str, watcher: Watcher) -> None:
        """As `Client.watch`."""
        ...


class Client:
    """Sends commands and reads histories.

    A command that was not answered is sent again until the deadline: every command carries an id of its own or is
    harmless to repeat, so a first try that did happen only makes the retry hear its answer. Then `Unavailable` is
    raised. A full queue (`Overloaded`) is told at once: waiting would only make it longer.
    """

    def __init__(self, shards: int, remote: Remote | None = None) -> None:
        self._shards = shards
        self._host: Host | None = None
        self._remote = remote
        self._pinned: dict[Address, int] = {}

    def attach(self, host: Host) -> None:
        """The host of this very process: its shards are reached without a hop, a copy or an encoding.

        It comes second because a host needs a client, for its effects.
        """
        self._host = host

    async def send(
        self, kind: str, key: str, command: Command, *, deadline_s: float = DEADLINE_S, settle_s: float = 0.0
    ) -> Reply:
        """The reply of the entity. With `settle_s`, the reply once its process has settled, or how far it got then."""
        loop = asyncio.get_running_loop()
        clock = loop.time()
        deadline = clock + deadline_s
        settle_until = clock + settle_s if settle_s else 0.0
        pause = FIRST_PAUSE_S
        moved = False
        while True:
            future: asyncio.Future[Reply] = loop.create_future()
            shard = self.shard_of(kind, key)
            try:
                self._way_to(shard).submit(shard, kind, key, command, future, deadline, settle_until)
                return await future
            except Overloaded:
                raise
            except Moved as error:
                self._lives_in(kind, key, error.shard)
                if loop.time() > deadline:
                    raise
                if not moved:
                    moved = True
                    continue
                # Sent on a second time: the two shards don't agree yet.
            except Unavailable:
                if loop.time() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            if self._remote is not None:
                await self._remote.refresh()
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def send_all(
        self, kind: str, key: str, commands: Sequence[Command], *, deadline_s: float = DEADLINE_S
    ) -> list[Reply]:
        """Many commands to one entity, decided in their order; the replies in the same order. Errors as of `send`.

        They wait together and cost no task each: the way for importers and relays.
        """
        loop = asyncio.get_running_loop()
        together = _Together(loop, len(commands))
        shard = self.shard_of(kind, key)
        try:
            submit = self._way_to(shard).submit
            deadline = loop.time() + deadline_s
            for index, command in enumerate(commands):
                submit(shard, kind, key, command, together.receiver(index), deadline)
        except Unavailable as error:
            together.give_up(error)
        replies = await together.replies()
        for index, reply in enumerate(replies):
            # Those that were not answered are sent again one by one: that knows all the ways in which it can go wrong.
            if isinstance(reply, Unavailable):
                replies[index] = await self.send(kind, key, commands[index], deadline_s=deadline_s)
        return replies

    async def history(self, kind: str, key: str, *, after_version: int = 0, limit: int = 100) -> Sequence[Entry]:
        """The entity's journal entries with a version greater than `after_version`, oldest first."""
        if self._host is not None:
            return await self._host.history(kind, key, after_version=after_version, limit=limit)
        assert self._remote is not None
        return await self._remote.history(kind, key, after_version=after_version, limit=limit)

    async def watch(self, kind: str, watcher: Watcher) -> None:
        """Call `watcher` with (key, version, view) after commits of entities of that kind, wherever they live.

        Only the newest state matters: of several quick commits a watcher far away may hear the last alone.
        """
        if self._host is not None:
            self._host.watch_view(kind, watcher)
        if self._remote is not None:
            await self._remote.watch(kind, watcher)

    async def move(self, kind: str, key: str, shard: int) -> None:
        """Have the entity live in `shard` from now on: one of its own, or its home."""
        await self.send(kind, key, Leave(shard))
        self._lives_in(kind, key, shard)

    def _lives_in(self, kind: str, key: str, shard: int) -> None:
        if shard == self.home_of(key):
            self._pinned.pop((kind, key), None)
        else:
            self._pinned[kind, key] = shard

    def home_of(self, key: str) -> int:
        """The shard that owns the key unless it is pinned."""
        return shard_of(key, self._shards)

    def shard_of(self, kind: str, key: str) -> int:
        """The shard that the entity lives in, as far as is known here."""
        if self._pinned and (pinned := self._pinned.get((kind, key))) is not None:
            return pinned
        return shard_of(key, self._shards)

    def _way_to(self, shard: int) -> Host | Remote:
        host = self._host
        if host is not None and (self._remote is None or host.runs(shard)):
            return host
        if self._remote is None:
            raise NotMine("this process runs no shard")
        return self._remote


class _Together:
    """Waits for many replies with one future."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self._all = loop.create_future()
        self._replies: list[Any] = [None] * count
        self._missing = count
        if not count:
            self._all.set_result(None)

    def receiver(self, index: int) -> "_OneOfMany":
        return _OneOfMany(self, index)

    def put(self, index: int, reply: Any) -> None:
        self._replies[index] = reply
        self._missing -= 1
        if not self._missing and not self._all.done():
            self._all.set_result(None)

    def give_up(self, error: Unavailable) -> None:
        """Whatever wasn't submitted is taken as unanswered."""
        self._replies = [error if reply is None else reply for reply in self._replies]
        if not self._all.done():
            self._all.set_result(None)

    async def replies(self) -> list[Any]:
        await self._all
        return self._replies


class _OneOfMany:
    __slots__ = ("_index", "_together")

    def __init__(self, together: _Together, index: int) -> None:
        self._together = together
        self._index = index

    def done(self) -> bool:
        return False

    def set_result(self, reply: Any, /) -> None:
        self._together.put(self._index, reply)

    def set_exception(self, error: Any, /) -> None:
        self._together.put(self._index, error)
