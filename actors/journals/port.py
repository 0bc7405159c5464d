"""The journal port: where a shard's entries are made durable, and the only fence between two owners of one shard.

JournalError
|-- Fenced             terminal for the shard's owner: a newer epoch exists, drop the shard
|-- VersionTaken       terminal for the shard's owner: it decided on an old state, drop the shard and load again
|-- StillNeeded        retryable later: what was to be trimmed has yet to be read by somebody
|-- JournalUnavailable retryable: the store did not answer; nothing is known to be written
|   `-- JournalFull    retryable: there is no room; nothing was written, and what is there can be read
|-- JournalMismatch    terminal: the data was created with other settings, or is not what was here before
|-- JournalUnsafe      terminal until the store is set up otherwise: it would forget what was acknowledged
`-- JournalTooNew      terminal: written by a newer version of this program
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol


class JournalError(Exception):
    """Base of all journal errors."""


class Fenced(JournalError):
    """The shard has a newer owner: nothing of this append was written for it."""

    def __init__(self, shard: int, epoch: int) -> None:
        super().__init__(shard, epoch)
        self.shard = shard
        self.epoch = epoch


class VersionTaken(JournalError):
    """The entity already has an entry of this version: nothing of this append was written in its volume."""

    def __init__(self, kind: str, key: str, version: int) -> None:
        super().__init__(kind, key, version)


class StillNeeded(JournalError):
    """A consumer, or the shard's next owner, has yet to read entries that were to be trimmed. Nothing was trimmed."""

    def __init__(self, shard: int, who: str, position: int) -> None:
        super().__init__(shard, who, position)

    def __str__(self) -> str:
        shard, who, position = self.args
        return f"{who} has come to position {position} of shard {shard} only"


class JournalUnavailable(JournalError):
    """The store can't be written or read now; the append may or may not have happened."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class JournalFull(JournalUnavailable):
    """The store has no room for the append: surely nothing of it was written in its volume."""


class JournalMismatch(JournalError):
    """A setting that is chosen when data is created differs from the one the data was created with."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class JournalUnsafe(JournalError):
    """The store is not set up to keep what it acknowledges; the detail says what to change."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class JournalTooNew(JournalError):
    """The data was written by a newer format than this program knows."""

    def __init__(self, found: int, known: int, journal: str = "the journal") -> None:
        super().__init__(found, known, journal)
        self.found = found
        self.known = known
        self.journal = journal

    def __str__(self) -> str:
        return (
            f"{self.journal} was written by a newer version of Doorbuster "
            f"(format {self.found}, this one knows {self.known}): start that version"
        )


class NewEntry(NamedTuple):
    """What one entity recorded in one turn; the journal gives it its position."""

    kind: str
    key: str
    version: int
    """The entity's version after this entry: the number of its entries so far."""
    at: int
    """When it was decided, in milliseconds since the epoch."""
    events: bytes
    """msgpack array of events."""


class Entry(NamedTuple):
    """A recorded entry. Positions grow with every append of a shard; they may have gaps."""

    position: int
    kind: str
    key: str
    version: int
    at: int
    events: bytes


class Snapshot(NamedTuple):
    """An entity's state at a version."""

    kind: str
    key: str
    version: int
    state: bytes


class Batch(NamedTuple):
    """What one shard appends in one turn."""

    shard: int
    epoch: int
    entries: Sequence[NewEntry]
    snapshots: Sequence[Snapshot] = ()
    listed: Sequence[tuple[str, str]] = ()
    """(kind, key) of new entities whose kind can be enumerated by `Journal.keys`."""
    checkpoint: bytes | None = None
    """The shard's unfinished work after these entries, opaque here: see `Journal.checkpoint`."""


class Stretch(NamedTuple):
    """What comes next in several shards of one volume, each shard's entries in order, and how far that reaches."""

    entries: Sequence[tuple[int, Entry]]
    """Each with its shard."""
    upto: Mapping[int, int]
    """For each shard that was asked for: none of its entries up to there is missing."""


class Recorded(NamedTuple):
    """An entity as the journal holds it: its newest snapshot, if any, and every entry after that, in order.

    Where entries were trimmed and no newer snapshot was written since, the state in their place is the snapshot.
    """

    snapshot: Snapshot | None
    entries: Sequence[Entry]


class Trims(NamedTuple):
    """How a shard was trimmed: the highest `upto`, up to which entries may be missing, and how many times."""

    upto: int = 0
    times: int = 0


