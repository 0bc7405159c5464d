"""What a relay needs of a broker.

BrokerAway      retryable: nothing is known to have arrived; the same events are published again, with the same ids
AddressError    terminal: the relay's URL can't be used; the message says why
"""

from collections.abc import Sequence
from typing import Protocol

from ..contract.envelope import CloudEvent


class BrokerAway(Exception):
    """The broker doesn't take events now, or not all of these."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class AddressError(ValueError):
    """No relay is known for this URL, or something in it can't be."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class Broker(Protocol):
    """Takes public events. After a failure some may have arrived, and come again: consumers de-duplicate by `id`."""

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        """When it returns all of them are at the broker, those with one partition key in this order. Raises
        `BrokerAway`."""
        ...

    async def close(self) -> None:
        """Let go of connections. What was published has arrived."""
        ...
