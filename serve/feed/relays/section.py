"""The section of the feed process that relays: one consumer for each URL of the setting `relay`."""

from collections.abc import Callable, Sequence

from actors.feed.feed import Feed
from engine.kernel import Instant

from ..contract.teller import Teller
from .address import KAFKA_SCHEMES, RelayAddress, parse_relay
from .kafka import KafkaTopic
from .port import Broker
from .redis_streams import RedisStream
from .relay import Relay


class Relays:
    """Asked as `relays.told`."""

    def __init__(self, feed: Feed, urls: Sequence[str], source: str, low_stock_units: int) -> None:
        # What entries tell is worked out once for all of them.
        teller = Teller(feed.journal, source, low_stock_units)
        self._relays = []
        for url in urls:
            address = parse_relay(url)
            relay = Relay(address.name, teller, broker_of(address, feed.now))
            feed.read_for(relay, address.begin)
            self._relays.append(relay)

    async def start(self) -> None:
        """Its consumers read already."""

    async def close(self) -> None:
        for relay in self._relays:
            await relay.close()

    async def told(self) -> dict[str, int]:
        """Events that each relay brought to its broker since the process began."""
        return {relay.name: relay.told for relay in self._relays}


def broker_of(address: RelayAddress, now: Callable[[], Instant]) -> Broker:
    """The broker that an address names; nothing is connected before something is published."""
    if address.scheme in KAFKA_SCHEMES:
        return KafkaTopic(address)
    return RedisStream(address, now)
