"""How a route opens a stream: refused with a problem where there is no room, else a response that sends events."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Header
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import Request

from ..live.errors import TooManyFromOneAddress, TooManyStreams
from ..live.event_stream import MEDIA_TYPE, EventStream
from ..live.streams import Streams
from ..shop import Shop
from .addresses import network_of
from .problems import ProblemError

RETRY_AFTER = {"retry-after": "5"}
MAX_EVENT_ID_LENGTH = 400

LastEventId = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        max_length=MAX_EVENT_ID_LENGTH,
        description="The `id` of the last event that arrived: browsers send it by themselves when they connect again.",
    ),
]


def stream_of(description: str) -> dict[str, Any]:
    """The answer of a stream, for a route's `responses`."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}


def room_for_a_stream(shop: Shop, request: Request) -> str:
    """The client's address, which the stream counts by. Raises ProblemError where there is no room for another."""
    address = network_of(shop, request)
    try:
        shop.live.streams.admit(address)
    except TooManyFromOneAddress as error:
        detail = f"{error.open_now} streams are open from your address: close one, or poll."
        raise ProblemError("too-many-requests", detail, headers=RETRY_AFTER) from error
    except TooManyStreams as error:
        raise ProblemError(
            "overloaded", "Too many streams are open here: poll instead.", headers=RETRY_AFTER
        ) from error
    return address


def streamed(streams: Streams, kind: str, address: str, events: AsyncGenerator[bytes]) -> EventStream:
    """The stream as a response."""
    return EventStream(streams, kind, address, events)
