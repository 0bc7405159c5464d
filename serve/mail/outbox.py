"""Mails that are to leave while nobody waits for them: neither the answer nor its time tells whether one did."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from actors.errors import Overloaded, Unavailable

from .port import Mailer, MailRefused, MailUnavailable, Message

MOST_WAITING = 1_000
TRIES = 5
FIRST_PAUSE_S = 1.0

Write = Callable[[], Awaitable[Message | None]]
"""Makes the message, or finds that there is none to send."""

logger = logging.getLogger("doorbuster.mail")


class Outbox:
    """Sends in the background, each message up to `TRIES` times. What waits here is lost with the process: whoever
    misses a mail asks for it again."""

    def __init__(self, mailer: Mailer, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._mailer = mailer
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, write: Write) -> None:
        """Write and send a mail behind the scenes. Raises actors.errors.Overloaded when too many wait."""
        if len(self._tasks) >= MOST_WAITING:
            raise Overloaded(f"{MOST_WAITING} mails wait already")
        self._begin(self._send(write))

    async def idle(self) -> None:
        """Wait until nothing is left to be sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, write: Write) -> None:
        pause_s = FIRST_PAUSE_S
        for tried in range(1, TRIES + 1):
            try:
                message = await write()
                if message is not None:
                    await self._mailer.send(message)
                return
            except MailRefused as error:
                logger.warning("A mail was refused: %s", error)
                return
            except (MailUnavailable, Unavailable) as error:
                logger.info("A mail could not be sent (try %d of %d): %s", tried, TRIES, error)
            except Exception:
                logger.exception("A mail could not be written")
                return
            await self._sleep(pause_s)
            pause_s *= 4
        logger.warning("A mail was given up after %d tries", TRIES)
