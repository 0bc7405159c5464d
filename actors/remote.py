"""The way to hosts of other processes: coalesces whatever waits for one host into one call."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Protocol
from uuid import uuid4

from engine.kernel import Command

from .calls import in_time
from .codec import KindCodec
from .envelope import Receiver
from .errors import JournalAway, Moved, NotMine, Overloaded, Unavailable
from .journals.port import Entry
from .volume import Watcher
from .wire import (
    ANSWER,
    JOURNAL_AWAY,
    MOVED,
    NOT_MINE,
    OVERLOADED,
    REJECTED,
    Exchange,
    WireCommand,
    decode_ready,
    decode_sentence,
    decode_shard,
    encode,
)

MAX_CALLS_IN_FLIGHT = 4
"""Calls to one host at a time: enough to keep it busy while replies travel, few enough that commands gather."""
MAX_COMMANDS_PER_CALL = 2_048
MAX_PENDING = 16_384
"""Commands to one host that may wait for a reply; more are refused as `Overloaded`."""
CALL_TIMEOUT_S = 3.0
"""A host answers every exchange within `doorway.HOLD_S`, or it is stopped, cut off or dead, and may never tell."""
WATCHED_AGAIN_EVERY_S = 0.5
"""How soon a watcher hears again after a host died or shards moved."""
REFRESH_EVERY_S = 0.05
"""However many commands fail at once, the directory is asked this often at most."""

_ERROR_OF: dict[int, type[Unavailable]] = {OVERLOADED: Overloaded, NOT_MINE: NotMine, JOURNAL_AWAY: JournalAway}

logger = logging.getLogger("doorbuster.actors")


class HostLink(Protocol):
    """A way to one host. Every call may raise `Unavailable`; it may have happened all the same."""

    async def exchange(self, data: bytes) -> bytes: ...

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]: ...


class DirectoryLink(Protocol):
    """A way to the directory."""

    async def table(self) -> tuple[int, dict[int, str]]:
        """The table's version, and the host of each shard."""
        ...

    async def suspect(self, host: str) -> None:
        """Tell that a host does not answer."""
        ...


