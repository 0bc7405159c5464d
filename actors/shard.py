"""A shard as its owner sees it: the epoch it may append with, and the work it must not forget."""

import msgspec

from .envelope import Address
from .journals.port import Batch, NewEntry, Snapshot

MIN_ENTRIES_BETWEEN_CHECKPOINTS = 200
"""After a restart at most about this many entries are looked at again to find unfinished work: some milliseconds for
each shard that the next owner takes over."""

_decoder = msgspec.msgpack.Decoder(list[tuple[str, str]])


class Shard:
    """A shard that this host owns in `epoch`.

    `unfinished` are the entities that wait for an effect or a reminder. The journal gets the whole list as a
    checkpoint now and then; whatever was recorded after it is looked at again by the next owner.
    """

    def __init__(self, number: int, epoch: int) -> None:
        self.number = number
        self.epoch = epoch
        self.unfinished: dict[Address, None] = {}
        self.recovered = False
        self._entries_since_checkpoint = 0
        self._entries: list[NewEntry] = []
        self._snapshots: list[Snapshot] = []
        self._listed: list[Address] = []

    def is_recovered(self, entries: int) -> None:
        """All unfinished work of the last owner is known here, for which so many entries were read: the next
        checkpoint, which is due the sooner, spares the next owner them."""
        self.recovered = True
        self._entries_since_checkpoint += entries

    def add(self, entry: NewEntry, snapshot: Snapshot | None, *, listed: bool) -> None:
        """Put an entity's entry of this turn into the shard's batch."""
        self._entries.append(entry)
        if snapshot is not None:
            self._snapshots.append(snapshot)
        if listed and entry.version == 1:
            self._listed.append((entry.kind, entry.key))

    def take_batch(self, *, checkpoint_due: bool = False) -> Batch:
        """Everything that was added since the last time, with a checkpoint when one is due."""
        self._entries_since_checkpoint += len(self._entries)
        checkpoint = None
        # The interval grows with the list, so that writing it stays a constant share of the work. Before the last
        # owner's work is taken up again the list is not complete, and must not replace the last owner's.
        many = self._entries_since_checkpoint >= max(MIN_ENTRIES_BETWEEN_CHECKPOINTS, len(self.unfinished))
        if self.recovered and (many or checkpoint_due):
            checkpoint = msgspec.msgpack.encode(list(self.unfinished))
            self._entries_since_checkpoint = 0
        batch = Batch(self.number, self.epoch, self._entries, self._snapshots, self._listed, checkpoint)
        self._entries, self._snapshots, self._listed = [], [], []
        return batch


def decode_checkpoint(data: bytes | None) -> list[Address]:
    """The entities that a checkpoint names."""
    return _decoder.decode(data) if data is not None else []
