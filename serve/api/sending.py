"""A command on behalf of a route: its answer, or the problem that the refusal is."""

from typing import TypeVar

from engine.kernel import Command, Rejected

from ..shop import Shop
from .problems import refused

View = TypeVar("View")


async def answered(
    shop: Shop, kind: str, key: str, command: Command, view: type[View], *, settle_s: float = 0.0
) -> View:
    """The answer of the entity, which is a `view`; raises ProblemError, actors.errors.Unavailable."""
    reply = await shop.client.send(kind, key, command, settle_s=settle_s)
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, view)
    return reply


async def view_of(shop: Shop, kind: str, key: str, look: Command, view: type[View]) -> View | None:
    """What the look sees, or None where there is nothing; raises actors.errors.Unavailable."""
    reply = await shop.client.send(kind, key, look)
    return reply if isinstance(reply, view) else None
