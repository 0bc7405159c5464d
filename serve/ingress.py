"""What each replica's HTTP server does before Serve sees a request; Serve imports it by the name in its environment.

Its proxies import it, too, which a start waits for: nothing of the shop is imported here.
"""

from typing import TYPE_CHECKING

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from .request_ids import SaneRequestId

if TYPE_CHECKING:
    from .front import Front

SAMPLED = 1_000
"""One in so many of the front's requests takes Serve's way all the same, so that Serve's metrics show a sample."""

_DISCONNECT_DISABLED = (b"x-request-disconnect-disabled", b"?1")


class Door:
    """Where a process leaves its front for its HTTP server: the hook of Serve is an import path and takes no value."""

    def __init__(self, front: "Front | None" = None) -> None:
        self.front = front


door = Door()
"""The one of this process."""


class FrontFirst:
    """Lets the front answer the hottest routes before Serve's bookkeeping, which costs as much as a purchase."""

    def __init__(self, app: ASGIApp, door: Door, sample_every: int = SAMPLED) -> None:
        self._app = app
        self._door = door
        self._sample_every = sample_every
        self._until_sample = sample_every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        front = self._door.front
        if front is None or scope["type"] != "http" or not front.takes(scope):
            await self._app(scope, receive, send)
            return
        self._until_sample -= 1
        if self._until_sample:
            await front(scope, receive, send, self._app)
        else:
            self._until_sample = self._sample_every
            await self._app(scope, receive, send)


class Steadfast:
    """Tells Serve to carry a request on when its client goes away.

    A purchase that was begun must not be cancelled half-way, and watching for a disconnect costs two asyncio tasks a
    request, a fifth of an empty request's time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"].append(_DISCONNECT_DISABLED)
        await self._app(scope, receive, send)


def middlewares() -> list[Middleware]:
    """The middlewares; Serve puts the first of them innermost."""
    return [Middleware(SaneRequestId), Middleware(Steadfast), Middleware(FrontFirst, door=door)]
