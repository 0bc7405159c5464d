"""The lean way to the hottest routes: a purchase in its common form reaches the core without a framework between.

Whatever isn't the common form (another content type, a body in pieces, a broken one) goes to the application as it
came: one place words the errors, and the lean way can only ever be faster, never different.
"""

import logging

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .api.answers import HttpAnswer
from .api.middlewares import DEFAULT_HEADERS, SECURITY_HEADERS
from .api.problems import ProblemError, problem
from .api.purchase import purchase
from .api.requests import OrderRequest, decode_order_request, idempotency_key_of
from .shop import Shop

ORDERS = "/v1/orders"
PING = "/v1/ping"
logger = logging.getLogger("doorbuster.serve")

_PONG = HttpAnswer(200, [(b"content-type", b"application/json"), (b"content-length", b"2")], b"{}")
_PLAIN_JSON = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")


class Front:
    """An ASGI application before the application."""

    def __init__(self, shop: Shop, app: ASGIApp) -> None:
        self._shop = shop
        self._app = app
        self._max_body_bytes = shop.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path == ORDERS and scope["method"] == "POST":
                await self._order(scope, receive, send)
                return
            if path == PING and scope["method"] == "GET":
                await _send(send, _PONG)
                return
        await self._app(scope, receive, send)

    async def _order(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _common_key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        request = self._common_request(message)
        if request is None:
            await self._app(scope, _again(message, receive), send)
            return
        try:
            answer = await purchase(self._shop, request, key)
        except Exception:
            logger.exception("A purchase failed")
            answer = problem("internal-error")
        await _send(send, answer)

    def _common_request(self, message: Message) -> OrderRequest | None:
        if message["type"] != "http.request" or message.get("more_body"):
            return None
        body = message["body"]
        if len(body) > self._max_body_bytes:
            return None
        try:
            return decode_order_request(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def _common_key(scope: Scope) -> str | None:
    """The idempotency key of a request in the common form, else None."""
    key = None
    content_type = b""
    for name, value in scope["headers"]:
        if name == b"idempotency-key":
            if key is not None:
                return None
            key = value
        elif name == b"content-type":
            content_type = value
        elif name == b"prefer":
            return None
    if key is None or content_type not in _PLAIN_JSON or scope["query_string"]:
        return None
    try:
        return idempotency_key_of(key.decode("latin-1"))
    except ProblemError:
        return None


def _again(first: Message, receive: Receive) -> Receive:
    """A `receive` that gives a message that was taken already, then the rest."""
    taken = [first]

    async def receive_again() -> Message:
        return taken.pop() if taken else await receive()

    return receive_again


async def _send(send: Send, given: HttpAnswer) -> None:
    """As the application's frame would: an answer's own `cache-control` stands in place of the default one."""
    headers = given.headers
    kept = any(name == b"cache-control" for name, _ in headers)
    framed = [*headers, *SECURITY_HEADERS] if kept else [*headers, *DEFAULT_HEADERS]
    await send({"type": "http.response.start", "status": given.status, "headers": framed})
    await send({"type": "http.response.body", "body": given.body})
