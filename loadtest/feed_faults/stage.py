"""A running shop with everything that hears of it, and what each of them says in the end."""

import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from ..behaviour import counted, events_in
from ..errors import LoadTestError
from ..faults.scene import Scene, Site
from ..faults.shards import SHARDS, sku_in
from ..faults.steady import SteadyLoad
from ..processes import ServerProcess, clean_environment
from ..shop import Shop
from .compared import Compared, Event, compare, differing, event_of, units_confirmed
from .parts import KafkaBroker, RedisBroker, Service
from .visitors import BATCH_EVENTS, SteadyVisitors

UNITS = 100_000
"""Of each SKU: more than a run can sell."""
NEAR_MS = 2_000
"""Whoever is behind by no more has caught up: so old may an event be while all is well."""
DRAIN_TIMEOUT_S = 90.0
LOOK_EVERY_S = 0.25
TOLD_TIMEOUT_S = 120.0
MINUTES = 60
"""Of the counters; a run is shorter."""


@dataclass(frozen=True)
class Verdict:
    """The whole run up to now: what was acknowledged and recorded against what everybody says."""

    stream: Compared
    topic: Compared
    books: tuple[int, int]
    """Units that the service lacks, and that it has too many of, against the stock of the shop itself."""
    purchases: tuple[int, int]
    """Acknowledged purchases that are not confirmed in the journal, and that are so more than once."""
    behaviour: tuple[int, int]
    """Acknowledged events of visitors that the lake lacks, and events that it has twice."""
    counters: tuple[int, int]
    """Orders, units and views that the counters have too few of, and too many."""
    lake: str
    """What `report verify` found wrong; empty where nothing is."""

    @property
    def missing(self) -> int:
        told = len(self.stream.missing) + len(self.topic.missing)
        return told + sum(each[0] for each in (self.books, self.purchases, self.behaviour, self.counters))

    @property
    def doubled(self) -> int:
        told = len(self.stream.strange) + len(self.topic.strange)
        return told + sum(each[1] for each in (self.books, self.purchases, self.behaviour, self.counters))

    @property
    def holds(self) -> bool:
        return not (self.missing or self.doubled or self.lake)


