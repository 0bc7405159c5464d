"""Carries httpx's requests to an ASGI application of this process.

Like `httpx.ASGITransport`, which looks for trio anew at each request: that took as long as a request to the shop.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.types import ASGIApp, Message


class Wire(httpx.AsyncBaseTransport):
    """Hands a body on piece by piece; or `in_one_piece`, as a server does with a small one."""

    def __init__(self, app: ASGIApp, *, in_one_piece: bool = False) -> None:
        self._app = app
        self._in_one_piece = in_one_piece

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        pieces = whole(request) if self._in_one_piece else piece_by_piece(request.stream)
        answered = asyncio.Event()
        start: Message = {}
        body: list[bytes] = []

        async def receive() -> Message:
            try:
                return await anext(pieces)
            except StopAsyncIteration:
                await answered.wait()
                return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                assert not start
                start.update(message)
            elif message["type"] == "http.response.body":
                assert not answered.is_set()
                if request.method != "HEAD":
                    body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    answered.set()

        url = request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 123),
            "root_path": "",
        }
        await self._app(scope, receive, send)
        assert answered.is_set()
        return httpx.Response(
            start["status"], headers=start.get("headers", []), stream=httpx.ByteStream(b"".join(body))
        )


async def whole(request: httpx.Request) -> AsyncIterator[Message]:
    yield {"type": "http.request", "body": await request.aread(), "more_body": False}


async def piece_by_piece(body: httpx.AsyncByteStream) -> AsyncIterator[Message]:
    async for piece in body:
        yield {"type": "http.request", "body": piece, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}
