"""Looking at visitors from inside the shop: what recommendations, and visitors themselves, ask many times a second."""

from typing import Protocol

from engine.kernel import Command, Reply
from engine.visitor import VISITOR, LookVisitor, VisitorView, anonymous_key


class Sender(Protocol):
    """The way to entities."""

    async def send(self, kind: str, key: str, command: Command) -> Reply: ...


class BehaviourCounts:
    """What this process was told since it began."""

    def __init__(self) -> None:
        self.by_outcome = {"recorded": 0, "repeated": 0}
        self.batches = 0
        self.unlinked = 0


class Visitors:
    """What visitors did last and what they seem to like. Nothing is kept here: an event whose 202 was sent before the
    question is in the answer."""

    def __init__(self, client: Sender) -> None:
        self._client = client

    async def customer(self, account_id: str) -> VisitorView:
        """A customer, on whatever device; empty for one of whom nothing is known. Raises actors.errors.Unavailable."""
        return await self._look(account_id)

    async def anonymous(self, anonymous_id: str) -> VisitorView:
        """A browser or an app since its last login; as `customer`."""
        return await self._look(anonymous_key(anonymous_id))

    async def _look(self, key: str) -> VisitorView:
        seen = await self._client.send(VISITOR.name, key, LookVisitor())
        assert isinstance(seen, VisitorView)
        return seen
