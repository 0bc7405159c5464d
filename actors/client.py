"""What everyone else holds: send a command to an entity, wherever it lives."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.kernel import Command, Reply

from .envelope import Address, Receiver
from .errors import JournalAway, Moved, NotMine, Overloaded, Unavailable
from .host import Host
from .journals.port import Entry
from .moves import Leave
from .placement import shard_of
from .sheaf import COMMANDS_PER_SHEAF, Replies, Sheaf
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

    async def watch(self, kind: str, watcher: Watcher, on_gap: Callable[[], None] | None = None) -> None:
        """As `Client.watch`."""
        ...


class Client:
    """Sends commands and reads histories.

    A command that was not answered is sent again until the deadline: every command carries an id of its own or is
    harmless to repeat, so a first try that did happen only makes the retry hear its answer. Then `Unavailable` is
    raised. A full queue (`Overloaded`) is told at once: waiting would only make it longer. So is `JournalAway`: nobody
    knows for how long.
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
            except (Overloaded, JournalAway):
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

        They travel in sheaves: the way for importers and relays, which have many at hand.
        """
        replies: list[Reply] = []
        for start in range(0, len(commands), COMMANDS_PER_SHEAF):
            sheaf = Sheaf(list(commands[start : start + COMMANDS_PER_SHEAF]))
            answered = await self.send(kind, key, sheaf, deadline_s=deadline_s)
            assert isinstance(answered, Replies)
            replies += answered.in_order()
        return replies

    async def history(self, kind: str, key: str, *, after_version: int = 0, limit: int = 100) -> Sequence[Entry]:
        """The entity's journal entries with a version greater than `after_version`, oldest first."""
        if self._host is not None:
            return await self._host.history(kind, key, after_version=after_version, limit=limit)
        assert self._remote is not None
        return await self._remote.history(kind, key, after_version=after_version, limit=limit)

    async def watch(self, kind: str, watcher: Watcher, on_gap: Callable[[], None] | None = None) -> None:
        """Call `watcher` with (key, version, view) after commits of entities of that kind, wherever they live.

        Only the newest state matters: of several quick commits a watcher far away may hear the last alone. `on_gap`
        is called when commits may have been missed.
        """
        if self._host is not None:
            self._host.watch_view(kind, watcher)
        if self._remote is not None:
            await self._remote.watch(kind, watcher, on_gap)

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
