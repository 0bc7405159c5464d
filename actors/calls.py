"""Calls to other processes: whoever is stopped, cut off or dead may never answer, and nobody may wait for ever."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from .errors import Unavailable

T = TypeVar("T")


async def in_time(call: Awaitable[T], timeout_s: float) -> T:
    """What the other process answers. Raises `Unavailable`, also when it says nothing: it may have happened then."""
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except TimeoutError as error:
        raise Unavailable(f"no answer in {timeout_s:g} s") from error