class RemoteHosts:
    """All hosts of the cluster, reached by shard."""

    def __init__(
        self,
        codecs: Mapping[str, KindCodec],
        directory: DirectoryLink,
        link_to: Callable[[str], HostLink],
        *,
        name: str = "",
        pace_s: float = 0.0,
        bulletins_every_s: float = 0.0,
    ) -> None:
        """`name` tells this client from all others, as long as hosts remember it; one is made up if none is given.

        Where a host's process shall be woken less often: commands leave every `pace_s` at most, and what is watched is
        asked for every `bulletins_every_s`.
        """
        self._codecs = codecs
        self._directory = directory
        self._link_to = link_to
        self._name = name or uuid4().hex
        self._lines_made = count(1)
        self._host_of: dict[int, str] = {}
        self._lines: dict[str, _Line] = {}
        self._pace_s = pace_s
        self._bulletins_every_s = bulletins_every_s
        self._watchers: dict[str, list[Watcher]] = {}
        self._gap_watchers: list[Callable[[], None]] = []
        self._gap = False
        self._keeping: asyncio.Task[None] | None = None
        self._refreshed_at = 0.0
        self._refreshing = asyncio.Lock()

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
        """As `Host.submit`; the command leaves with the next call to its host."""
        host = self._host_of.get(shard)
        if host is None:
            raise NotMine(f"no host is known for shard {shard} yet")
        self._line(host).submit(shard, kind, key, command, receiver, deadline, settle_until)

    async def history(self, kind: str, key: str, *, after_version: int, limit: int) -> Sequence[Entry]:
        """As `Host.history`; every host can read every shard."""
        if not self._host_of:
            await self.refresh()
        for host in dict.fromkeys(self._host_of.values()):
            try:
                return await in_time(self._link_to(host).history(kind, key, after_version, limit), CALL_TIMEOUT_S)
            except Unavailable as error:
                logger.info("Host %s could not read a history: %s", host, error)
        raise Unavailable("no host answers")

    async def refresh(self) -> None:
        """Ask the directory who runs what, unless that was done a moment ago."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._refreshing:
            if self._refreshed_at > asked_at - REFRESH_EVERY_S:
                return
            try:
                _, host_of = await in_time(self._directory.table(), CALL_TIMEOUT_S)
                self._gap = self._gap or host_of != self._host_of
                self._host_of = host_of
            except Unavailable as error:
                logger.info("The directory does not answer, the last table stays in use: %s", error)
            self._refreshed_at = loop.time()
        if self._watchers:
            for host in dict.fromkeys(self._host_of.values()):
                self._line(host).watch(self._watchers)

    async def watch(self, kind: str, watcher: Watcher, on_gap: Callable[[], None] | None = None) -> None:
        """Call `watcher` after every commit of an entity of that kind, on whichever host; newest states only.

        `on_gap` is called when commits may have been missed, because a host died or shards moved: what was heard
        before may be old.
        """
        self._watchers.setdefault(kind, []).append(watcher)
        if on_gap is not None:
            self._gap_watchers.append(on_gap)
        self._refreshed_at = 0.0
        await self.refresh()
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep_watching())

    async def _keep_watching(self) -> None:
        """Watch the hosts that run the shards now, also those that came to it without our asking."""
        while True:
            await asyncio.sleep(WATCHED_AGAIN_EVERY_S)
            await self.refresh()
            if self._gap:
                # After the new hosts were told that they are watched: whoever asks now hears of what comes later.
                self._gap = False
                for tell in self._gap_watchers:
                    tell()

    def _line(self, host: str) -> "_Line":
        line = self._lines.get(host)
        if line is None:
            # A line that failed is followed by another, and the host may still have answers for the first, which an
            # exchange that is still open would bring: to the host each line is a client by itself.
            client = f"{self._name}/{next(self._lines_made)}"
            line = self._lines[host] = _Line(
                host,
                self._link_to(host),
                client,
                self._codecs,
                self._failed,
                pace_s=self._pace_s,
                bulletins_every_s=self._bulletins_every_s,
            )
        return line

    async def _failed(self, line: "_Line") -> None:
        """A call to the host failed: the next one makes a new link, and the directory should look after it."""
        host = line.host
        if self._lines.get(host) is not line:
            # Another of its calls failed before: nothing new.
            return
        del self._lines[host]
        self._gap = True
        try:
            await in_time(self._directory.suspect(host), CALL_TIMEOUT_S)
        except Unavailable as error:
            logger.info("The directory can't be told about host %s: %s", host, error)

    async def close(self) -> None:
        """Stop waiting for anything."""
        if self._keeping is not None:
            self._keeping.cancel()
        for line in self._lines.values():
            await line.close()


class _Pending:
    __slots__ = ("kind", "receiver")

    def __init__(self, kind: str, receiver: Receiver) -> None:
        self.kind = kind
        self.receiver = receiver


class _Line:
    """Everything between this client and one host."""

    def __init__(
        self,
        host: str,
        link: HostLink,
        client: str,
        codecs: Mapping[str, KindCodec],
        on_failure: Callable[["_Line"], Awaitable[None]],
        *,
        pace_s: float,
        bulletins_every_s: float,
    ) -> None:
        self.host = host
        self._link = link
        self._client = client
        self._next_id = 0
        self._codecs = codecs
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._pending: dict[int, _Pending] = {}
        self._outgoing: list[WireCommand] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._exchanges = 0
        self._known = False
        self._pump_scheduled = False
        self._watchers: Mapping[str, list[Watcher]] = {}
        self._to_watch: list[str] = []
        self._failed = False
        self._pace_s = pace_s
        self._bulletins_every_s = bulletins_every_s
        self._called_at = float("-inf")
        self._listening: asyncio.TimerHandle | None = None

    def submit(
        self,
        shard: int,
        kind: str,
        key: str,
        command: Command,
        receiver: Receiver,
        deadline: float,
        settle_until: float,
    ) -> None:
        if len(self._pending) >= MAX_PENDING:
            raise Overloaded(f"{MAX_PENDING} commands wait for host {self.host} already")
        clock = self._loop.time()
        settle_ms = max(1, int((settle_until - clock) * 1_000)) if settle_until else 0
        self._next_id += 1
        self._pending[self._next_id] = _Pending(kind, receiver)
        remaining_ms = int((deadline - clock) * 1_000)
        self._outgoing.append(WireCommand(self._next_id, shard, kind, key, remaining_ms, settle_ms, command))
        self._schedule()

    def watch(self, watchers: Mapping[str, list[Watcher]]) -> None:
        """Keep a call open for bulletins of these kinds."""
        self._to_watch += [kind for kind in watchers if kind not in self._watchers]
        self._watchers = dict(watchers)
        self._schedule()

    async def close(self) -> None:
        self._listen_no_more()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _schedule(self) -> None:
        # Not at once: what else is sent in this round of the loop shall travel in the same call.
        if not self._pump_scheduled:
            self._pump_scheduled = True
            due = self._called_at + self._pace_s
            if self._pace_s and due > self._loop.time():
                self._loop.call_at(due, self._pump)
            else:
                self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_scheduled = False
        while self._outgoing and self._in_flight < MAX_CALLS_IN_FLIGHT:
            commands = self._outgoing[:MAX_COMMANDS_PER_CALL]
            del self._outgoing[:MAX_COMMANDS_PER_CALL]
            self._call(commands)
        if self._in_flight or self._failed:
            return
        if self._pending or self._to_watch or (self._watchers and not self._bulletins_every_s):
            self._call([])
        elif self._watchers and self._listening is None:
            self._listening = self._loop.call_later(self._bulletins_every_s, self._listen)

    def _listen(self) -> None:
        self._listening = None
        if not self._in_flight and not self._failed:
            self._call([])

    def _listen_no_more(self) -> None:
        if self._listening is not None:
            self._listening.cancel()

    def _call(self, commands: list[WireCommand]) -> None:
        watch, self._to_watch = self._to_watch, []
        self._in_flight += 1
        self._exchanges += 1
        self._called_at = self._loop.time()
        task = self._loop.create_task(self._exchange(encode(Exchange(self._client, commands, watch, self._exchanges))))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _exchange(self, data: bytes) -> None:
        try:
            ready = decode_ready(await in_time(self._link.exchange(data), CALL_TIMEOUT_S))
        except Unavailable as error:
            await self._fail(error)
            return
        self._in_flight -= 1
        for reply in ready.replies:
            pending = self._pending.pop(reply.id, None)
            if pending is None or pending.receiver.done():
                continue
            if reply.status in (ANSWER, REJECTED):
                codec = self._codecs[pending.kind]
                pending.receiver.set_result(codec.decode_reply(reply.body, rejected=reply.status == REJECTED))
            elif reply.status == MOVED:
                pending.receiver.set_exception(Moved(decode_shard(reply.body)))
            else:
                error_type = _ERROR_OF.get(reply.status, Unavailable)
                pending.receiver.set_exception(error_type(decode_sentence(reply.body)))
        for bulletin in ready.bulletins:
            view = self._codecs[bulletin.kind].decode_reply(bulletin.view, rejected=False)
            for watcher in self._watchers.get(bulletin.kind, ()):
                watcher(bulletin.key, bulletin.version, view)
        if ready.first and self._known:
            await self._fail(Unavailable("it has restarted"))
            return
        self._known = True
        self._schedule()

    async def _fail(self, error: Unavailable) -> None:
        """The host can't be reached: everything that waits for it is told, and may be sent again elsewhere."""
        self._failed = True
        self._listen_no_more()
        waiting, self._pending, self._outgoing = self._pending, {}, []
        for pending in waiting.values():
            if not pending.receiver.done():
                pending.receiver.set_exception(Unavailable(f"host {self.host} did not answer: {error.detail}"))
        await self._on_failure(self)