class Stage:
    """The parts, and those who buy and browse. Its brokers and the shop run already."""

    def __init__(
        self, site: Site, broker: RedisBroker, topic: KafkaBroker, workspace: Path, rates: tuple[float, float]
    ):
        self.site = site
        self.broker = broker
        self.topic = topic
        self.service = Service(workspace, broker.url)
        self.runs_service = asyncio.Event()
        """Cleared by whoever wants it to stay dead."""
        self._workspace = workspace
        self._rates = rates
        name = f"CLOCK-{secrets.token_hex(3).upper()}"
        self.skus = [sku_in(shard, name) for shard in range(SHARDS)]
        self.loads: list[SteadyLoad] = []
        self.visits: list[SteadyVisitors] = []

    @property
    def shop(self) -> Shop:
        return self.site.shop

    async def open(self) -> None:
        """Put everything on sale."""
        for sku in self.skus:
            await asyncio.to_thread(self.shop.put_product, sku, "Retro clock")
            await asyncio.to_thread(self.shop.receive, sku, UNITS)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[Scene]:
        """Inside, people buy and browse, and the service is started again whenever it has died."""
        purchases, events = self._rates
        load, visitors = SteadyLoad(self.shop, self.skus, purchases), SteadyVisitors(self.shop, self.skus, events)
        self.loads.append(load)
        self.visits.append(visitors)
        self.runs_service.set()
        running = asyncio.create_task(self._keep_service_running())
        try:
            async with load, visitors:
                yield Scene(self.site, load)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self.service.kill()

    async def _keep_service_running(self) -> None:
        while True:
            await self.runs_service.wait()
            if not self.service.runs():
                self.service.start()
            await asyncio.sleep(LOOK_EVERY_S)

    # -- how far everybody is

    async def until_near(self) -> float:
        """Wait until everybody is hardly behind; the seconds that it took. Raises LoadTestError."""
        return await self._until(lambda: self._is_near(NEAR_MS), "somebody does not catch up")

    async def until_all_read(self) -> None:
        """Wait until the feed has read everything."""
        await self._until(lambda: self._feed_is_near(0), "the feed does not come to an end")

    async def _until(self, condition: Any, failure: str) -> float:
        began = time.monotonic()
        while not await asyncio.to_thread(condition):
            if time.monotonic() > began + DRAIN_TIMEOUT_S:
                raise LoadTestError(f"{failure}: {self._unread()}, {self._standings()}")
            await asyncio.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def _unread(self) -> str:
        try:
            return f"the service has unread events of {self.broker.unread_ms():,} ms ago"
        except redis.RedisError as error:
            return f"Redis is away ({error})"

    def _is_near(self, behind_ms: int) -> bool:
        if not self._feed_is_near(behind_ms):
            return False
        with contextlib.suppress(redis.RedisError):
            return self.broker.unread_ms() <= behind_ms
        return False

    def _feed_is_near(self, behind_ms: int) -> bool:
        found = self._standings()
        return bool(found) and all(
            each["positions"] and not each["waits_because"] and each["lag_ms"] <= behind_ms for each in found
        )

    def _standings(self) -> list[dict[str, Any]]:
        # While the process is away it answers nothing, or with a 503.
        with contextlib.suppress(LoadTestError):
            items: list[dict[str, Any]] = self.shop.request("GET", "/v1/admin/feed")["items"]
            return items
        return []

    # -- the comparison

    async def verdict(self) -> Verdict:
        """Once everybody has read everything. Nobody buys meanwhile."""
        await self.until_all_read()
        recorded = await asyncio.to_thread(self.recorded)
        stream = await asyncio.to_thread(self.broker.events)
        topic = await asyncio.to_thread(self.topic.events)
        books = await asyncio.to_thread(self.service.books)
        sold = {sku: UNITS - (await asyncio.to_thread(self.shop.stock, sku)).on_hand for sku in self.skus}
        return Verdict(
            compare(recorded, stream),
            compare(recorded, topic),
            differing(books, {sku: units for sku, units in sold.items() if units}),
            self._purchases_in(recorded),
            await self._visits_in_lake(),
            await asyncio.to_thread(self._counters, recorded),
            await asyncio.to_thread(self._verified),
        )

    def recorded(self) -> list[Event]:
        """Every public event of the journal, read without any relay."""
        told = self._program("feed", "tail", "--from", "start", "--no-follow")
        return [event_of(json.loads(line)) for line in told.splitlines()]

    def _purchases_in(self, recorded: Sequence[Event]) -> tuple[int, int]:
        confirmed: dict[str, int] = {}
        for event in recorded:
            if event.type == "doorbuster.order.confirmed.v1":
                confirmed[event.data["order_id"]] = confirmed.get(event.data["order_id"], 0) + 1
        bought = [each.attempt.order_id for load in self.loads for each in load.purchases if each.bought]
        return sum(order not in confirmed for order in bought), sum(count - 1 for count in confirmed.values())

    async def _visits_in_lake(self) -> tuple[int, int]:
        found = [
            await counted(self.site.data / "lake", each.run, each.acknowledged, BATCH_EVENTS) for each in self.visits
        ]
        return sum(missing for missing, _ in found), sum(doubled for _, doubled in found)

    def _counters(self, recorded: Sequence[Event]) -> tuple[int, int]:
        lake = self.site.data / "lake"
        views = sum(rows for each in self.visits for rows, _ in events_in(lake, each.run).values())
        units = sum(units_confirmed(recorded).values())
        orders = sum(event.type == "doorbuster.order.confirmed.v1" for event in recorded)
        told = self.shop.request("GET", f"/v1/reports/now?minutes={MINUTES}")["sum"]
        wanted = {"orders": orders, "units": units, "views": views}
        return differing({name: told[name] for name in wanted}, wanted)

    def _verified(self) -> str:
        try:
            self._program("report", "verify")
        except LoadTestError as error:
            return str(error)
        return ""

    def _program(self, *words: str) -> str:
        log = self._workspace / "command.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "serve.cli", *words, "--data", str(self.site.data)]
        return ServerProcess("doorbuster " + " ".join(words), command, log, environment=clean_environment()).wait(
            TOLD_TIMEOUT_S
        )
