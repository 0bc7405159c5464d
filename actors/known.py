"""Which entities of a kind exist, by key, as far as the host that records them knows: a new one need not be looked for.

A journal has to be asked for an entity that isn't in memory, even if there never was one. Where commands mostly begin
new entities, as purchases begin orders, that is a read for nearly each of them, which this spares.
"""

from collections.abc import Iterable
from typing import Any

MOST_KEYS = 2_000_000
"""In two halves: when the newer half is full, the older one is forgotten. About 200 MB at most."""


class KnownKeys:
    """The keys of one kind. Nobody may conclude anything from a key's absence in a shard that wasn't learned.

    A shard is learned once everything that its journal holds was told by `add_all`, and whatever is recorded after that
    by `noted`. Who loses a shard, or doesn't know what became of an append to it, says `forget`: then it has to be
    learned anew. To be wrong would lose nothing, because the journal takes each version of an entity once.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._half = most // 2
        self._newer: set[str] = set()
        self._older: set[str] = set()
        self._learned: set[int] = set()
        self._forgets = False

    def surely_new(self, key: str, shard: int) -> bool:
        """Whether no entity of the shard has the key."""
        return shard in self._learned and key not in self._newer and key not in self._older

    def noted(self, key: str, version: int, _state: Any = None) -> None:
        """A host's watcher: the entity was recorded."""
        if version == 1:
            self._add(key)

    def add_all(self, keys: Iterable[str]) -> None:
        """These are in the journal."""
        for key in keys:
            self._add(key)

    def learned(self, shard: int) -> None:
        """All of the shard's keys were told."""
        if not self._forgets:
            self._learned.add(shard)

    def forget(self, shards: Iterable[int]) -> None:
        """What these shards hold isn't known any more."""
        self._learned.difference_update(shards)

    def _add(self, key: str) -> None:
        if len(self._newer) >= self._half:
            if self._older:
                # What is forgotten now can't be told from what never was, for good.
                self._forgets = True
                self._learned.clear()
            self._older, self._newer = self._newer, set()
        self._newer.add(key)
