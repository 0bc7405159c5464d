"""The lean way of a batch of events: read and decoded without a framework, as long as nothing is unusual about it."""

import msgspec
from starlette.types import Message, Receive, Scope

from .api.answers import HttpAnswer
from .api.behaviour import EventsRequest, decode_events_request, is_common, record
from .api.problems import ProblemError
from .asker import Asker, asker_of
from .shop import Shop

PLAIN_JSON = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")


class LeanEvents:
    """Answers a batch in its common form. Of any other it says what it has read, for the application to go on."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._max_body_bytes = shop.settings.max_body_bytes

    async def answer(self, scope: Scope, receive: Receive) -> HttpAnswer | list[Message]:
        """The answer, or the messages that were taken from `receive`."""
        asker = self._common_form(scope)
        if asker is None:
            return []
        taken = await self._taken(receive)
        batch = self._common_batch(taken)
        if batch is None:
            return taken
        try:
            return await record(self._shop, batch, asker.principal, unlinked=asker.unlinked)
        except ProblemError as error:
            return error.answer()

    def _common_form(self, scope: Scope) -> Asker | None:
        """Who sends it; None if the application has to look at it."""
        if scope["query_string"] or self._shop.limits.policy("api") is not None:
            return None
        headers = scope["headers"]
        content_types = [value for name, value in headers if name == b"content-type"]
        if not content_types or content_types[-1] not in PLAIN_JSON:
            return None
        return asker_of(self._shop, headers)

    async def _taken(self, receive: Receive) -> list[Message]:
        """The body's messages, up to one that makes it too large or is none of a body."""
        taken, size = [], 0
        while True:
            message = await receive()
            taken.append(message)
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body") or size > self._max_body_bytes:
                return taken

    def _common_batch(self, taken: list[Message]) -> EventsRequest | None:
        last = taken[-1]
        if last["type"] != "http.request" or last.get("more_body"):
            return None
        body = last["body"] if len(taken) == 1 else b"".join(message["body"] for message in taken)
        if len(body) > self._max_body_bytes:
            return None
        try:
            batch = decode_events_request(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return batch if is_common(batch) else None
