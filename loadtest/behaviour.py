"""Visitors' behaviour beside a shop that sells: 10,000 events a second in batches of 50, then the lake is counted.

Purchases alone, events alone, then both. Batches leave when they are due, whatever became of those before (an open
loop), and their times count from then. At the end every acknowledged event must be in the lake, and none twice.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from .commands import exit_status
from .errors import ServerFailed
from .measurement import Measurement
from .processes import PROJECT, SCRATCH, answers_ok, clean_environment
from .rush import put_on_sale
from .shop import ADMIN_KEY_FILE, Shop, order_body, read_admin_key, start_shop
from .wrk import Target, drive

EVENTS_PATH = "/v1/events"
UNITS = 1_000_000
CONNECTIONS = 32
"""Over which purchases come, and as many again for events."""
MOST_UNDER_WAY = 1_000
"""Batches that wait for their answers: a shop that is so far behind gets no more."""
TIMEOUT_S = 30.0
PATIENCE_S = 120.0
"""How long the lake may take to have everything."""
SHOWN_EVERY_S = 1.0
LOOK_EVERY_S = 2.0
COUNT_PROGRAM = "serve.measure.behaviour"


@dataclass
class Told:
    """What became of the batches of one stretch; times in milliseconds, from when each was due."""

    batch_events: int
    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    failed: dict[str, int] = field(default_factory=dict)

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.times_ms) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def __str__(self) -> str:
        rate = len(self.acknowledged) * self.batch_events / self.seconds
        failures = "".join(f", {count} x {what}" for what, count in self.failed.items())
        return (
            f"{rate:,.0f} events/s, 202 after p50 {self.percentile(50):.1f} ms, p99 {self.percentile(99):.1f} ms"
            f"{failures}"
        )


class Visitors:
    """Sends batches of one run; each has a number, which its events' ids begin with."""

    def __init__(self, url: str, skus: Sequence[str], *, per_second: int, batch_events: int, visitors: int) -> None:
        self.run = secrets.token_hex(4)
        self._url = url
        self._skus = skus
        self._pause_s = batch_events / per_second
        self._batch_events = batch_events
        self._visitors = visitors
        self._sent = 0

    async def browse(self, seconds: float, what: str) -> Told:
        """Send for so long."""
        told = Told(self._batch_events)
        under_way: set[asyncio.Task[None]] = set()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(self._url, timeout=timeout, connector=connector) as session:
            began = due = shown = time.monotonic()
            while due < began + seconds:
                if (early_s := due - time.monotonic()) > 0:
                    await asyncio.sleep(early_s)
                if len(under_way) < MOST_UNDER_WAY:
                    task = asyncio.create_task(self._tell(session, self._sent, due, told))
                    self._sent += 1
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                else:
                    told.failed["not sent"] = told.failed.get("not sent", 0) + 1
                due += self._pause_s
                if due >= shown + SHOWN_EVERY_S:
                    shown = due
                    _show(f"{what}: {due - began:3.0f}/{seconds:.0f} s  {len(told.acknowledged):,} batches")
            await asyncio.gather(*under_way)
            told.seconds = time.monotonic() - began
        return told

    async def _tell(self, session: aiohttp.ClientSession, number: int, due: float, told: Told) -> None:
        try:
            async with session.post(EVENTS_PATH, data=self.body(number), headers=_JSON) as response:
                await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome = type(error).__name__
        else:
            outcome = str(response.status)
        told.times_ms.append((time.monotonic() - due) * 1_000)
        if outcome == "202":
            told.acknowledged.add(number)
        else:
            told.failed[outcome] = told.failed.get(outcome, 0) + 1

    def body(self, number: int) -> bytes:
        """What batch `number` says, each time that it is sent."""
        visitor = f"{self.run}-{number % self._visitors:06}"
        events = ",".join(
            f'{{"id":"{self.run}.{number}.{place}","type":"view","placement":"home","position":{place + 1},'
            f'"sku":"{self._skus[(number * 7 + place) % len(self._skus)]}"}}'
            for place in range(self._batch_events)
        )
        return f'{{"anonymous_id":"{visitor}","session_id":"{visitor}","events":[{events}]}}'.encode()


_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Result:
    """What was measured, and what the lake says of it."""

    without: Measurement
    alone: Told
    beside: Measurement
    told: Told
    missing: int
    doubled: int
    lake_s: float

    def is_complete(self) -> bool:
        return not (self.missing or self.doubled or self.alone.failed or self.told.failed)

    def __str__(self) -> str:
        share = self.beside.rate_per_s / self.without.rate_per_s
        events = (len(self.alone.acknowledged) + len(self.told.acknowledged)) * self.told.batch_events
        return "\n".join(
            [
                f"purchases alone: {_in_short(self.without)}",
                f"events alone: {self.alone}",
                f"purchases beside events: {_in_short(self.beside)}; {share:.0%} of those alone",
                f"events beside purchases: {self.told}",
                f"{events:,} events acknowledged; in the lake {self.lake_s:.0f} s after the last: {self.missing:,} "
                f"missing, {self.doubled:,} doubled",
            ]
        )


