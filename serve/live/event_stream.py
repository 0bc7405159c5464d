"""A stream of server-sent events as a response: every stream of the shop is one of these."""

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.types import Receive, Scope, Send

from .streams import Streams

SLOW_READER_S = 10.0
"""Whoever hasn't read for so long, with all buffers on the way full, is cut: a browser connects again by itself."""
RECONNECT_MS = 2_000
STILL_HERE = b": still here\n\n"
MEDIA_TYPE = "text/event-stream"
LF = "\n"

logger = logging.getLogger("doorbuster.live")


def event(name: str, data: str | dict[str, str], id: str | None = None) -> bytes:
    """One event; data that isn't JSON yet becomes it."""
    text = data if isinstance(data, str) else json.dumps(data)
    return ServerSentEvent(text, event=name, id=id, sep=LF).encode()


class EventStream(EventSourceResponse):
    """Sends what the iterator yields until it ends, the client goes away, or it reads too slowly."""

    def __init__(self, streams: Streams, kind: str, address: str, events: AsyncGenerator[bytes]) -> None:
        # Signs of life come from the iterator, which knows when it was silent; a task more for each would cost a third.
        super().__init__(_with_signs_of_life(streams, events), ping=0, sep=LF, send_timeout=SLOW_READER_S)
        self._streams = streams
        self._kind = kind
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("state", {}).get("is_head"):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._streams.opened(self._kind, self._address), self._streams.ended_by(hangs_up_of(receive)):
            try:
                await super().__call__(scope, receive, send)
            except SendTimeoutError:
                self._streams.dropped += 1
                logger.info("A stream was cut: its reader does not read")
                _cut(receive)


def hangs_up_of(receive: Receive) -> Callable[[], bool] | None:
    """Tells whether uvicorn means to close the connection after this response: so it does when it stops. None where
    another server runs, whose streams end by themselves."""
    connection: Any = getattr(receive, "__self__", None)
    if not hasattr(connection, "keep_alive"):
        return None
    return lambda: not connection.keep_alive


def _cut(receive: Receive) -> None:
    """Close the connection without waiting for what is still to be sent over it."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


async def _with_signs_of_life(streams: Streams, changes: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The beginning of a stream, then what `changes` yields: nothing (b"") for each time that it was silent."""
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    async with aclosing(changes) as following:
        async for change in following:
            streams.told += 1
            yield change or STILL_HERE
