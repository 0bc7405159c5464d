"""Answers of entities that show their whole view: as it will be once the event is recorded."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from .kernel import Accepted, Answer, Event

State = TypeVar("State", bound=msgspec.Struct)


def accepted_with_view(
    state: State, event: Event, apply: Callable[[State, Any], None], view: Callable[[State], Answer]
) -> Accepted:
    """The event with the view that it leads to; deciding changes nothing, so it is applied to a copy."""
    after = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=type(state))
    apply(after, event)
    return Accepted((event,), view(after))
