"""A stream of server-sent events as a response: every stream of the shop is one of these."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.types import Receive, Scope, Send

from .streams import Sending, Streams

RECONNECT_MS = 2_000
BEGINNING = b"retry: %d\n\n" % RECONNECT_MS
STILL_HERE = b": still here\n\n"
MEDIA_TYPE = "text/event-stream"
LF = "\n"


def event(name: str, data: str | dict[str, str], id: str | None = None) -> bytes:
    """One event; data that isn't JSON yet becomes it."""
    text = data if isinstance(data, str) else json.dumps(data)
    return ServerSentEvent(text, event=name, id=id, sep=LF).encode()


class EventStream(EventSourceResponse):
    """Sends what the iterator yields until it ends, the client goes away, or it reads too slowly."""

    def __init__(self, streams: Streams, kind: str, address: str, events: AsyncGenerator[bytes]) -> None:
        self._sending = Sending()
        # Signs of life come from the iterator, which knows when it was silent, and who reads too slowly is found by a
        # look at all streams now and then: a task and a timer for each would cost as much as the rest.
        super().__init__(_marked(streams, self._sending, events), ping=0, sep=LF)
        self._streams = streams
        self._kind = kind
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("state", {}).get("is_head"):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        self._sending.hangs_up, self._sending.cut = hangs_up_of(receive), cut_of(receive)
        with self._streams.opened(self._kind, self._address, self._sending):
            await super().__call__(scope, receive, send)


def hangs_up_of(receive: Receive) -> Callable[[], bool] | None:
    """Tells whether uvicorn means to close the connection after this response: so it does when it stops. None where
    another server runs, whose streams end by themselves."""
    connection: Any = getattr(receive, "__self__", None)
    if not hasattr(connection, "keep_alive"):
        return None
    return lambda: not connection.keep_alive


def cut_of(receive: Receive) -> Callable[[], None]:
    """Closes the connection without waiting for what is still to be sent over it."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    return transport.abort if transport is not None else lambda: None


async def _marked(streams: Streams, sending: Sending, changes: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The beginning of a stream, then what `changes` yields: nothing (b"") for each time that it was silent. While
    something is on its way to the client, it is marked."""
    loop = asyncio.get_running_loop()
    sending.since = loop.time()
    yield BEGINNING
    async with aclosing(changes) as following:
        sending.since = 0.0
        async for change in following:
            streams.told += 1
            sending.since = loop.time()
            yield change or STILL_HERE
            sending.since = 0.0
