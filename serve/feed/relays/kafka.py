"""Relays into a Kafka topic: the partition key is the record's key, so each entity's events stay in one partition.

The producer is idempotent: its own retries neither double a record nor change the order. Nothing counts as published
before its delivery is reported.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..contract.envelope import MEDIA_TYPE, CloudEvent, encode
from .address import RelayAddress
from .port import BrokerAway

if TYPE_CHECKING:
    from confluent_kafka import Producer

DELIVERY_TIMEOUT_S = 20.0
"""The client tries by itself for so long; then the relay waits, and publishes the page again."""
POLL_S = 0.05
LINGER_MS = 5
QUEUED_AT_MOST = 10_000
"""Records in the client. A page has fewer; where it is full nevertheless, the relay waits."""
HEADERS: list[tuple[str, str | bytes | None]] = [("content-type", MEDIA_TYPE.encode())]


class KafkaTopic:
    """Implements `Broker`."""

    def __init__(
        self, address: RelayAddress, timeout_s: float = DELIVERY_TIMEOUT_S, queued_at_most: int = QUEUED_AT_MOST
    ) -> None:
        self._topic = address.channel
        self._timeout_s = timeout_s
        self._options = producer_options(address, timeout_s, queued_at_most)
        self._producer: Producer | None = None
        self._complaint = ""

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        # The client is C with threads of its own, and waits: not on the loop.
        await asyncio.to_thread(self._publish, events)

    async def close(self) -> None:
        # What was published has arrived; the rest is let go of, and published again.
        self._drop()

    def _publish(self, events: Sequence[CloudEvent]) -> None:
        producer = self._connected()
        failures: list[str] = []
        delivered = 0

        def reported(error: Any, _message: Any) -> None:
            nonlocal delivered
            if error is None:
                delivered += 1
            else:
                failures.append(str(error))

        deadline = time.monotonic() + 2 * self._timeout_s
        try:
            for event in events:
                self._produce(producer, event, reported, deadline)
            while delivered < len(events) and not failures and time.monotonic() < deadline:
                producer.poll(POLL_S)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
        if delivered < len(events):
            # With a producer of its own, so that nothing of this try comes behind the next one.
            self._drop()
            raise BrokerAway(f"{failures[0] if failures else 'no answer'} {self._complaint}".strip())

    def _produce(self, producer: "Producer", event: CloudEvent, reported: Any, deadline: float) -> None:
        while True:
            try:
                producer.produce(
                    self._topic,
                    value=encode(event),
                    key=event.partitionkey.encode(),
                    headers=HEADERS,
                    on_delivery=reported,
                )
            except BufferError:
                if time.monotonic() >= deadline:
                    raise
                producer.poll(POLL_S)
            else:
                return

    def _connected(self) -> "Producer":
        if self._producer is None:
            # Imported by whoever relays into Kafka, and by nobody else.
            from confluent_kafka import Producer

            self._complaint = ""
            self._producer = Producer({**self._options, "error_cb": self._complain})
        return self._producer

    def _complain(self, error: Any) -> None:
        self._complaint = str(error)

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                producer.purge()
                producer.flush(0)


def producer_options(address: RelayAddress, timeout_s: float, queued_at_most: int) -> dict[str, Any]:
    """What the client is set to; whatever the URL says more is passed on to it."""
    login = {"sasl.username": address.user, "sasl.password": address.password} if address.user else {}
    return {
        "client.id": "doorbuster",
        **login,
        **address.options,
        "bootstrap.servers": address.servers,
        # It retries by itself without doubling or reordering; acks=all comes with it.
        "enable.idempotence": True,
        "linger.ms": LINGER_MS,
        "message.timeout.ms": round(timeout_s * 1_000),
        "queue.buffering.max.messages": queued_at_most,
        # Its log goes where ours goes: errors are told by `Held`.
        "log_level": 0,
    }
