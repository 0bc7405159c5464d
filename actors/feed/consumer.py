"""What a consumer of the feed is, and how it says that it can't go on now.

Held            retryable: the consumer can't take entries now; the same are offered again later
CannotReplay    terminal: this consumer's store says by itself how far it is
UnknownConsumer terminal: nobody reads under that name
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..journals.port import Entry


class Held(Exception):
    """The consumer can't go on now; the same entries are wanted again later."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class CannotReplay(Exception):
    """Reading again from elsewhere would break what the consumer keeps together with its positions."""

    def __init__(self, consumer: str) -> None:
        super().__init__(consumer)


class UnknownConsumer(Exception):
    """No consumer has this name."""

    def __init__(self, consumer: str) -> None:
        super().__init__(consumer)


class Consumer(Protocol):
    """What a reader reads for."""

    @property
    def name(self) -> str:
        """By which its positions are known, for good."""
        ...

    async def take(self, shard: int, entries: Sequence[Entry]) -> None:
        """Do what is to be done because of these; raises `Held`. May be called again with the same."""
        ...


@runtime_checkable
class KeepsPositions(Protocol):
    """A consumer whose store keeps its positions together with its data, and so has each entry exactly once.

    `take` may return before the store is durable: only what `positions` says counts.
    """

    async def positions(self) -> Mapping[int, int] | None:
        """Up to which position of each shard the store has everything; None where it never began."""
        ...
