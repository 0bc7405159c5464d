"""Requests at a steady rate, at little cost: a driver that takes a third of a core would measure itself.

An open loop: requests leave when they are due, whatever became of those before, and their times count from then. HTTP
is spoken by hand, as far as a shop that names the length of each answer needs it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from .errors import LoadTestError

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
STATUS = slice(9, 12)
"""Of an answer's first line, `HTTP/1.1 200 OK`."""
MOST_CONNECTIONS = 256
PATIENCE_S = 30.0


class Answer(NamedTuple):
    """What came back; status 0 where the connection ended before. `ms` is from when the request was due."""

    status: int
    body: bytes
    ms: float


class _Waiting(NamedTuple):
    request: bytes
    due: float
    hear: Callable[[Answer], None]


class OpenLoop:
    """Sends to one server, over as many connections as it takes."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\n".encode()
        self._idle: list[_Connection] = []
        self._connections: set[_Connection] = set()
        self._opening = 0
        self._waiting: deque[_Waiting] = deque()
        self._under_way = 0
        self._heard = asyncio.Event()
        self._tasks: set[asyncio.Future[None]] = set()

    def get(self, target: str) -> bytes:
        """A request for `target`."""
        return f"GET {target} HTTP/1.1\r\n".encode() + self._head + b"\r\n"

    def post(self, target: str, body: bytes, headers: str) -> bytes:
        """A request with a JSON body; `headers` are lines, each with its end."""
        lines = f"POST {target} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}"
        return lines.encode() + self._head + b"\r\n" + body

    async def drive(
        self, per_second: float, until: asyncio.Event, request: Callable[[], bytes], hear: Callable[[Answer], None]
    ) -> float:
        """Send `request()` at the rate until the event is set, and `hear` each answer; the seconds that it took."""
        began = due = time.monotonic()
        while not until.is_set():
            if (early_s := due - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
            self._send(_Waiting(request(), due, hear))
            due += 1 / per_second
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._under_way:
                    self._heard.clear()
                    await self._heard.wait()
        seconds = time.monotonic() - began
        self._close()
        return seconds

    def _send(self, waiting: _Waiting) -> None:
        self._under_way += 1
        if self._idle:
            self._idle.pop().send(waiting)
            return
        self._waiting.append(waiting)
        if len(self._connections) + self._opening < MOST_CONNECTIONS and self._opening < len(self._waiting):
            self._opening += 1
            opening = asyncio.ensure_future(self._open())
            self._tasks.add(opening)
            opening.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:
            if self._waiting:
                self.ended(self._waiting.popleft(), 0, b"")
            return
        finally:
            self._opening -= 1
        self._connections.add(connection)
        self.is_idle(connection)

    def is_idle(self, connection: "_Connection") -> None:
        """A connection has room for another request."""
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def ended(self, waiting: _Waiting, status: int, body: bytes) -> None:
        """An answer came, or its connection ended."""
        self._under_way -= 1
        self._heard.set()
        waiting.hear(Answer(status, body, (time.monotonic() - waiting.due) * 1_000))

    def lost(self, connection: "_Connection") -> None:
        """A connection ended."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _close(self) -> None:
        for connection in list(self._connections):
            connection.close()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, loop: OpenLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._under_way: _Waiting | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, waiting: _Waiting) -> None:
        self._under_way = waiting
        assert self._transport is not None
        self._transport.write(waiting.request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        head_end = buffer.find(END_OF_HEAD)
        if head_end < 0:
            return
        head = buffer[:head_end].lower()
        length_at = head.find(LENGTH)
        if length_at < 0:
            raise LoadTestError("an answer doesn't say how long it is")
        length = int(head[length_at + len(LENGTH) :].split(b"\r\n", 1)[0])
        body_at = head_end + len(END_OF_HEAD)
        if len(buffer) < body_at + length:
            return
        waiting, self._under_way, self._buffer = self._under_way, None, b""
        if waiting is not None:
            self._loop.ended(waiting, int(buffer[STATUS]), buffer[body_at : body_at + length])
        self._loop.is_idle(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._loop.lost(self)
        if self._under_way is not None:
            self._loop.ended(self._under_way, 0, b"")
            self._under_way = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
