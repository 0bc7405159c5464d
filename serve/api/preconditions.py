"""Conditional requests (RFC 9110): entity tags out, `If-Match` and `If-None-Match` in."""

import re
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, ParamSpec, Protocol

from fastapi import Header
from pydantic.json_schema import SkipJsonSchema

from engine.reasons import Reason

from .problems import ProblemError

IfMatch = Annotated[str | SkipJsonSchema[None], Header(alias="If-Match", description="Only if this is its `ETag` now.")]
IfNoneMatch = Annotated[
    str | SkipJsonSchema[None], Header(alias="If-None-Match", description="Only if this is not its `ETag` now.")
]

Arguments = ParamSpec("Arguments")

_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}\Z")


class Versioned(Protocol):
    """An entity's view."""

    @property
    def version(self) -> int: ...


def version_tag(version: int, *, shown: object = None) -> str:
    """The tag of a version; `shown` is what else the representation shows, and is no part of any precondition."""
    return f'"{version}"' if shown is None else f'"{version}.{shown}"'


def content_tag(body: bytes) -> str:
    """The tag of a representation that has no version."""
    return f'"{blake2b(body, digest_size=8).hexdigest()}"'


def is_fresh(if_none_match: str | None, tag: str) -> bool:
    """Whether the client already has what the tag names: then 304 will do."""
    if not if_none_match:
        return False
    return if_none_match.strip() == "*" or any(f'"{known}"' == tag for _, known in _TAG.findall(if_none_match))


async def required_version(
    if_match: str | None, current_version: Callable[[], Awaitable[int]], if_none_match: str | None = None
) -> int | None:
    """The version that a change must find: None for any, 0 for none yet. Raises ProblemError (412, 400).

    The usual single tag costs no look: the entity itself compares it, atomically with the change.
    """
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise ProblemError("bad-request", "`If-None-Match` on a change can only be `*`.")
        return 0
    if if_match is None:
        return None
    if if_match.strip() == "*":
        if existing := await current_version():
            return existing
        raise ProblemError(Reason.VERSION_CONFLICT)
    versions = {version for tag in _TAG.findall(if_match) if (version := _version_in(*tag))}
    if len(versions) == 1:
        return versions.pop()
    if versions and (current := await current_version()) in versions:
        return current
    raise ProblemError(Reason.VERSION_CONFLICT)


def version_of(
    look: Callable[Arguments, Awaitable[Versioned | None]], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Callable[[], Awaitable[int]]:
    """The `current_version` of what this look finds, 0 if it finds nothing."""

    async def current_version() -> int:
        found = await look(*arguments, **named)
        return found.version if found is not None else 0

    return current_version


def _version_in(weak: str, tag: str) -> int | None:
    # A weak tag never matches a change, nor does one that this shop can't have given out.
    version = tag.partition(".")[0]
    return int(version) if not weak and _VERSION.match(version) else None
