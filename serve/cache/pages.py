"""Pages that anybody may see, as they are sent: the lean front answers them without a framework, at a twentieth of the
cost. Which SKUs a page shows is read from its text: whatever a route comes to show is noticed without its doing."""

import re

from starlette.types import ASGIApp, Message, Scope

from ..api.answers import HttpAnswer
from ..request_ids import REQUEST_ID_HEADER
from .cache import Cache, Made

_PATHS = r"(search(/suggest)?|(products|categories|collections|families)(/[^/]+(/products)?)?|stock/(?!stream\Z)[^/]+)"
_is_page = re.compile(rf"/v1/{_PATHS}\Z").match
_is_small = re.compile(r"/v1/(products|stock)/[^/]+\Z").match
"""Made sooner than Redis answers: shared by nobody."""
_skus_in = re.compile(rb'"sku":"([^"\\]+)"').findall
LONGEST_KEY = 2_000
"""Characters of path and query; longer ones are asked once."""


class Pages:
    """Answers by path and query. `application` makes them."""

    def __init__(self, cache: Cache[HttpAnswer], application: ASGIApp) -> None:
        self._cache = cache
        self._application = application

    def takes(self, path: str) -> bool:
        """Whether it is a page that all visitors see alike."""
        return _is_page(path) is not None

    async def answer(self, scope: Scope) -> HttpAnswer:
        """The page, whole: with all its headers but the request's id."""
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        key = f"{path}?{query}"
        if len(key) > LONGEST_KEY:
            return (await self._make(scope)).value
        return await self._cache.get(key, lambda: self._make(scope), share=_is_small(path) is None)

    async def _make(self, scope: Scope) -> Made[HttpAnswer]:
        given: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            given.append(message)

        # As somebody asks of whom nothing is known: what is made is for everybody.
        headers = [(name, value) for name, value in scope["headers"] if name == b"host"]
        await self._application({**scope, "headers": headers, "state": {}}, receive, send)
        start, *pieces = given
        body = b"".join(piece.get("body", b"") for piece in pieces)
        kept = [(bytes(name), bytes(value)) for name, value in start["headers"] if name != REQUEST_ID_HEADER]
        size = len(body) + sum(len(name) + len(value) for name, value in kept)
        skus = frozenset(sku.decode() for sku in _skus_in(body))
        return Made(HttpAnswer(start["status"], kept, body), size, skus, keep=start["status"] == 200)
