"""An HTTP answer as plain bytes, before any framework sees it: what the purchase's lean route and FastAPI share."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel
from starlette.responses import Response

from ..instants import timestamp as timestamp

JSON = b"application/json"
PROBLEM_JSON = b"application/problem+json"

RawHeaders = list[tuple[bytes, bytes]]


class HttpAnswer(NamedTuple):
    """Status, headers as ASGI sends them (content type and length are among them), body."""

    status: int
    headers: RawHeaders
    body: bytes


def answer(
    status: int, body: bytes, *, media_type: bytes = JSON, headers: Iterable[tuple[str, str]] = ()
) -> HttpAnswer:
    """Complete the headers of an answer; `headers` come with names in lower case."""
    raw = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    for name, value in headers:
        raw.append((name.encode("latin-1"), value.encode("latin-1")))
    return HttpAnswer(status, raw, body)


def response_of(given: HttpAnswer) -> Response:
    """The answer as a Starlette response."""
    response = Response(given.body, given.status)
    response.raw_headers = given.headers
    return response


def shaped(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model of the contract as a response."""
    return response_of(shaped_answer(model, status, headers))


def shaped_answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """A model of the contract as plain bytes."""
    return answer(status, model.model_dump_json().encode(), headers=(headers or {}).items())
