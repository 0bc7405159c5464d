"""Many commands to one entity as one: they travel, wait and are answered together, decided one after the other."""

from typing import Any

from engine.kernel import Answer, Command, Rejected, Reply

COMMANDS_PER_SHEAF = 256
"""A sheaf counts as one in a mailbox and a turn: this bounds what one can be."""


class Sheaf(Command, frozen=True, tag="runtime.Sheaf"):
    """The runtime's word to an entity: decide each of these, in order."""

    commands: list[Any]


class Replies(Answer, frozen=True, tag="runtime.Replies"):
    """The answer of each command of a sheaf; where one was rejected, None, and the rejection by its index."""

    answers: list[Any]
    rejected: dict[int, Rejected] = {}

    def in_order(self) -> list[Reply]:
        """One reply for each command."""
        return [self.rejected.get(index, answer) for index, answer in enumerate(self.answers)]
