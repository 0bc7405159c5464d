"""What a stream waits at: whoever changes something rings, and a hundred rings before it looks are one."""

import asyncio


class Bell:
    """For one stream. Nothing is queued: it looks for itself what is new by then, so a slow reader costs no memory."""

    __slots__ = ("_rung", "_waiter")

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """There is something to look at."""
        self._rung = True
        self._wake()

    async def heard(self, within_s: float) -> bool:
        """Wait for the next ring, or until the time is over; whether it rang."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(within_s, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        rung, self._rung = self._rung, False
        return rung

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
