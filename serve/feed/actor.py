"""The feed process as a Ray actor: how it is started, and the desk at which others ask it. Whoever imports this imports
Ray, which then reads its environment."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from actors import on_ray
from actors.errors import Unavailable
from actors.feed.process import FeedSpec, FeedWork

from ..settings import Settings
from ..version import version_of_feed

ANSWER_TIMEOUT_S = 30.0
"""For the longest report; what is simple is answered at once."""


def start_feed(settings: Settings) -> None:
    """Have the feed process run in the Ray that this process is connected to, without waiting for it."""
    on_ray.start_feed(FeedSpec(partial(_compose, settings), version_of_feed(settings)))


async def _compose(settings: Settings) -> FeedWork:
    # Here, in the process that needs it: whoever starts it, or asks it, needs nothing of what it is made of.
    from .process import compose_feed

    return await compose_feed(settings)


class RemoteDesk:
    """Asks the feed process from any other one of the cluster."""

    def __init__(self) -> None:
        self._feed = on_ray.RayFeed()

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._feed.ask(method, arguments or {})
        except TimeoutError as error:
            raise Unavailable(f"the feed process did not answer {method} in {ANSWER_TIMEOUT_S:g} s") from error
