"""The request id that a client may send: what of it may be echoed and logged. Light: Serve's proxies import it, too."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

REQUEST_ID_HEADER = b"x-request-id"
_is_sane = re.compile(rb"[A-Za-z0-9._~:+/=-]{1,64}\Z").match
"""What may be written to a log and sent back without a second thought."""


class SaneRequestId:
    """Drops a request id that isn't sane before a server further in would echo it; stands first at the ingress."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and request_id_of(scope) is None:
            headers = [header for header in scope["headers"] if header[0] != REQUEST_ID_HEADER]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def request_id_of(scope: Scope) -> str | None:
    """The request's own id, if it has a sane one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER:
            return value.decode() if _is_sane(value) else None
    return None
