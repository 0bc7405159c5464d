"""Somebody trims the journal while everything else happens, and breaks off in the middle now and then."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, cast

from actors.journals.port import Journal
from actors.journals.trimming import trim_journal
from engine.kinds import KINDS

from .disk import Disk, at_once

LONGEST_REST_S = 6.0
LONGEST_ANSWER_S = 0.02
"""Of the disk, to whoever trims: hosts commit between any two of its questions."""
PATIENCE_S = (0.02, 0.2, 5.0)
FOREVER_MS = 1 << 60
"""Later than anything: however young, entries go once checkpoint and consumers have passed them."""


class SlowJournal:
    """The disk's journal, whose every answer takes a while, by dice of its own."""

    def __init__(self, disk: Disk, random: Random) -> None:
        self._disk = disk
        self._random = random

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        operation = getattr(self._disk.journal, name)

        async def after_a_while(*arguments: Any) -> Any:
            await asyncio.sleep(self._random.random() * LONGEST_ANSWER_S)
            result = at_once(operation(*arguments))
            if name == "trim":
                self._disk.counts["entities trimmed"] += len(arguments[2])
            return result

        return after_a_while


async def trim_now_and_then(disk: Disk, random: Random) -> None:
    """Trim until the end of the world."""
    journal = cast(Journal, SlowJournal(disk, random))
    while True:
        await asyncio.sleep(random.random() * LONGEST_REST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(random.choice(PATIENCE_S)):
                await trim_journal(journal, KINDS, FOREVER_MS, lambda doing, done, total: None)
