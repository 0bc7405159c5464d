"""A running shop under steady load, with a way to hit its processes and to tell whose shards they ran."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from ..errors import ServerFailed
from ..shop import Shop
from .shards import SHARDS, shard_of
from .steady import Purchase, SteadyLoad

POLL_INTERVAL_S = 0.1
LOOK_S = 0.4
"""How long a host is stopped to see which shards it runs: too short for anybody to take it for dead."""
CALM_S = 1.0
QUIET_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Strike:
    """One fault: when it began, when the next could, and the shards whose host it hit; none: nobody's in particular."""

    at: float
    until: float
    shards: frozenset[int]


class Server(Protocol):
    """The process that started a shop; a `ServerProcess` is one."""

    def family(self) -> list[psutil.Process]:
        """The processes that it has started, and those that they have."""
        ...

    def tail(self) -> str:
        """The end of what it wrote."""
        ...


@dataclass(frozen=True)
class Site:
    """A running shop, the process that started it, and its data directory."""

    shop: Shop
    server: Server
    data: Path


class Scene:
    """The shop, its load, and the strikes so far."""

    def __init__(self, site: Site, load: SteadyLoad) -> None:
        self.load = load
        self.strikes: list[Strike] = []
        self._shop = site.shop
        self._server = site.server
        self._logs = site.data / "logs"

    def pids_of(self, part: str, *, parent: int | None = None) -> list[int]:
        """The shop's processes whose command line has `part`, the oldest first; of one parent only, if it is named."""
        found = []
        for process in self._server.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if part in " ".join(process.cmdline()) and parent in (None, process.ppid()):
                    found.append((process.create_time(), process.pid))
        return [pid for _, pid in sorted(found)]

    def pid_of(self, part: str) -> int:
        """The oldest of them; raises ServerFailed if there is none."""
        for pid in self.pids_of(part):
            return pid
        raise ServerFailed("the shop", f"has no process called {part}", self._server.tail())

    async def until_there(self, part: str, count: int, timeout_s: float = QUIET_TIMEOUT_S) -> None:
        """Wait until that many such processes run."""
        deadline = time.monotonic() + timeout_s
        while len(self.pids_of(part)) < count:
            if time.monotonic() > deadline:
                raise ServerFailed("the shop", f"has not {count} processes called {part} after {timeout_s:.0f} s")
            await asyncio.sleep(POLL_INTERVAL_S)

    async def until_replaced(self, part: str, killed: int, count: int, timeout_s: float = QUIET_TIMEOUT_S) -> None:
        """Wait until that many such processes run, and the one that was killed is not among them."""
        deadline = time.monotonic() + timeout_s
        while killed in (pids := self.pids_of(part)) or len(pids) < count:
            if time.monotonic() > deadline:
                raise ServerFailed("the shop", f"has not {count} processes called {part} after {timeout_s:.0f} s")
            await asyncio.sleep(POLL_INTERVAL_S)

    async def until_calm(self) -> None:
        """Wait until every purchase of the last moment was answered at once."""
        deadline = time.monotonic() + QUIET_TIMEOUT_S
        while time.monotonic() < deadline:
            await asyncio.sleep(CALM_S)
            since = time.monotonic() - CALM_S
            recent = [each for each in reversed(self.load.purchases[-1_000:]) if each.sent_at > since - CALM_S]
            if not any(each.sent_at < since and each.ended_at is None for each in recent):
                return

    @contextlib.asynccontextmanager
    async def struck(self, window_s: float, shards: frozenset[int] = frozenset()) -> AsyncIterator[None]:
        """The block is the fault; what happens in the `window_s` after its beginning is put down to it."""
        at = time.monotonic()
        yield
        await asyncio.sleep(at + window_s - time.monotonic())
        self.strikes.append(Strike(at, time.monotonic(), shards))

    async def shards_of(self, pid: int) -> frozenset[int]:
        """The shards that a host process runs: those of which nobody answers while it is stopped for a moment."""
        orders = await self._an_order_of_each_shard()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            with stopped(pid):
                asked = {shard: asyncio.create_task(self._look(session, each)) for shard, each in orders.items()}
                await asyncio.wait(asked.values(), timeout=LOOK_S)
                silent = frozenset(shard for shard, task in asked.items() if not task.done())
            await asyncio.gather(*asked.values())
        return silent

    async def _an_order_of_each_shard(self) -> Mapping[int, Purchase]:
        """Which shard an order comes to lie in is chance: wait until there was one in each."""
        deadline = time.monotonic() + QUIET_TIMEOUT_S
        while time.monotonic() < deadline:
            bought = {shard_of(each.attempt.order_id): each for each in self.load.purchases if each.bought}
            if len(bought) == SHARDS:
                return bought
            await asyncio.sleep(POLL_INTERVAL_S)
        raise ServerFailed("the load", f"has not bought in each of {SHARDS} shards after {QUIET_TIMEOUT_S:.0f} s")

    async def _look(self, session: aiohttp.ClientSession, purchase: Purchase) -> None:
        attempt = purchase.attempt
        headers = {"Authorization": f"Bearer {attempt.access_token}"}
        async with session.get(f"{self._shop.url}/v1/orders/{attempt.order_id}", headers=headers) as answer:
            await answer.read()

    def log_lines(self, sentence: str) -> int:
        """How often the shop's processes have written the sentence."""
        files: Sequence[Path] = [path for path in self._logs.rglob("*") if path.is_file()]
        return sum(path.read_text(errors="replace").count(sentence) for path in files)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process stands still inside the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