class Journal(Protocol):
    """Append-only storage of every shard, fenced by epoch.

    Guarantees: an append returns after its entries are on stable storage (a file sync, an acknowledged write). The
    batches of one call that share a volume become durable together or not at all. A batch whose epoch is not the
    newest that `acquire` gave out for its shard is refused with `Fenced`, and with it every batch of the call in that
    volume: whoever gets `Fenced` drops what it decided. A call that spans volumes commits them one after the other and
    stops at the first error: batches of other volumes may or may not be written then, so an owner that wants to know
    appends to one volume per call. All methods may raise `JournalUnavailable`, and those that write `JournalFull`. One
    event loop uses a journal at a time.
    """

    @property
    def base_shards(self) -> int:
        """The number of shards that was chosen when the data was created; pinned shards are numbered from here on."""
        ...

    def volume_of(self, shard: int) -> int:
        """The volume that keeps the shard: shards of one volume commit together, atomically.

        A pinned shard, whose number is not below the data's shard count, has a volume to itself.
        """
        ...

    async def acquire(self, shard: int) -> int:
        """Take the shard over: from now on only appends with the returned epoch (1, 2, ...) succeed. Durable."""
        ...

    async def append(self, batches: Sequence[Batch]) -> Sequence[int]:
        """Make the batches durable; the position of each batch's last entry (0 for a batch without entries).

        An entity's versions are unique: a second entry with one of them raises `VersionTaken`. A snapshot older than
        the one that is kept is ignored.
        """
        ...

    async def load(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Recorded]:
        """What is recorded of each (kind, key), in the order asked; an unknown entity has no snapshot and no entry."""
        ...

    async def read(self, shard: int, after: int, limit: int = 1_000) -> Sequence[Entry]:
        """The shard's entries with a position greater than `after`, oldest first."""
        ...

    async def read_on(self, after: Mapping[int, int], limit: int = 1_000) -> Stretch:
        """What comes after the given position of each of these shards, which share a volume: `limit` entries of it.

        As `read` for each shard, at the cost of one where they share a file: for whoever reads all of them.
        """
        ...

    async def behind(self, after: Mapping[int, int]) -> int:
        """About how many entries of these shards, which share a volume, come after these positions."""
        ...

    async def history(
        self, shard: int, kind: str, key: str, *, after_version: int = 0, limit: int = 100
    ) -> Sequence[Entry]:
        """One entity's entries with a version greater than `after_version`, oldest first."""
        ...

    async def keys(self, shard: int, kind: str, *, after: str = "", limit: int = 1_000) -> Sequence[str]:
        """Keys of one listed kind in the shard, in ascending order, greater than `after`."""
        ...

    async def checkpoint(self, shard: int) -> tuple[int, bytes | None]:
        """The newest checkpoint and the position up to which it speaks: (0, None) where there is none.

        The shard's entries after that position are those that were appended after the checkpoint.
        """
        ...

    async def shards(self) -> Sequence[int]:
        """The shards that were ever acquired, ascending."""
        ...

    def entities(self, shard: int) -> AsyncIterator[Sequence[tuple[str, str]]]:
        """The (kind, key) of every entity with an entry or a snapshot in the shard, in pages, each once, in no order.

        One that is first recorded meanwhile may be left out.
        """
        ...

    async def last_positions(self) -> Mapping[int, int]:
        """The position of the last entry of each shard that was ever acquired (0 without one), at one instant.

        Entries up to there are a consistent cut: whatever caused one of them is among them. Only a store that spans
        servers (Redis Cluster) can't promise that beyond one volume.
        """
        ...

    async def advance(self, consumer: str, shard: int, position: int) -> None:
        """The named consumer needs no entry of the shard up to `position` any more. It never goes back.

        A consumer registers with 0, before it reads: from then on nothing is trimmed that it has not passed.
        """
        ...

    async def consumers(self, shard: int) -> Mapping[str, int]:
        """The registered consumers of the shard, each with how far it has come."""
        ...

    async def forget(self, consumer: str, shard: int) -> None:
        """The consumer is no more: nothing is kept for it."""
        ...

    async def trim(self, shard: int, upto: int, bases: Sequence[Snapshot]) -> None:
        """Put each entity's state in the place of its entries up to the state's version. Durable; all or nothing.

        The state must be what these entries make, and none of them may stand behind position `upto`. Raises
        `StillNeeded` unless the shard's checkpoint and all consumers have passed `upto`. It needs no epoch: it changes
        nothing that an owner goes by, so it may run beside one. Versions that were trimmed can't be recognized as
        taken any more; an owner that the fence lets through never asks for one.
        """
        ...

    async def bases(self, shard: int, entities: Sequence[tuple[str, str]]) -> Sequence[Snapshot | None]:
        """For each (kind, key), the state that stands in the place of its trimmed entries, if there is one."""
        ...

    async def trimmed(self, shard: int) -> Trims:
        """What was trimmed of the shard up to now."""
        ...

    async def close(self) -> None:
        """Release files and connections; the journal is not used afterwards."""
        ...
