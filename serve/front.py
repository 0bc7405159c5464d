"""The lean way to the hottest routes: a purchase in its common form reaches the core without a framework between.

Whatever isn't the common form (another content type, a body in pieces, a broken one) goes to the application as it
came: one place words the errors, and the lean way can only ever be faster, never different.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.errors import Unavailable

from .api.answers import HttpAnswer, shaped_answer
from .api.auth import token_of
from .api.bounds import SALE_KEY_PATTERN
from .api.middlewares import DATA_HEADERS, NOT_KEPT, SECURITY_HEADERS
from .api.places import polled
from .api.preconditions import is_fresh
from .api.problems import ProblemError, problem
from .api.purchase import purchase
from .api.requests import OrderRequest, decode_order_request, idempotency_key_of
from .api.schemas.common import Health
from .cache.cache import Cache
from .cache.pages import Pages
from .events import PLAIN_JSON, LeanEvents
from .prefixes import RECOMMENDATIONS
from .recommendation_front import LeanRecommendations
from .request_ids import REQUEST_ID_HEADER, request_id_of
from .shop import Shop

ORDERS = "/v1/orders"
EVENTS = "/v1/events"
SALES = "/v1/sales/"
STREAM = "/stream"
"""The end of every stream's path."""
_is_poll = re.compile(rf"{SALES}({SALE_KEY_PATTERN[1:-1]})/line/([A-Za-z0-9_-]{{1,100}})\Z").match
HEALTH = "/healthz"

logger = logging.getLogger("doorbuster.serve")

Headers = Sequence[tuple[bytes, bytes]]

_Answer = Callable[[Scope, Receive, Send, ASGIApp], Awaitable[None]]

_OF_A_BODY = (b"content-type", b"content-length")
_ALIVE = shaped_answer(Health(status="alive"))


