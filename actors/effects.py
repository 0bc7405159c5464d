"""Effects that leave a turn: commands to other shards and calls to the outside, repeated until answered."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from engine.kernel import Answer, Command, Effect, Reply, Request, Send

from .envelope import Address
from .errors import Unavailable
from .moves import Wake

if TYPE_CHECKING:
    from .volume import Volume

CALL_TIMEOUT_S = 3.0
"""A provider that hasn't answered by then is asked again with the same key."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0

logger = logging.getLogger("doorbuster.actors")


class Sender(Protocol):
    """How a host reaches any entity, wherever it is: the client."""

    def __call__(self, kind: str, key: str, command: Command) -> Awaitable[Reply]: ...


class Gateway(Protocol):
    """Something outside that answers calls; the same call again gets the same answer.

    One that needs longer than `CALL_TIMEOUT_S` says so by an attribute `timeout_s`.
    """

    def answer_at_once(self, call: Command) -> Answer | None:
        """The answer, where it is known without going out; else None, and `call` is used."""
        ...

    async def call(self, call: Command) -> Answer: ...


class Effects:
    """Carries effects out, one task each, until there is an answer or the entity no longer wants it."""

    def __init__(self, send: Sender, gateways: Mapping[str, Gateway]) -> None:
        self._send = send
        self._gateways = gateways
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, volume: "Volume", address: Address, shard: int, effect: Effect) -> None:
        """Begin; the answer comes back to `volume` as mail for the entity."""
        if type(effect) is Request:
            gateway = self._gateways.get(effect.gateway)
            answer = gateway.answer_at_once(effect.call) if gateway is not None else None
            if answer is not None:
                volume.answer(address, shard, effect.id, answer)
                return
        self._begin(self._until_answered(volume, address, shard, effect))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_answered(self, volume: "Volume", address: Address, shard: int, effect: Effect) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                reply = await self._carry_out(effect)
            except (Unavailable, TimeoutError, OSError) as error:
                logger.info("Effect %s of %s is sent again: %s", effect.id, address, error)
            except Exception:
                logger.exception("Effect %s of %s failed and is sent again", effect.id, address)
            else:
                volume.answer(address, shard, effect.id, reply)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            if not volume.still_wants(address, effect.id):
                return

    def wake_elsewhere(self, volume: "Volume", address: Address, shard: int) -> None:
        """See that an entity, which has left the shard, takes up its work where it lives now."""
        self._begin(self._until_awake(volume, address, shard))

    async def _until_awake(self, volume: "Volume", address: Address, shard: int) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._send(*address, Wake())
            except Unavailable as error:
                logger.info("%s is woken again: %s", address, error)
            else:
                volume.awake_elsewhere(address, shard)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _carry_out(self, effect: Effect) -> Reply:
        if isinstance(effect, Send):
            return await self._send(effect.kind, effect.key, effect.command)
        gateway = self._gateways.get(effect.gateway)
        if gateway is None:
            raise Unavailable(f"this host has no gateway called {effect.gateway}")
        async with asyncio.timeout(getattr(gateway, "timeout_s", CALL_TIMEOUT_S)):
            return await gateway.call(effect.call)

    async def close(self) -> None:
        """Stop; effects are derived from state, so whoever owns the shards next sends them again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
