"""A server that fails as networks and providers do, at the requests that it is told to fail at."""

import asyncio
from enum import StrEnum

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Fault(StrEnum):
    BEFORE = "500 and nothing was done"
    AFTER = "500 after it was done"
    LOST = "done, and the answer is lost"
    SLOW = "done after a while"
    DOUBLED = "the network delivers the request twice"


SLOW_S = 0.05


class Misbehaving:
    """An ASGI application around another; `fail` is told the end of a path and what happens to requests there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._faults: list[tuple[str, Fault]] = []

    def fail(self, path_end: str, *faults: Fault) -> None:
        """The next requests whose path ends so fail, each in its turn; those after them work."""
        self._faults += [(path_end, fault) for fault in faults]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._fault_of(scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault is Fault.BEFORE:
            await _refuse(send)
            return
        body = (await receive())["body"]
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        if fault in (Fault.SLOW, Fault.DOUBLED):
            if fault is Fault.DOUBLED:
                await self._app(scope, _saying(body), _unheard)
            await self._app(scope, _saying(body), send)
            return
        await self._app(scope, _saying(body), _unheard)
        if fault is Fault.LOST:
            raise httpx.ReadTimeout("the answer got lost")
        await _refuse(send)

    def _fault_of(self, path: str) -> Fault | None:
        for index, (end, fault) in enumerate(self._faults):
            if path.endswith(end):
                del self._faults[index]
                return fault
        return None


def _saying(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _unheard(_message: Message) -> None:
    """Nobody hears it."""


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"error": {"type": "api_error", "message": "oops"}}'})
