"""What FastAPI and the runtime raise, turned into problems."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from actors.errors import FeedRefused, Unavailable
from engine.reasons import Reason

from .answers import response_of
from .problems import ProblemError, problem, unavailable

_NAMES = {400: "bad-request", 404: str(Reason.NOT_FOUND), 405: "method-not-allowed"}
"""What routing itself answers."""


def add_handlers(app: FastAPI) -> None:
    """Every handler answers with problem details."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(Unavailable, _on_unavailable)
    app.add_exception_handler(FeedRefused, _on_feed_refused)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return response_of(error.answer())


async def _on_unavailable(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    return response_of(unavailable(error))


async def _on_feed_refused(_: Request, error: Exception) -> Response:
    # Sections of the feed process call their refusals by the names of problems.
    assert isinstance(error, FeedRefused)
    return response_of(problem(error.code, error.detail))


async def _on_disconnect(_: Request, __: Exception) -> Response:
    # Nobody reads it: the client went away in the middle of its body.
    return response_of(problem("bad-request"))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {"allow": _allowed_methods(request)} if error.status_code == 405 else None
    return response_of(problem(_NAMES.get(error.status_code, "bad-request"), headers=headers))


def _allowed_methods(request: Request) -> str:
    """All methods of the path: the router itself only knows those of the first route that it tried."""
    found = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    # `/products/bulk` is a resource of its own, though a SKU could be called so, too.
    literal = [route for route in found if route.path == request.scope["path"]]
    methods: set[str] = set().union(*(route.methods for route in literal or found))
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_field_error(found) for found in error.errors()]
    if any(found.get("name") == "Idempotency-Key" for found in errors):
        # Only a purchase misses a key that isn't there; an empty one is wrong wherever it is sent.
        missing = "idempotency-key" not in request.headers
        return response_of(problem("idempotency-key-missing" if missing else "idempotency-key-invalid"))
    # A name that nothing can have is not found; only whoever would create it must learn what names are made of.
    if request.method != "PUT" and any(found["in"] == "path" for found in errors):
        return response_of(problem(Reason.NOT_FOUND))
    return response_of(problem("invalid-request", _summary(errors), members={"errors": errors}))


def _field_error(found: Mapping[str, Any]) -> dict[str, str]:
    place, *path = found["loc"]
    if place == "body":
        return {"in": "body", "pointer": json_pointer(path), "detail": found["msg"]}
    return {"in": place, "name": _header_name(path[0]) if place == "header" else str(path[0]), "detail": found["msg"]}


def _header_name(name: str) -> str:
    return "-".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def json_pointer(path: Sequence[str | int]) -> str:
    """The path as a JSON pointer (RFC 6901) in a URI fragment."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _summary(errors: Sequence[Mapping[str, str]]) -> str:
    first = errors[0]
    where = first.get("pointer") or first.get("name", "")
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['detail']}{more}."
