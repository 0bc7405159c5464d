"""Messages over a stream: each is its length in four bytes, then so many bytes."""

import asyncio
import logging
from abc import abstractmethod
from typing import cast

import msgspec

LENGTH_BYTES = 4
LONGEST_FRAME = 16 << 20
"""Bytes. Of whoever sends a longer one, nothing more is read."""

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
