"""Messages over a stream: each is its length in four bytes, then so many bytes. Questions have numbers, by which their
answers find them, in whatever order they come."""

import asyncio
import logging
from abc import abstractmethod
from typing import Generic, TypeVar, cast

import msgspec

LENGTH_BYTES = 4
LONGEST_FRAME = 16 << 20
"""Bytes. Of whoever sends a longer one, nothing more is read."""

T = TypeVar("T")

logger = logging.getLogger("doorbuster.actors")


class Framed(asyncio.Protocol):
    """Either end of a connection."""

    def __init__(self, longest: int = LONGEST_FRAME) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES], "big")
            if end > self._longest:
                self.close()
                return
            if len(buffer) < end:
                return
            frame = bytes(buffer[LENGTH_BYTES:end])
            del buffer[:end]
            try:
                self.frame_received(frame)
            except msgspec.DecodeError as error:
                logger.warning("A frame can't be read: %s", error)
                self.close()
                return

    @abstractmethod
    def frame_received(self, frame: bytes) -> None:
        """A whole message came. Raises msgspec.DecodeError for one that can't be read."""

    def write(self, data: bytes) -> None:
        """Send a message; to an end that is gone, nothing."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class Asking(Framed, Generic[T]):
    """The end that asks, and waits for answers."""

    def __init__(self, longest: int = LONGEST_FRAME) -> None:
        super().__init__(longest)
        self._open: dict[int, asyncio.Future[T]] = {}
        self._last = 0
        self.closed = False

    @abstractmethod
    def ended(self) -> Exception:
        """What whoever waits for an answer hears when the connection ends, one for each."""

    def opened(self) -> tuple[int, "asyncio.Future[T]"]:
        """The number of another question, and the answer that will come."""
        self._last += 1
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._open[self._last] = answer
        return self._last, answer

    def answered(self, number: int) -> "asyncio.Future[T] | None":
        """Who waits for the answer to this question, which has come; None if nobody does any more."""
        answer = self._open.pop(number, None)
        return None if answer is None or answer.done() else answer

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(self.ended())
        self._open.clear()
