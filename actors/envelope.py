"""A command on its way to an entity, with whoever waits for the reply."""

from typing import Any, Protocol

from engine.kernel import Command, Reply

Address = tuple[str, str]
"""(kind, key) of an entity."""


class Receiver(Protocol):
    """Whoever waits for a reply. `asyncio.Future` is one."""

    def done(self) -> bool: ...

    def set_result(self, reply: Any, /) -> None: ...

    def set_exception(self, error: Any, /) -> None: ...


class Envelope:
    """One command in a mailbox. `command` None only wakes the entity, so that it resumes its unfinished work.

    `deadline` and `settle_until` are instants of the event loop's clock in seconds: a command is never carried out
    after its deadline, so whoever sends again after that knows that the first try can't happen late. With
    `settle_until`, the reply waits until the entity's process has settled, at most that long.
    """

    __slots__ = ("address", "command", "deadline", "receiver", "settle_until", "shard")

    def __init__(
        self,
        address: Address,
        shard: int,
        command: Command | None,
        receiver: Receiver,
        deadline: float,
        settle_until: float = 0.0,
    ) -> None:
        self.address = address
        self.shard = shard
        self.command = command
        self.receiver = receiver
        self.deadline = deadline
        self.settle_until = settle_until

    def again(self, deadline: float) -> "Envelope":
        """The same command once more, without waiting for the process to settle."""
        return Envelope(self.address, self.shard, self.command, self.receiver, deadline)

    def reply(self, reply: Reply) -> None:
        """Hand the reply over, unless nobody waits any more."""
        if not self.receiver.done():
            self.receiver.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Tell the sender that there is no reply."""
        if not self.receiver.done():
            self.receiver.set_exception(error)


class Nobody:
    """The receiver of what the runtime sends on its own account: reminders, wake-ups, answers to effects."""

    def done(self) -> bool:
        return True

    def set_result(self, reply: Any, /) -> None:
        """Nobody waits."""

    def set_exception(self, error: Any, /) -> None:
        """Nobody waits: what the runtime sends is derived from state and will be sent again."""


NOBODY = Nobody()
