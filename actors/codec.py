"""Messages to bytes and back, per kind of entity: one codec for journals and for the wire."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from engine.kernel import Event, Kind, Rejected, Reply

from .moves import Arrived, Leave, Left, Wake
from .sheaf import Replies, Sheaf

_encode = msgspec.msgpack.Encoder().encode


class KindCodec:
    """The decoders of one kind, built once: building one is far dearer than using it."""

    def __init__(self, kind: Kind) -> None:
        self._events = msgspec.msgpack.Decoder(list[kind.events | Left | Arrived])  # type: ignore[name-defined]
        self._state: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(kind.state)
        # Not a method around it: this is called for every command that comes from another process.
        self.decode_command: Callable[[bytes | msgspec.Raw], Any]
        self.decode_command = msgspec.msgpack.Decoder(kind.commands | Leave | Wake | _sheaf_of(kind)).decode
        self._answer = msgspec.msgpack.Decoder(kind.answers | _replies_of(kind) | None)
        self._rejected = msgspec.msgpack.Decoder(Rejected)

    def encode_events(self, events: Sequence[Event]) -> bytes:
        return _encode(events)

    def decode_events(self, data: bytes) -> list[Event]:
        decoded: list[Event] = self._events.decode(data)
        return decoded

    def encode_state(self, state: Any) -> bytes:
        return _encode(state)

    def decode_state(self, data: bytes) -> Any:
        return self._state.decode(data)

    def decode_reply(self, data: bytes | msgspec.Raw, *, rejected: bool) -> Reply:
        reply: Reply = (self._rejected if rejected else self._answer).decode(data)
        return reply


def codecs_of(kinds: Mapping[str, Kind]) -> dict[str, KindCodec]:
    """A codec for each kind, by name."""
    return {name: _codec_of(kind) for name, kind in kinds.items()}


@cache
def _codec_of(kind: Kind) -> KindCodec:
    # Building one takes milliseconds, and it holds nothing but decoders: all of a process share it.
    return KindCodec(kind)


def _sheaf_of(kind: Kind) -> Any:
    """The sheaf's type with the kind's own commands in it, so that all are decoded at once."""
    commands: Any = list[kind.commands]  # type: ignore[name-defined]
    return msgspec.defstruct("Sheaf", [("commands", commands)], bases=(Sheaf,), tag="runtime.Sheaf", frozen=True)


def _replies_of(kind: Kind) -> Any:
    answers: Any = list[kind.answers | None]  # type: ignore[name-defined]
    fields: list[tuple[str, Any, Any]] = [
        ("answers", answers, msgspec.NODEFAULT),
        ("rejected", dict[int, Rejected], {}),
    ]
    return msgspec.defstruct("Replies", fields, bases=(Replies,), tag="runtime.Replies", frozen=True)
