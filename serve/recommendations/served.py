"""The ways to what Serve runs for recommendations. Whoever imports this imports Ray.

To models: Serve says where they are, the questions go there over a socket. Serve is told by a call that stays open as
long as this process wants a model: it chooses the process that takes the call, and how many there are.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from ray.serve.handle import DeploymentHandle

from actors.errors import Unavailable

from .deployment import APPLICATION_NAME, NAMES, RECOMMENDER, WATCH_S, Watched
from .port import Answered, ModelMissing, Query, Standing, Variant
from .wire import Asking, connect

TRIED_AGAIN_S = 0.5
LOST_AFTER_S = WATCH_S + 20.0
"""A watch that hasn't ended by then is placed anew: nobody may be at its other end any more."""
ASKED_WITHIN_S = 2.0

logger = logging.getLogger("doorbuster.recommendations")

_decode = msgspec.msgpack.Decoder(Watched).decode


class ServedModels:
    """Implements `port.Models`."""

    def __init__(self) -> None:
        self._connections: dict[Variant, Asking] = {}
        self._standings: Mapping[str, Standing] = {}
        self._tried = asyncio.Event()
        """Set while any market has a challenger."""

    async def run(self) -> None:
        """Stay connected, until it is cancelled."""
        await asyncio.gather(*(self._stay_connected(variant) for variant in Variant))

    async def recommend(self, variant: Variant, market: str, queries: Sequence[Query]) -> Answered:
        connection = self._connections.get(variant)
        if connection is None:
            raise ModelMissing(f"no {variant} is connected")
        return await connection.ask(market, queries)

    async def standing(self) -> Mapping[str, Standing]:
        """What is deployed; while nobody can be asked about it, nothing is."""
        return self._standings if Variant.CHAMPION in self._connections else {}

    async def _stay_connected(self, variant: Variant) -> None:
        # Here, on the loop: a handle belongs to the loop that it is made on.
        watch = DeploymentHandle(NAMES[variant], APPLICATION_NAME).options(method_name="watch")
        known = b""
        while True:
            if variant is Variant.CHALLENGER:
                # Who wants none holds no call open: then Serve ends its process.
                await self._tried.wait()
            try:
                known = await self._watched(variant, watch.remote, known)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # Whatever Ray or Serve raises: the process ended, isn't there yet, or can't be reached.
                logger.info("The %s is away: %s", variant, error)
                known = b""
                await asyncio.sleep(TRIED_AGAIN_S)

    async def _watched(self, variant: Variant, watch: Callable[[bytes], Any], known: bytes) -> bytes:
        """What the process tells that took the watch, with a connection to it."""
        lost = asyncio.Event()
        connection = self._connections.get(variant)
        if connection is None or connection.closed:
            self._connections.pop(variant, None)
            known = b""
        else:
            connection.when_lost = lost.set
        told = asyncio.ensure_future(_awaited(watch(known)))
        ended = asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait((told, ended), timeout=LOST_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                self._connections.pop(variant, None)
                return b""
            data: bytes = told.result()
        finally:
            told.cancel()
            ended.cancel()
        watched = _decode(data)
        if variant not in self._connections or data != known:
            await self._connect(variant, watched)
        if variant is Variant.CHAMPION:
            self._standings = watched.standings
            if any(standing.trial is not None for standing in watched.standings.values()):
                self._tried.set()
            else:
                self._tried.clear()
                self._disconnect(Variant.CHALLENGER)
        return data

    async def _connect(self, variant: Variant, watched: Watched) -> None:
        known = self._connections.get(variant)
        if known is not None and known.where == (watched.address, watched.port) and not known.closed:
            return
        self._connections[variant] = await connect(watched.address, watched.port, watched.token)
        if known is not None:
            # What it was asked is answered; nobody asks it again.
            known.end_when_idle()

    def _disconnect(self, variant: Variant) -> None:
        connection = self._connections.pop(variant, None)
        if connection is not None:
            connection.end_when_idle()


class ServedRecommender:
    """Implements `port.Recommender`."""

    def __init__(self) -> None:
        self._handle: DeploymentHandle | None = None

    async def serving(self) -> bytes:
        return cast(bytes, await self._ask("serving"))

    async def metrics(self) -> str:
        return cast(str, await self._ask("metrics"))

    async def _ask(self, method: str) -> Any:
        if self._handle is None:
            # Not before somebody asks: it is told of every change that Serve makes.
            self._handle = DeploymentHandle(RECOMMENDER, APPLICATION_NAME)
        try:
            async with asyncio.timeout(ASKED_WITHIN_S):
                return await self._handle.options(method_name=method).remote()
        except Exception as error:
            # Whatever Ray or Serve raises: there is none yet, or it ended.
            raise Unavailable(f"no process recommends: {type(error).__name__}") from error


async def _awaited(response: Any) -> Any:
    return await response
