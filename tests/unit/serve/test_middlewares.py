"""The frame around every answer, where no HTTP client gets to."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serve.api.middlewares import Frame
from serve.request_ids import SaneRequestId


def call(app: Any, headers: list[tuple[bytes, bytes]] | None = None, kind: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": headers or []}
    asyncio.run(app(scope, receive, send))
    return sent


async def half_an_answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("the line went dead")


async def echo_request_id(scope: Scope, _receive: Receive, send: Send) -> None:
    given = dict(scope["headers"]).get(b"x-request-id", b"none")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", given)]})


async def no_http(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "seen", "scope": scope["type"]})


def test_half_an_answer_is_cut_off_rather_than_ended_with_a_problem() -> None:
    with pytest.raises(RuntimeError, match="the line went dead"):
        call(Frame(half_an_answer, new_id=lambda: "id-1"))


def test_what_is_not_http_passes_by() -> None:
    for app in (Frame(no_http, new_id=lambda: "id-1"), SaneRequestId(no_http)):
        assert call(app, kind="lifespan") == [{"type": "seen", "scope": "lifespan"}]


@pytest.mark.parametrize(
    ("given", "seen"), [(b"trace-42", b"trace-42"), (b"two words", b"none"), (b"\xff", b"none"), (b"", b"none")]
)
def test_the_ingress_drops_request_ids_that_are_not_sane(given: bytes, seen: bytes) -> None:
    [start] = call(SaneRequestId(echo_request_id), [(b"x-request-id", given)])
    assert dict(start["headers"])[b"x-request-id"] == seen
