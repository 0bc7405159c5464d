"""A Lua script called over one pipelined connection: what arrives while a batch is away goes with the next."""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis

Call = tuple[Sequence[str], Sequence[str | int], asyncio.Future[bytes]]


class PipelinedScript:
    """Faster than a pool of connections here: one write, one read and one sync of the log per batch of calls."""

    def __init__(self, client: Redis, digest: str) -> None:
        self._client = client
        self._digest = digest
        self._waiting: list[Call] = []
        self._sender: asyncio.Task[None] | None = None
        self._busy = False

    async def __call__(self, keys: Sequence[str], arguments: Sequence[str | int]) -> bytes:
        """The script's answer; raises what the server or the connection raised."""
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, arguments, reply))
        if not self._busy:
            # A lone call is sent by its caller, without the detour of a task.
            self._busy = True
            await self._send_batch()
            if self._waiting:
                self._sender = asyncio.create_task(self._send_all())
            else:
                self._busy = False
        return await reply

    async def _send_all(self) -> None:
        while self._waiting:
            await self._send_batch()
        self._busy = False

    async def _send_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        pipeline = self._client.pipeline(transaction=False)
        for keys, arguments, _ in batch:
            pipeline.evalsha(self._digest, len(keys), *keys, *arguments)
        try:
            replies = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # The connection broke: each caller hears it, none waits for ever.
            replies = [error] * len(batch)
        for (_, _, reply), answer in zip(batch, replies, strict=True):
            if reply.done():
                continue
            if isinstance(answer, Exception):
                reply.set_exception(answer)
            else:
                reply.set_result(answer)
