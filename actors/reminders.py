"""When to wake which entity. Durable by derivation: an entity's state tells its reminder, and the shard's checkpoint
tells which entities to ask after a restart."""

from heapq import heappop, heappush

from engine.kernel import Instant

from .envelope import Address

BUCKET_MS = 100
"""Reminders are kept by tenth of a second: exact enough for a sale that starts on the second, and setting and clearing
one are two dict operations, where a heap would keep an order's reminder long after the order was paid."""


class Reminders:
    """At most one pending reminder per entity, its earliest."""

    def __init__(self) -> None:
        self._buckets: dict[int, dict[Address, Instant]] = {}
        self._due_order: list[int] = []

    def set(self, address: Address, previous: Instant | None, at: Instant | None) -> None:
        """Replace the entity's reminder, which was at `previous`."""
        if previous is not None:
            bucket = self._buckets.get(previous // BUCKET_MS)
            if bucket is not None:
                bucket.pop(address, None)
        if at is not None:
            number = at // BUCKET_MS
            bucket = self._buckets.get(number)
            if bucket is None:
                bucket = self._buckets[number] = {}
                heappush(self._due_order, number)
            bucket[address] = at

    def take_due(self, now: Instant) -> list[Address]:
        """Remove and return the entities whose instant has come."""
        due: list[Address] = []
        while self._due_order and self._due_order[0] * BUCKET_MS <= now:
            number = self._due_order[0]
            bucket = self._buckets[number]
            ready = [address for address, at in bucket.items() if at <= now]
            due += ready
            if len(ready) < len(bucket):
                for address in ready:
                    del bucket[address]
                break
            heappop(self._due_order)
            del self._buckets[number]
        return due