class Front:
    """Answers purchases and events in their common form, and tells that the process lives; all else is for the
    application.

    It stands before whatever leads to the application, which is passed in with each request.
    """

    def __init__(
        self,
        shop: Shop,
        pages: Pages | None = None,
        streams: ASGIApp | None = None,
        kept: Cache[HttpAnswer] | None = None,
    ) -> None:
        """`pages` are answered here if there are any; `streams` is the application if it shall get streams directly;
        `kept` has recommendations for nobody in particular."""
        self._shop = shop
        # Where requests are counted by who makes them, none may be answered before it was.
        self._pages = pages if shop.limits.policy("api") is None else None
        self._streams = streams
        self._events = LeanEvents(shop)
        self._recommendations = LeanRecommendations(shop, kept)
        self._has_other_sites = bool(shop.settings.cors_origins)
        self._max_body_bytes = shop.settings.max_body_bytes
        # Unique is enough for an id that only finds a line in a log: a counter is ten times cheaper than random bits.
        self._id_prefix = shop.new_id()[:12]
        self.requests = 0
        """How many were answered here."""

    def takes(self, scope: Scope) -> bool:
        """Whether a request is on one of the routes that are looked at here."""
        path, method = scope["path"], scope["method"]
        if path in (ORDERS, EVENTS):
            return bool(method == "POST")
        if method != "GET":
            return False
        if path in (HEALTH, RECOMMENDATIONS) or (path.startswith(SALES) and _is_poll(path) is not None):
            return True
        if path.endswith(STREAM):
            return self._streams is not None
        return self._pages is not None and self._pages.takes(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        if scope["path"] == HEALTH:
            await self._send(scope, send, _ALIVE)
            return
        if scope["path"] != ORDERS:
            await self._answer_of(scope["path"])(scope, receive, send, app)
            return
        key, authorization = _common_form(scope)
        if self._has_other_sites and any(name == b"origin" for name, _ in scope["headers"]):
            # What a page of another site may read is the application's to say.
            key = None
        account_id = ""
        if authorization:
            # A token that was verified before is known by a look into a dict; any other is verified by the application.
            principal = self._shop.access.known(token_of(authorization) or "")
            key, account_id = (key, principal.account_id) if principal is not None else (None, "")
        if key is None:
            await app(scope, receive, send)
            return
        message = await receive()
        request = self._common_request(message)
        if request is None:
            await app(scope, _again([message], receive), send)
            return
        try:
            answer = await purchase(self._shop, request, key, account_id=account_id)
        except Exception:
            logger.exception("A purchase failed")
            answer = problem("internal-error")
        # A browser sends a request of this form for a script only and never shows the answer as a page: each header
        # that speaks of pages would cost a microsecond.
        await self._send(scope, send, answer, DATA_HEADERS)

    def _answer_of(self, path: str) -> _Answer:
        if path == EVENTS:
            return self._tell_events
        if path == RECOMMENDATIONS:
            return self._recommend
        if path.endswith(STREAM):
            return self._stream
        return self._poll if path.startswith(SALES) else self._page

    async def _tell_events(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        try:
            answer = await self._events.answer(scope, receive)
        except Exception:
            logger.exception("Events could not be recorded")
            answer = problem("internal-error")
        if isinstance(answer, HttpAnswer):
            await self._send(scope, send, answer)
        else:
            await app(scope, _again(answer, receive), send)

    async def _recommend(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        try:
            answer = await self._recommendations.answer(scope)
        except Exception:
            logger.exception("A recommendation could not be made")
            answer = problem("internal-error")
        if answer is None:
            await app(scope, receive, send)
        else:
            await self._send(scope, send, answer)

    async def _poll(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        """Tell whoever stands in line the place: thousands ask again and again while others buy."""
        headers = dict(scope["headers"])
        asked = _is_poll(scope["path"])
        others_page = self._has_other_sites and b"origin" in headers
        if asked is not None and not (scope["query_string"] or b"authorization" in headers or others_page):
            sale, ticket = asked.groups()
            tag = headers.get(b"if-none-match")
            try:
                answer = await polled(self._shop, sale, ticket, tag.decode("latin-1") if tag else None)
            except (ProblemError, Unavailable):
                logger.debug("A poll is answered by the application")
            else:
                await self._send(scope, send, answer)
                return
        await app(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        """Open it past Serve, which would wait at a stop for two seconds if any hasn't ended when it first looks."""
        self.requests += 1
        request_id = request_id_of(scope) or f"{self._id_prefix}-{self.requests}"
        named = (REQUEST_ID_HEADER, request_id.encode())
        headers = [*(header for header in scope["headers"] if header[0] != REQUEST_ID_HEADER), named]

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        await (self._streams or app)({**scope, "headers": headers}, receive, send_named)

    async def _page(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        """Show a page as it was made for others: to whoever is nobody in particular."""
        headers = dict(scope["headers"])
        others_page = self._has_other_sites and b"origin" in headers
        if self._pages is None or b"authorization" in headers or others_page or not self._shop.ready():
            await app(scope, receive, send)
            return
        page = await self._pages.answer(scope)
        if (known := headers.get(b"if-none-match")) is not None and page.status == 200:
            page = _unless_known(page, known.decode("latin-1"))
        self.requests += 1
        request_id = request_id_of(scope) or f"{self._id_prefix}-{self.requests}"
        whole = [*page.headers, (REQUEST_ID_HEADER, request_id.encode())]
        await send({"type": "http.response.start", "status": page.status, "headers": whole})
        await send({"type": "http.response.body", "body": page.body})

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

    async def _send(self, scope: Scope, send: Send, given: HttpAnswer, more: Headers = SECURITY_HEADERS) -> None:
        """As the application's frame would: an answer's own `cache-control` stands in place of the default one."""
        self.requests += 1
        request_id = request_id_of(scope) or f"{self._id_prefix}-{self.requests}"
        headers = [*given.headers, *more, (REQUEST_ID_HEADER, request_id.encode())]
        if not any(name == b"cache-control" for name, _ in given.headers):
            headers.append(NOT_KEPT)
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        await send({"type": "http.response.body", "body": given.body})


def _unless_known(page: HttpAnswer, if_none_match: str) -> HttpAnswer:
    """The page, or that the client has it already."""
    tags = [value.decode("latin-1") for name, value in page.headers if name == b"etag"]
    if not tags or not is_fresh(if_none_match, tags[0]):
        return page
    return HttpAnswer(304, [header for header in page.headers if header[0] not in _OF_A_BODY], b"")


def _common_form(scope: Scope) -> tuple[str | None, str]:
    """The idempotency key of a request in the common form, else None; and whose request it is said to be."""
    key = None
    content_type = authorization = b""
    for name, value in scope["headers"]:
        if name == b"idempotency-key":
            if key is not None:
                return None, ""
            key = value
        elif name == b"content-type":
            content_type = value
        elif name == b"authorization":
            authorization = value
        elif name == b"prefer":
            return None, ""
    if key is None or content_type not in PLAIN_JSON or scope["query_string"]:
        return None, ""
    try:
        return idempotency_key_of(key.decode("latin-1")), authorization.decode("latin-1")
    except ProblemError:
        return None, ""


def _again(taken: list[Message], receive: Receive) -> Receive:
    """A `receive` that gives the messages that were taken already, then the rest."""
    newest_first = taken[::-1]

    async def receive_again() -> Message:
        return newest_first.pop() if newest_first else await receive()

    return receive_again
