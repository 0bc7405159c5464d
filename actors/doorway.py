"""A host's door for clients in other processes: takes messages of many commands, gives back whatever is ready."""

import asyncio
from collections.abc import Mapping

from engine.kernel import Answer, Command, Rejected, Reply

from .codec import KindCodec
from .envelope import NOBODY, Envelope
from .errors import JournalAway, Moved, NotMine, Overloaded, Unavailable
from .host import Host
from .volume import Watcher
from .wire import (
    ANSWER,
    JOURNAL_AWAY,
    MOVED,
    NOT_MINE,
    OVERLOADED,
    REJECTED,
    UNAVAILABLE,
    Bulletin,
    RawCommand,
    Ready,
    WireReply,
    decode_exchange,
    encode,
)

HOLD_S = 0.5
"""How long an exchange without anything ready is held open. A silent client is forgotten after several of these."""
FORGET_AFTER_S = 60.0
EXCHANGES_REMEMBERED = 8
"""For each client: more than it ever has open (`remote.MAX_CALLS_IN_FLIGHT`)."""

_STATUS_OF: dict[type[Exception], int] = {Overloaded: OVERLOADED, NotMine: NOT_MINE, JournalAway: JOURNAL_AWAY}


class _Caller:
    """One client in another process: what is ready for it, and its exchanges that wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.replies: list[WireReply] = []
        self.bulletins: dict[tuple[str, str], Bulletin] = {}
        self.watched: set[str] = set()
        self.seen_at = loop.time()
        self._waiting: list[asyncio.Future[None]] = []
        self._flush_scheduled = False
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._newest = 0

    def begin(self, number: int) -> "asyncio.Future[bytes] | None":
        """The answer, to be made, of the exchange with this number; None if that has come before: this is a copy.

        Raises `Unavailable` for one that so many others have overtaken that nobody knows any more.
        """
        if number in self._answers:
            return None
        if number <= self._newest - EXCHANGES_REMEMBERED:
            raise Unavailable(f"exchange {number} comes too late")
        self._newest = max(self._newest, number)
        answer = self._answers[number] = self._loop.create_future()
        if len(self._answers) > EXCHANGES_REMEMBERED:
            del self._answers[min(self._answers)]
        return answer

    async def answer_again(self, number: int) -> bytes:
        """The answer that the exchange got, or is about to get."""
        return await asyncio.shield(self._answers[number])

    def reply(self, reply: WireReply) -> None:
        self.replies.append(reply)
        self._something_is_ready()

    def tell(self, bulletin: Bulletin) -> None:
        """Only an entity's newest state matters: a slow watcher is never told an old one."""
        self.bulletins[bulletin.kind, bulletin.key] = bulletin
        self._something_is_ready()

    def _something_is_ready(self) -> None:
        # One wake-up a loop round: all replies of a turn leave in one message.
        if self._waiting and not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        while self._waiting:
            waiter = self._waiting.pop(0)
            if not waiter.done():
                waiter.set_result(None)
                return

    def release_waiting(self) -> None:
        """A newer exchange has come: it is the one to wait, so that a client's calls never all stand here."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def take_ready(self, *, first: bool) -> Ready:
        """Whatever is ready, waiting a moment if there is nothing; `first` of the client's exchanges or not."""
        if not self.replies and not self.bulletins:
            waiter = self._loop.create_future()
            self._waiting.append(waiter)
            try:
                async with asyncio.timeout(HOLD_S):
                    await waiter
            except TimeoutError:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
        self.seen_at = self._loop.time()
        replies, bulletins = self.replies, list(self.bulletins.values())
        self.replies, self.bulletins = [], {}
        return Ready(replies, bulletins, first)


class _WireEnvelope(Envelope):
    """A command from another process. Its reply goes among what is ready for its sender: one object does for the
    envelope and the receiver, because a busy host makes tens of thousands a second."""

    __slots__ = ("_caller", "_id")

    def __init__(self, caller: _Caller, wire: RawCommand, command: Command, clock: float) -> None:
        self.address = (wire.kind, wire.key)
        self.shard = wire.shard
        self.command = command
        self.receiver = NOBODY
        self.deadline = clock + wire.remaining_ms / 1_000
        self.settle_until = clock + wire.settle_ms / 1_000 if wire.settle_ms else 0.0
        self._caller = caller
        self._id = wire.id

    def reply(self, reply: Reply) -> None:
        self._caller.reply(WireReply(self._id, REJECTED if type(reply) is Rejected else ANSWER, reply))

    def fail(self, error: Exception) -> None:
        if isinstance(error, Moved):
            self._caller.reply(WireReply(self._id, MOVED, error.shard))
        else:
            self._caller.reply(WireReply(self._id, _STATUS_OF.get(type(error), UNAVAILABLE), str(error.args[0])))

    def again(self, deadline: float) -> Envelope:
        copy = _WireEnvelope.__new__(_WireEnvelope)
        for name in ("address", "shard", "command", "receiver", "_caller", "_id"):
            setattr(copy, name, getattr(self, name))
        copy.deadline, copy.settle_until = deadline, 0.0
        return copy


class Doorway:
    """Serves `exchange` for any number of clients.

    A reply that is lost on the way is not kept: its sender sends the command again, and gets the same answer.
    """

    def __init__(self, host: Host, codecs: Mapping[str, KindCodec]) -> None:
        self._host = host
        self._decoders = {kind: codec.decode_command for kind, codec in codecs.items()}
        self._loop = asyncio.get_running_loop()
        self._callers: dict[str, _Caller] = {}
        self._watched: set[str] = set()

    async def exchange(self, data: bytes) -> bytes:
        """Take the client's commands; answer with what is ready for it, to these or to earlier ones."""
        message = decode_exchange(data)
        caller = self._callers.get(message.client)
        first = caller is None
        if caller is None:
            self._forget_silent()
            caller = self._callers[message.client] = _Caller(self._loop)
        answer = caller.begin(message.number)
        if answer is None:
            # A copy that the network made must not take replies away: whichever is answered first, it is the same.
            return await caller.answer_again(message.number)
        for kind in message.watch:
            self._watch(caller, kind)
        clock = self._loop.time()
        host, decoders = self._host, self._decoders
        for wire in message.commands:
            envelope = _WireEnvelope(caller, wire, decoders[wire.kind](wire.command), clock)
            try:
                host.accept(envelope)
            except Unavailable as error:
                envelope.fail(error)
        caller.release_waiting()
        ready = encode(await caller.take_ready(first=first))
        answer.set_result(ready)
        return ready

    def _watch(self, caller: _Caller, kind: str) -> None:
        caller.watched.add(kind)
        if kind not in self._watched:
            self._watched.add(kind)
            self._host.watch_view(kind, self._teller(kind))

    def _teller(self, kind: str) -> Watcher:
        def tell(key: str, version: int, view: Answer) -> None:
            bulletin = Bulletin(kind, key, version, view)
            for caller in self._callers.values():
                if kind in caller.watched:
                    caller.tell(bulletin)

        return tell

    def _forget_silent(self) -> None:
        before = self._loop.time() - FORGET_AFTER_S
        for name in [name for name, caller in self._callers.items() if caller.seen_at < before]:
            del self._callers[name]
