"""Questions to models go over a socket of their own: a call through Ray costs the selling process fifty times as much.

A frame is msgpack: nothing in it can run code. The first frame of a connection is the token that only those learn who
may talk to the shop's Ray.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from actors import frames

from .port import Answered, ModelBroken, ModelMissing, ModelsFail, Query

LONGEST_FRAME = 4 << 20
"""Bytes."""


class Question(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A batch of queries to the model of a market; `number` names it among those of its connection."""

    number: int
    market: str
    queries: tuple[Query, ...]


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of a batch: the lists, or why there are none."""

    number: int
    answered: Answered | None = None
    error: str = ""
    missing: bool = False


encode = msgspec.msgpack.Encoder().encode
_decode_question = msgspec.msgpack.Decoder(Question).decode
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


class Host(Protocol):
    """Whoever has the models."""

    def answer_at_once(self, market: str, queries: Sequence[Query]) -> Answered | None:
        """The lists, or None where a model has to be loaded first. Raises ModelsFail."""
        ...

    async def answer(self, market: str, queries: Sequence[Query]) -> Answered: ...


class Answering(frames.Framed):
    """The end at which models answer."""

    def __init__(self, host: Host, token: str) -> None:
        super().__init__(LONGEST_FRAME)
        self._host = host
        self._token = token.encode()
        self._admitted = False
        self._loading: set[asyncio.Task[None]] = set()

    def frame_received(self, frame: bytes) -> None:
        if not self._admitted:
            self._admitted = hmac.compare_digest(frame, self._token)
            if not self._admitted:
                self.close()
            return
        question = _decode_question(frame)
        try:
            answered = self._host.answer_at_once(question.market, question.queries)
        except ModelsFail as error:
            self._refuse(question.number, error)
            return
        if answered is not None:
            self.write(encode(Reply(question.number, answered)))
            return
        loading = asyncio.create_task(self._answer_later(question))
        self._loading.add(loading)
        loading.add_done_callback(self._loading.discard)

    async def _answer_later(self, question: Question) -> None:
        try:
            answered = await self._host.answer(question.market, question.queries)
        except ModelsFail as error:
            self._refuse(question.number, error)
        else:
            self.write(encode(Reply(question.number, answered)))

    def _refuse(self, number: int, error: ModelsFail) -> None:
        self.write(encode(Reply(number, None, str(error), isinstance(error, ModelMissing))))


class Asking(frames.Asking[Answered]):
    """The shop's end."""

    def __init__(self, token: str, where: tuple[str, int]) -> None:
        super().__init__(LONGEST_FRAME)
        self.where = where
        self.when_lost: Callable[[], None] = _nobody
        """Called when the connection ends, however."""
        self._token = token.encode()
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.write(self._token)

    def ask(self, market: str, queries: Sequence[Query]) -> "asyncio.Future[Answered]":
        """The lists; ModelsFail is its exception where there are none."""
        if self.closed:
            refused: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
            refused.set_exception(ModelMissing("the connection is closed"))
            return refused
        number, answer = self.opened()
        self.write(encode(Question(number, market, tuple(queries))))
        return answer

    def frame_received(self, frame: bytes) -> None:
        reply = _decode_reply(frame)
        answer = self.answered(reply.number)
        if self._ending and not self._open:
            self.close()
        if answer is None:
            return
        if reply.answered is not None:
            answer.set_result(reply.answered)
        else:
            answer.set_exception(ModelMissing(reply.error) if reply.missing else ModelBroken(reply.error))

    def ended(self) -> Exception:
        return ModelBroken("its process ended")

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.when_lost()

    def end_when_idle(self) -> None:
        """Close it once what was asked is answered."""
        self._ending = True
        if not self._open:
            self.close()


def _nobody() -> None:
    """Nobody waits for the end."""


async def listen(host: Host, token: str, address: str) -> asyncio.Server:
    """Answer at a free port of the address."""
    return await asyncio.get_running_loop().create_server(lambda: Answering(host, token), address, 0)


async def connect(address: str, port: int, token: str) -> Asking:
    """A connection. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, asking = await loop.create_connection(lambda: Asking(token, (address, port)), address, port)
    return asking
