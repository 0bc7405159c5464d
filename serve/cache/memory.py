"""What is kept in memory, up to so many bytes, by S3-FIFO: whoever walks through everything once evicts nothing that is
asked for again and again.

New entries wait in a small queue. Those asked for again there move to the main one, the others go; the keys of those
that went are remembered for a while, and who comes back belongs to the main queue at once.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

SMALL_SHARE = 0.1
"""Of the bytes, for what was asked for once."""
USES_COUNTED = 3
OVERHEAD_BYTES = 500
"""Of an entry, beside its value."""
MOST_GHOSTS = 20_000

T = TypeVar("T")


class Entry(Generic[T]):
    """A value, when it was made, and what became of it since. Times are in milliseconds."""

    __slots__ = ("depends", "generation", "heat", "made_at", "size", "told_at", "uses", "value")

    def __init__(self, value: T, size: int, made_at: int, depends: frozenset[str], generation: int) -> None:
        self.value = value
        self.size = size + OVERHEAD_BYTES
        self.made_at = made_at
        self.depends = depends
        self.generation = generation
        self.heat = 0.0
        """How often it was asked for in the last second, about."""
        self.told_at = 0
        """When something that it shows has changed; 0: nothing has."""
        self.uses = 0


class Memory(Generic[T]):
    """The entries by key."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._small: OrderedDict[str, Entry[T]] = OrderedDict()
        self._main: OrderedDict[str, Entry[T]] = OrderedDict()
        self._ghosts: OrderedDict[str, None] = OrderedDict()
        self._small_bytes = 0
        self.bytes = 0
        self.evicted = 0
        self._users: dict[str, set[str]] = {}
        """Keys of entries that depend on a name."""

    def get(self, key: str) -> Entry[T] | None:
        """The entry, counted as used."""
        entry = self._main.get(key) or self._small.get(key)
        if entry is not None and entry.uses < USES_COUNTED:
            entry.uses += 1
        return entry

    def depending_on(self, name: str) -> list[Entry[T]]:
        """Entries that show it."""
        keys = self._users.get(name)
        if keys is None:
            return []
        found = (self._main.get(key) or self._small.get(key) for key in keys)
        return [entry for entry in found if entry is not None]

    def put(self, key: str, entry: Entry[T]) -> None:
        """Keep the entry in the place of the one before it, and make room."""
        was_main = key in self._main
        known = self._take(key)
        if entry.size > self._most_bytes:
            return
        if was_main or key in self._ghosts:
            self._ghosts.pop(key, None)
            self._main[key] = entry
        else:
            self._small[key] = entry
            self._small_bytes += entry.size
        if known is not None:
            entry.uses = known.uses
        self.bytes += entry.size
        for name in entry.depends:
            self._users.setdefault(name, set()).add(key)
        while self.bytes > self._most_bytes:
            self._make_room()

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def _make_room(self) -> None:
        if self._small and (self._small_bytes > self._most_bytes * SMALL_SHARE or not self._main):
            key, entry = next(iter(self._small.items()))
            if entry.uses:
                del self._small[key]
                self._small_bytes -= entry.size
                entry.uses = 0
                self._main[key] = entry
                return
            self._ghosts[key] = None
            if len(self._ghosts) > MOST_GHOSTS:
                self._ghosts.popitem(last=False)
        else:
            key, entry = next(iter(self._main.items()))
            if entry.uses:
                entry.uses -= 1
                self._main.move_to_end(key)
                return
        self._take(key)
        self.evicted += 1

    def _take(self, key: str) -> Entry[T] | None:
        entry = self._main.pop(key, None)
        if entry is None:
            entry = self._small.pop(key, None)
            if entry is None:
                return None
            self._small_bytes -= entry.size
        self.bytes -= entry.size
        for name in entry.depends:
            users = self._users[name]
            users.discard(key)
            if not users:
                del self._users[name]
        return entry