def _in_short(measured: Measurement) -> str:
    return f"{measured.rate_per_s:,.0f}/s, p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms"


async def measure(shop: Shop, lake: Path, options: argparse.Namespace) -> Result:
    """Buy, browse, do both, and count."""
    (sku,) = await asyncio.to_thread(put_on_sale, shop, ("RETRO-CLOCK",), UNITS)
    listed = await asyncio.to_thread(shop.request, "GET", "/v1/products?limit=100")
    skus = [product["sku"] for product in listed["items"]]
    purchases = Target(f"{shop.url}/v1/orders", "POST", json.dumps(order_body([sku])), counted_status=201)
    visitors = Visitors(
        shop.url, skus, per_second=options.events, batch_events=options.batch, visitors=options.visitors
    )
    seconds = options.seconds
    _show(f"purchases alone, {seconds} s")
    without = await asyncio.to_thread(drive, purchases, CONNECTIONS, seconds)
    alone = await visitors.browse(seconds, "events alone")
    buying = asyncio.create_task(asyncio.to_thread(drive, purchases, CONNECTIONS, seconds))
    told = await visitors.browse(seconds, "events beside purchases")
    beside = await buying
    ended = time.monotonic()
    acknowledged = alone.acknowledged | told.acknowledged
    missing, doubled = await counted(lake, visitors.run, acknowledged, options.batch)
    return Result(without, alone, beside, told, missing, doubled, time.monotonic() - ended)


async def counted(lake: Path, run: str, acknowledged: set[int], batch_events: int) -> tuple[int, int]:
    """How many acknowledged events the lake lacks once it has had time, and how many it has twice."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = await asyncio.to_thread(events_in, lake, run)
        missing, doubled = compared(found, acknowledged, batch_events)
        if not missing or time.monotonic() > deadline:
            return missing, doubled
        _show(f"the lake lacks {missing:,} events yet")
        await asyncio.sleep(LOOK_EVERY_S)


def compared(found: Mapping[str, Sequence[int]], acknowledged: set[int], batch_events: int) -> tuple[int, int]:
    """Events that are missing and events that are doubled, by each batch's rows and different ids in the lake.

    A batch that was not acknowledged may be there, too, but not twice.
    """
    missing = sum(batch_events - found.get(str(number), (0, 0))[1] for number in acknowledged)
    return missing, sum(rows - different for rows, different in found.values())


def events_in(lake: Path, run: str) -> dict[str, Any]:
    """By each batch's number, its rows in the lake and how many of them are different events."""
    counting = subprocess.run(
        [sys.executable, "-m", COUNT_PROGRAM, str(lake), run],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=clean_environment(),
        check=False,
    )
    if counting.returncode != 0:
        raise ServerFailed(COUNT_PROGRAM, f"ended with status {counting.returncode}", counting.stderr.strip())
    found: dict[str, Any] = json.loads(counting.stdout)
    return found


@contextlib.contextmanager
def shop_with_lake(options: argparse.Namespace) -> Iterator[tuple[Shop, Path]]:
    """The shop that answers and its lake; else a new one, gone with the block."""
    if answers_ok(f"{options.url}/readyz"):
        yield Shop(options.url, read_admin_key(options.admin_key_file)), options.lake
        return
    _show(f"no shop answers at {options.url}: starting one")
    with tempfile.TemporaryDirectory(prefix="shop-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        process, shop = start_shop(data, Path(folder) / "shop.log")
        try:
            yield shop, data / "lake"
        finally:
            process.stop()


def _show(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every batch was acknowledged and the lake has each event once."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.behaviour", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a shop; if none answers, one is started")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--lake", type=Path, default=Path("var/lake"), help="its lake (var/lake)")
    parser.add_argument("--seconds", type=int, default=20, help="of each of the three stretches (20)")
    parser.add_argument("--events", type=int, default=10_000, help="per second (10000)")
    parser.add_argument("--batch", type=int, default=50, help="events in a batch (50)")
    parser.add_argument("--visitors", type=int, default=5_000, help="different ones, one to a batch (5000)")
    options = parser.parse_args(argv)

    def work() -> int:
        with shop_with_lake(options) as (shop, lake):
            result = asyncio.run(measure(shop, lake, options))
        print(result)
        return 0 if result.is_complete() else 1

    return exit_status("behaviour", work)


if __name__ == "__main__":
    sys.exit(main())
