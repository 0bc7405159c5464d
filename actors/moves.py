"""Pinning: an entity leaves its home shard for one of its own, and comes back, while it is in use.

The journal alone decides where an entity lives. Its last word in the shard that it leaves is `Left(to)`; that append is
the moment of the move. The shard that it goes to takes the state over from there when the first command comes, and
records `Arrived`. Whoever crashes in between has nothing to repair: the next command finds the same two journals. The
shard that it left sees to it that one comes, `Wake` if no other: a hold must expire also where nobody asks any more.
"""

from engine.kernel import Command, Event


class Left(Event, frozen=True, tag="runtime.Left"):
    """The entity lives in `shard` from now on; nothing more of it is recorded here until it comes back."""

    shard: int


class Arrived(Event, frozen=True, tag="runtime.Arrived"):
    """The entity came from `shard`, with the state that a snapshot of this version holds."""

    shard: int


class Leave(Command, frozen=True, tag="runtime.Leave"):
    """The runtime's word to an entity: live in `shard` from now on."""

    shard: int


class Wake(Command, frozen=True, tag="runtime.Wake"):
    """The runtime's word to an entity that moved: take up here what you wait for."""
