"""A client that holds a stream open, as a browser's EventSource does, and reads its events."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from starlette.types import ASGIApp, Message

WITHIN_S = 5.0


class Heard(NamedTuple):
    """An event."""

    name: str
    data: Any
    id: str


class Connection:
    """The server's end of it, as uvicorn has it: `keep_alive` is taken back when the server stops."""

    def __init__(self) -> None:
        self.keep_alive = True
        self.transport = self
        self.was_cut = False
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    def abort(self) -> None:
        self.was_cut = True
        self.gone.set()


class Listener:
    """One open stream; used as `async with`."""

    def __init__(self, app: ASGIApp, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> None:
        self._app = app
        path, _, query = path.partition("?")
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("203.0.113.7", 40_000),
            "server": ("shop", 80),
        }
        self.connection = Connection()
        self.reading = asyncio.Event()
        self.reading.set()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = False
        self._text = b""
        self._more = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._app(self._scope, self.connection.receive, self._take))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.connection.gone.set()
        await asyncio.wait([self._task], timeout=WITHIN_S)
        assert self._task.done(), "who is gone is let go"

    async def next(self) -> Heard:
        """The next event; comments are passed over."""
        while True:
            block = await self._block()
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in fields:
                return Heard(fields["event"], json.loads(fields["data"]), fields.get("id", ""))

    async def comment(self) -> str:
        """The next comment; events are passed over."""
        while not (block := await self._block()).startswith(":"):
            pass
        return block

    async def end(self) -> None:
        """Wait until the server ends the stream."""
        async with asyncio.timeout(WITHIN_S):
            await self._task

    async def _block(self) -> str:
        async with asyncio.timeout(WITHIN_S):
            while b"\n\n" not in self._text:
                self._more.clear()
                await self._more.wait()
        block, _, self._text = self._text.partition(b"\n\n")
        return block.decode()

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        await self.reading.wait()
        self._text += message.get("body", b"")
        self.ended = not message.get("more_body", False)
        self._more.set()
