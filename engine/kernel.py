"""The words every entity speaks: commands, outcomes, events, effects, and the description of a kind.

An entity's module supplies the functions; a `Kind` ties them together, so that the runtime can host the entity
without knowing anything of commerce.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from .reasons import Reason

Instant = int
"""Milliseconds since the Unix epoch, UTC. Time is always an argument here, never read from a clock."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Whatever is written to a journal or crosses a process.

    The class name is the entry type and is named for good; new fields go last and have defaults, so that a journal
    written by an older version still reads. Messages are trees of plain values, never cycles: `gc=False` is safe.
    """


class Command(Message, frozen=True):
    """A request to one entity, in the imperative."""


class Event(Message, frozen=True):
    """A fact that one entity recorded, in the past tense."""


class Answer(Message, frozen=True):
    """What an accepted command says to whoever sent it."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The command may happen: record these events (none for a read or a retry), then answer."""

    events: tuple[Event, ...] = ()
    answer: Answer | None = None


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The command is refused for a reason of the business; nothing is recorded by this outcome."""

    reason: Reason
    details: dict[str, Any] = {}


def invalid(field: str, must: str) -> Rejected:
    """The refusal of a command that no state could accept: its `field` must be as `must` says."""
    return Rejected(Reason.INVALID_COMMAND, {"field": field, "must": must})


Outcome = Accepted | Rejected
Reply = Answer | Rejected | None
"""What reaches the sender of a command: the answer of an accepted one, or the refusal."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """An effect: a command to another entity, sent again until its reply is recorded."""

    id: str
    kind: str
    key: str
    command: Command


class Request(msgspec.Struct, frozen=True, gc=False):
    """An effect: a call to the outside (a payment provider), made again until its answer is recorded."""

    id: str
    gateway: str
    call: Command


Effect = Send | Request


class EffectAnswered(Command, frozen=True):
    """The runtime's word to an entity: the effect `effect_id` of your state was answered like this."""

    effect_id: str
    reply: Any


class ReminderDue(Command, frozen=True):
    """The runtime's word to an entity: the instant you asked to be reminded at has come."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of entity: its functions and the types that its codec needs.

    - `new(key)` is the state before the first event.
    - `decide(state, command, now)` never changes state; `apply(state, event)` changes it in place and never refuses.
    - `effects(state)` is whatever the state still waits for from elsewhere. It is derived from the state alone, so a
      restart finds the same effects again: none can be lost, and each has an id that makes repeating it harmless.
    - `remind_at(state)` is the earliest instant at which the entity wants `ReminderDue`, or None.
    - `settled(state)` is the final answer of a process, or None while it is under way.
    - `view(state)` is what watchers of the kind are told.
    - `listed` kinds can be enumerated (products can, orders can't).
    - `commands`, `events`, `answers` are unions of messages; `state` is a mutable msgspec struct: its own snapshot.
    """

    name: str
    new: Callable[[str], Any]
    decide: Callable[[Any, Any, Instant], Outcome]
    apply: Callable[[Any, Any], None]
    commands: Any
    events: Any
    answers: Any
    state: type
    effects: Callable[[Any], Iterable[Effect]] | None = None
    remind_at: Callable[[Any], Instant | None] | None = None
    settled: Callable[[Any], Answer | None] | None = None
    view: Callable[[Any], Answer] | None = None
    listed: bool = False

    @property
    def has_work(self) -> bool:
        """Whether such an entity can have something to resume after a restart."""
        return self.effects is not None or self.remind_at is not None


def tag_of(key: str) -> str:
    """The part of a key before `@`: entities that share it live in one shard and can change in one append."""
    return key.partition("@")[0]
