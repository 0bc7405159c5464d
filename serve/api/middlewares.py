"""What surrounds every answer, whichever route or fault made it. Plain ASGI: one closure per request."""

import logging
import time
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..request_ids import REQUEST_ID_HEADER, request_id_of
from .answers import HttpAnswer, RawHeaders
from .problems import problem

DATA_HEADERS: Sequence[tuple[bytes, bytes]] = ((b"x-content-type-options", b"nosniff"),)
"""What an answer needs that no page can be made of: nothing but a script of a page ever sees it."""
SECURITY_HEADERS: Sequence[tuple[bytes, bytes]] = (
    *DATA_HEADERS,
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Answers are data: a browser that is made to show one runs and loads nothing.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
NOT_KEPT = (b"cache-control", b"no-store")
"""Carts and orders are nobody else's; a route whose answer may be kept says so itself."""
DEFAULT_HEADERS: Sequence[tuple[bytes, bytes]] = (*SECURITY_HEADERS, NOT_KEPT)

logger = logging.getLogger("doorbuster.api")


class Frame:
    """Gives every answer a request id and security headers, answers HEAD like GET, and faults with a problem.

    The request id is the client's own if it is sane, and is found in `scope["state"]["request_id"]`. `heard` is told
    the status of each answer when it begins, and the seconds until then.
    """

    def __init__(
        self,
        app: ASGIApp,
        new_id: Callable[[], str],
        *,
        heard: Callable[[Scope, int, float], None] = lambda _scope, _status, _seconds: None,
        names_requests: bool = True,
    ) -> None:
        self._app = app
        self._new_id = new_id
        self._heard = heard
        self._names_requests = names_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope) or self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        is_head = scope["method"] == "HEAD"
        # A stream never ends by itself: it has to know that nobody wants its body.
        scope["state"]["is_head"] = is_head
        inner = {**scope, "method": "GET"} if is_head else scope
        started = False
        begun = time.perf_counter()

        async def send_framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._heard(inner, message["status"], time.perf_counter() - begun)
                message["headers"] = self._framed(message.get("headers", ()), request_id)
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        try:
            await self._app(inner, receive, send_framed)
        except Exception:
            logger.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            if started:
                # Half an answer is out: only cutting the connection tells the client that it isn't whole.
                raise
            await send_answer(problem("internal-error"), send_framed)

    def _framed(self, headers: Sequence[tuple[bytes, bytes]], request_id: str) -> RawHeaders:
        given = {name for name, _ in headers}
        framed = [*headers, *(header for header in DEFAULT_HEADERS if header[0] not in given)]
        if self._names_requests:
            framed.append((REQUEST_ID_HEADER, request_id.encode()))
        return framed


async def send_answer(given: HttpAnswer, send: Send) -> None:
    """Send the answer as ASGI messages."""
    await send({"type": "http.response.start", "status": given.status, "headers": given.headers})
    await send({"type": "http.response.body", "body": given.body})
