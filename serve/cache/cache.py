"""Values that are made once for all who ask within a moment, and that are never older than a second.

Three rules keep them true. A value is made anew `FRESH_MS` after it was made, whatever happened. When a name that it
shows is told to have changed, the next who asks gets a new one; only what is asked for and sold all the time is made
anew every `BETWEEN_MS` instead of after each sale. And a value of another replica is taken only if this one knows of no
newer version of anything that it shows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from .memory import Entry, Memory
from .shared import SharedLevel

FRESH_MS = 1_000
"""Prices and promotions begin and end by the clock: nothing is shown for longer."""
REFRESH_MS = 700
"""From this age on the next who asks has it made anew, and gets what is there: nobody waits when it ends."""
BETWEEN_MS = 250
"""What is hot is made anew so often at most while what it shows changes."""
HOT = 32.0
"""Asked for so often in the last second, it is hot: whoever looks, buys and looks again doesn't make it so, and sees
the change."""
HEAT_LASTS_MS = 1_000

T = TypeVar("T")
Versions = tuple[int, int]


class Made(NamedTuple, Generic[T]):
    """A value, its size in bytes, and the names that it shows. Not kept: it is for whoever asked alone."""

    value: T
    size: int
    depends: frozenset[str]
    keep: bool = True


class _Shared(msgspec.Struct, Generic[T], array_like=True):
    """A value as replicas share it, with the versions that it was made of."""

    made_at: int
    value: T
    versions: dict[str, Versions]


class _Flight(Generic[T]):
    """A value that is being made, and what was told meanwhile."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.task: asyncio.Task[T] | None = None


Make = Callable[[], Awaitable[Made[T]]]


class Cache(Generic[T]):
    """Values of one type. Listens to the catalogue."""

    def __init__(
        self,
        value_type: type[T],
        most_bytes: int,
        now: Callable[[], int],
        *,
        generation: Callable[[], int] = lambda: 0,
        versions_of: Callable[[str], Versions] = lambda _name: (0, 0),
        shared: SharedLevel | None = None,
    ) -> None:
        """`now` is in milliseconds. `generation` grows when everything may have changed, `versions_of` a name tells
        what this process knows of it."""
        self._memory: Memory[T] = Memory(most_bytes)
        self._now = now
        self._generation = generation
        self._versions_of = versions_of
        self._shared = shared
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(_Shared[value_type]).decode  # type: ignore[valid-type]
        self._flights: dict[str, _Flight[T]] = {}
        self.counts = {"memory": 0, "shared": 0, "joined": 0, "made": 0, "refreshed": 0}
        """Answers from memory, from the shared level, by waiting for another's, newly made; made anew beforehand."""

    @property
    def bytes(self) -> int:
        return self._memory.bytes

    @property
    def entries(self) -> int:
        return len(self._memory)

    @property
    def evicted(self) -> int:
        return self._memory.evicted

    # -- what the catalogue tells

    def stock_told(self, sku: str) -> None:
        """Quantities have changed; called for every sale."""
        for entry in self._memory.depending_on(sku):
            entry.told_at = entry.told_at or self._now()
        for flight in self._flights.values():
            flight.told.add(sku)

    def product_told(self, sku: str) -> None:
        """The product has changed: whoever did that must see it, however hot it is."""
        self.stock_told(sku)
        for entry in self._memory.depending_on(sku):
            entry.heat = 0

    # -- what is asked

    async def get(self, key: str, make: Make[T], *, share: bool = False) -> T:
        """The value, made by `make` if nobody has; with `share` also looked for in the shared level."""
        entry, now = self._memory.get(key), self._now()
        if entry is not None:
            entry.heat += 1
        if entry is not None and self._is_good(entry, now):
            self.counts["memory"] += 1
            if (now - entry.made_at >= REFRESH_MS or self._is_due(entry, now)) and key not in self._flights:
                self.counts["refreshed"] += 1
                self._begin(key, make, share=share, anew=True)
            return entry.value
        flight = self._flights.get(key)
        if flight is None or (entry is not None and not flight.told.isdisjoint(entry.depends)):
            # What is being made since before a change isn't for whoever asks after it.
            flight = self._begin(key, make, share=share, anew=False)
        else:
            self.counts["joined"] += 1
        assert flight.task is not None
        # Whoever goes away must not take it from the others.
        return await asyncio.shield(flight.task)

    def _is_good(self, entry: Entry[T], now: int) -> bool:
        if not 0 <= now - entry.made_at < FRESH_MS or entry.generation != self._generation():
            return False
        return not entry.told_at or (entry.heat >= HOT and now - entry.told_at < 2 * BETWEEN_MS)

    def _is_due(self, entry: Entry[T], now: int) -> bool:
        return bool(entry.told_at) and now - entry.made_at >= BETWEEN_MS

    def _begin(self, key: str, make: Make[T], *, share: bool, anew: bool) -> _Flight[T]:
        flight = self._flights[key] = _Flight()
        share = share and self._shared is not None
        flight.task = asyncio.create_task(self._fly(key, flight, make, share=share, anew=anew))
        # Nobody may be waiting for one that was begun beforehand: the next who asks hears what is wrong.
        flight.task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return flight

    async def _fly(self, key: str, flight: _Flight[T], make: Make[T], *, share: bool, anew: bool) -> T:
        try:
            generation = self._generation()
            if share and not anew and (found := await self._from_others(key)) is not None:
                self.counts["shared"] += 1
                size = len(self._encode(found))
                self._keep(key, Entry(found.value, size, found.made_at, frozenset(found.versions), generation))
                return found.value
            made_at = self._now()
            made = await make()
            self.counts["made"] += 1
            if made.keep:
                entry = Entry(made.value, made.size, made_at, made.depends, generation)
                # Begun before the change, it may show what was before: good for what is hot only.
                entry.told_at = 0 if flight.told.isdisjoint(made.depends) else made_at
                self._keep(key, entry)
                if share and not entry.told_at:
                    self._share(key, made, made_at)
            return made.value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _keep(self, key: str, entry: Entry[T]) -> None:
        if (known := self._memory.get(key)) is not None:
            cooled = (entry.made_at - known.made_at) / HEAT_LASTS_MS
            entry.heat = known.heat * min(1.0, max(0.0, 1.0 - cooled))
        self._memory.put(key, entry)

    async def _from_others(self, key: str) -> "_Shared[T] | None":
        assert self._shared is not None
        data = await self._shared.get(key)
        if data is None:
            return None
        try:
            found: _Shared[T] = self._decode(data)
        except msgspec.DecodeError:
            # Of another version of this program.
            return None
        if not 0 <= self._now() - found.made_at < FRESH_MS:
            return None
        for name, (product, stock) in found.versions.items():
            known_product, known_stock = self._versions_of(name)
            if known_product > product or known_stock > stock:
                return None
        return found

    def _share(self, key: str, made: Made[T], made_at: int) -> None:
        assert self._shared is not None
        left_ms = FRESH_MS - (self._now() - made_at)
        if left_ms > 0:
            versions = {name: self._versions_of(name) for name in made.depends}
            self._shared.put(key, self._encode(_Shared(made_at, made.value, versions)), left_ms)
