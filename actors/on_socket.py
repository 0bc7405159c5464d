"""The way to a host that lives in another process of the same machine, past Ray: a call of Ray costs the host's process
ten times as much.

The socket is a file that only its owner may open, so nobody else has to be kept out.
"""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec

from engine.kernel import Kind

from .client import Client
from .codec import codecs_of
from .doorway import Doorway
from .errors import Unavailable
from .frames import Asking, Framed
from .host import Host
from .journals.port import Entry
from .remote import RemoteHosts

EXCHANGE, HISTORY, SHARDS = range(3)
"""What is asked."""
ONLY_THE_OWNER = 0o600
THE_HOST = "the host of this machine"
PACE_S = 0.008
"""Commands leave so often at most, so that some travel together, and the host's process is woken less often."""
BULLETINS_EVERY_S = 0.1
"""Of what only has to be heard some time: a hot product changes thousands of times a second."""

logger = logging.getLogger("doorbuster.actors")


class Call(msgspec.Struct, array_like=True, gc=False):
    """A question; `number` tells it from others of its connection."""

    number: int
    what: int
    body: bytes


class Answered(msgspec.Struct, array_like=True, gc=False):
    """What came of it: the answer, or why there is none."""

    number: int
    body: bytes
    error: str = ""


class _History(msgspec.Struct, array_like=True, gc=False):
    kind: str
    key: str
    after_version: int
    limit: int


_encode = msgspec.msgpack.Encoder().encode
_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_answered = msgspec.msgpack.Decoder(Answered).decode
_decode_history = msgspec.msgpack.Decoder(_History).decode
_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode
_decode_shards = msgspec.msgpack.Decoder(list[int]).decode


class _Answering(Framed):
    """The host's end."""

    def __init__(self, host: Host, doorway: Doorway, connections: "set[_Answering]") -> None:
        super().__init__()
        self._host = host
        self._doorway = doorway
        self._connections = connections
        self._under_way: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)

    def frame_received(self, frame: bytes) -> None:
        task = asyncio.create_task(self._answer(_decode_call(frame)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, call: Call) -> None:
        try:
            answered = Answered(call.number, await self._made(call))
        except Unavailable as error:
            answered = Answered(call.number, b"", str(error))
        except Exception as error:
            logger.exception("A call over the socket failed")
            answered = Answered(call.number, b"", f"{type(error).__name__}: {error}")
        self.write(_encode(answered))

    async def _made(self, call: Call) -> bytes:
        if call.what == EXCHANGE:
            return await self._doorway.exchange(call.body)
        if call.what == SHARDS:
            return _encode(sorted(self._host.owned))
        asked = _decode_history(call.body)
        return _encode(
            await self._host.history(asked.kind, asked.key, after_version=asked.after_version, limit=asked.limit)
        )

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        for task in self._under_way:
            task.cancel()


class Listening:
    """A host that can be reached."""

    def __init__(self, server: asyncio.Server, connections: set[_Answering]) -> None:
        self._server = server
        self._connections = connections

    def close(self) -> None:
        """Nobody reaches it any more."""
        self._server.close()
        for connection in list(self._connections):
            connection.close()


async def listen(host: Host, kinds: Mapping[str, Kind], path: Path) -> Listening:
    """Let other processes of this user reach the host at `path`, in the place of whoever was reached there before."""
    doorway = Doorway(host, codecs_of(kinds))
    connections: set[_Answering] = set()
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: _Answering(host, doorway, connections), sock=_bound(path)
    )
    return Listening(server, connections)


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    path.chmod(ONLY_THE_OWNER)
    return bound


class _Asking(Asking[bytes]):
    """The client's end."""

    def ask(self, what: int, body: bytes) -> "asyncio.Future[bytes]":
        number, answer = self.opened()
        self.write(_encode(Call(number, what, body)))
        return answer

    def frame_received(self, frame: bytes) -> None:
        told = _decode_answered(frame)
        answer = self.answered(told.number)
        if answer is None:
            return
        if told.error:
            answer.set_exception(Unavailable(told.error))
        else:
            answer.set_result(told.body)

    def ended(self) -> Exception:
        return Unavailable("its process ended")


class SocketHost:
    """Implements `HostLink` and `DirectoryLink`: where one process hosts everything, it is its own directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Asking | None = None
        self._connecting = asyncio.Lock()

    async def exchange(self, data: bytes) -> bytes:
        return await self._ask(EXCHANGE, data)

    async def history(self, kind: str, key: str, after_version: int, limit: int) -> Sequence[Entry]:
        asked = _History(kind, key, after_version, limit)
        return cast(Sequence[Entry], _decode_entries(await self._ask(HISTORY, _encode(asked))))

    async def table(self) -> tuple[int, dict[int, str]]:
        return 0, dict.fromkeys(_decode_shards(await self._ask(SHARDS, b"")), THE_HOST)

    async def suspect(self, host: str) -> None:
        """Whoever starts processes anew sees to it."""

    async def _ask(self, what: int, body: bytes) -> bytes:
        connection = self._connection
        if connection is None or connection.closed:
            connection = await self._connected()
        return await connection.ask(what, body)

    async def _connected(self) -> _Asking:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                loop = asyncio.get_running_loop()
                try:
                    _, self._connection = await loop.create_unix_connection(_Asking, str(self._path))
                except OSError as error:
                    raise Unavailable(f"{self._path.name}: {error.strerror}") from error
            return self._connection


def connect(kinds: Mapping[str, Kind], shards: int, path: Path) -> Client:
    """A client of the host that is reached at `path`, by and by if nobody is yet."""
    link = SocketHost(path)
    remote = RemoteHosts(codecs_of(kinds), link, lambda _host: link, pace_s=PACE_S, bulletins_every_s=BULLETINS_EVERY_S)
    return Client(shards, remote)
