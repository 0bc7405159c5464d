"""An entity in memory: its state at a version, and what the runtime must know to host it."""

from collections.abc import Iterable
from typing import Any

from engine.kernel import Event, Instant, Kind

from .codec import KindCodec
from .envelope import Address, Envelope
from .journals.port import NewEntry, Recorded, Snapshot
from .moves import Arrived, Left

MIN_BYTES_BETWEEN_SNAPSHOTS = 64 * 1024
"""Folding that much takes about a millisecond: a snapshot any earlier would not pay."""
SNAPSHOT_GROWTH = 4
"""A large state is written again only after this many times its size in entries, so its cost per entry is bounded."""


SNAPSHOT_NOW = 1 << 62
"""More bytes than any history has: a state that came from elsewhere has no entries here to be folded from."""


class Entity:
    """One active entity. `in_flight` holds the ids of effects that were sent and are not answered yet."""

    __slots__ = (
        "address",
        "apply",
        "bytes_since_snapshot",
        "codec",
        "decide",
        "events",
        "in_flight",
        "kind",
        "lives_in",
        "remind_at",
        "shard",
        "snapshot_bytes",
        "state",
        "used_at",
        "version",
        "waiting",
    )

    def __init__(self, kind: Kind, codec: KindCodec, address: Address, shard: int) -> None:
        self.kind = kind
        self.codec = codec
        self.address = address
        self.shard = shard
        self.lives_in = shard
        self.decide = kind.decide
        self.apply = kind.apply
        self.state: Any = None
        self.version = 0
        self.events: list[Event] | None = None
        self.in_flight: set[str] | None = None
        self.waiting: list[Envelope] | None = None
        self.remind_at: Instant | None = None
        self.bytes_since_snapshot = 0
        self.snapshot_bytes = 0
        self.used_at = 0.0

    def restore(self, recorded: Recorded) -> None:
        """Snapshot + replay: the only way an entity's state ever comes to be."""
        if recorded.snapshot is None:
            self.state = self.kind.new(self.address[1])
        else:
            self.state = self.codec.decode_state(recorded.snapshot.state)
            self.version = recorded.snapshot.version
            self.snapshot_bytes = len(recorded.snapshot.state)
        for entry in recorded.entries:
            for event in self.codec.decode_events(entry.events):
                self._apply(event)
            self.version = entry.version
            self.bytes_since_snapshot += len(entry.events)

    def record(self, events: Iterable[Event]) -> bool:
        """Apply the events and keep them for the turn's append; True if they are the turn's first of this entity."""
        state, apply = self.state, self.apply
        for event in events:
            apply(state, event)
        if self.events is None:
            self.events = list(events)
            return True
        self.events.extend(events)
        return False

    def leave(self, shard: int) -> bool:
        """Record that the entity lives in another shard from now on; as `record`."""
        self.lives_in = shard
        return self._keep(Left(shard))

    def arrive(self, elsewhere: "Entity") -> bool:
        """Take over the state that another shard let go of; as `record`."""
        self.state = elsewhere.state
        self.version = elsewhere.version
        self.lives_in = self.shard
        self.bytes_since_snapshot = SNAPSHOT_NOW
        return self._keep(Arrived(elsewhere.shard))

    @property
    def just_arrived(self) -> bool:
        """Whether this turn brought the entity here: its snapshot must be written before it can leave again."""
        return self.events is not None and type(self.events[0]) is Arrived

    def _apply(self, event: Event) -> None:
        if type(event) is Left:
            self.lives_in = event.shard
        elif type(event) is Arrived:
            self.lives_in = self.shard
        else:
            self.apply(self.state, event)

    def _keep(self, event: Event) -> bool:
        if self.events is None:
            self.events = [event]
            return True
        self.events.append(event)
        return False

    def take_entry(self, now: Instant) -> NewEntry:
        """This turn's events as one journal entry."""
        assert self.events is not None
        data = self.codec.encode_events(self.events)
        self.events = None
        self.version += 1
        self.bytes_since_snapshot += len(data)
        return NewEntry(self.address[0], self.address[1], self.version, now, data)

    @property
    def wants_snapshot(self) -> bool:
        """Whether enough was recorded since the last snapshot to make another worth it.

        Never together with the entity's leaving: whoever loads a snapshot doesn't read the entry that it stands for,
        and would not learn that the entity lives elsewhere.
        """
        if self.lives_in != self.shard:
            return False
        recorded = self.bytes_since_snapshot
        return recorded > MIN_BYTES_BETWEEN_SNAPSHOTS and recorded > SNAPSHOT_GROWTH * self.snapshot_bytes

    def take_snapshot(self) -> Snapshot:
        """A snapshot of the state now."""
        data = self.codec.encode_state(self.state)
        self.bytes_since_snapshot = 0
        self.snapshot_bytes = len(data)
        return Snapshot(self.address[0], self.address[1], self.version, data)

    @property
    def busy(self) -> bool:
        """Something outside memory refers to it: it must not be passivated now."""
        return bool(self.in_flight) or bool(self.waiting)

    @property
    def unfinished(self) -> bool:
        """It waits for an effect or a reminder: after a restart somebody must wake it."""
        return self.remind_at is not None or bool(self.in_flight)
