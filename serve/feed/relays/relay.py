"""The consumer that relays: a page of entries becomes events at the broker before the next one is read."""

from collections.abc import Sequence

from actors.feed.consumer import Held
from actors.journals.port import Entry

from ..contract.teller import Teller
from .port import Broker, BrokerAway


class Relay:
    """One broker's relay. While the broker is away it waits, and keeps nothing in memory but a page."""

    def __init__(self, name: str, teller: Teller, broker: Broker) -> None:
        self.name = name
        self.told = 0
        """Events that arrived since this process began."""
        self._teller = teller
        self._broker = broker

    async def take(self, shard: int, entries: Sequence[Entry]) -> None:
        events = await self._teller.tell(shard, entries)
        if not events:
            return
        try:
            await self._broker.publish(events)
        except BrokerAway as error:
            raise Held(str(error)) from error
        self.told += len(events)

    async def close(self) -> None:
        await self._broker.close()
