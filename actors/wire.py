"""What a client and a host in another process exchange: many commands and replies in one message of bytes."""

from typing import Any

import msgspec

ANSWER, REJECTED, UNAVAILABLE, OVERLOADED, NOT_MINE, MOVED, JOURNAL_AWAY = range(7)
"""What became of a command."""


class WireCommand(msgspec.Struct, array_like=True, gc=False):
    """A command on the wire. Times are left as durations: clocks of two machines don't agree."""

    id: int
    shard: int
    kind: str
    key: str
    remaining_ms: int
    settle_ms: int
    command: Any


class WireReply(msgspec.Struct, array_like=True, gc=False):
    """What became of command `id`; `body` is the answer, the rejection, a sentence, or the shard to go to."""

    id: int
    status: int
    body: Any


class Bulletin(msgspec.Struct, array_like=True, gc=False):
    """An entity that the client watches is now like this."""

    kind: str
    key: str
    version: int
    view: Any


class Exchange(msgspec.Struct, array_like=True, gc=False):
    """New commands of a client; the host's answer brings whatever replies are ready, to these or earlier ones.

    `number` counts the client's exchanges: a copy that the network made gets the answer of the first.
    """

    client: str
    commands: list[WireCommand]
    watch: list[str]
    number: int


class Ready(msgspec.Struct, array_like=True, gc=False):
    """Replies and bulletins that were ready, in the order in which they came about.

    `first`: to this host the exchange was the client's first. A client that had others before knows by it that the
    host has restarted, and will not answer what was asked of the process before.
    """

    replies: list[WireReply]
    bulletins: list[Bulletin]
    first: bool


class RawCommand(WireCommand, array_like=True, gc=False):
    """A received command, whose kind tells how to read it."""

    command: msgspec.Raw


class RawReply(WireReply, array_like=True, gc=False):
    body: msgspec.Raw


class RawBulletin(Bulletin, array_like=True, gc=False):
    view: msgspec.Raw


class RawExchange(msgspec.Struct, array_like=True, gc=False):
    client: str
    commands: list[RawCommand]
    watch: list[str]
    number: int


class RawReady(msgspec.Struct, array_like=True, gc=False):
    replies: list[RawReply]
    bulletins: list[RawBulletin]
    first: bool


encode = msgspec.msgpack.Encoder().encode
decode_exchange = msgspec.msgpack.Decoder(RawExchange).decode
decode_ready = msgspec.msgpack.Decoder(RawReady).decode
decode_sentence = msgspec.msgpack.Decoder(str).decode
decode_shard = msgspec.msgpack.Decoder(int).decode
