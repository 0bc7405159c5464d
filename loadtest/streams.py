"""Many who watch one product: how soon each hears of a change, and what their listening costs those who buy it.

2,000 streams by default. First purchases without any, then the streams and some changes, then purchases of the very
product that all of them watch.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from .commands import exit_status
from .errors import LoadTestError
from .measurement import Measurement
from .rush import put_on_sale
from .shop import ADMIN_KEY_FILE, Shop, order_body, shop_at
from .wrk import Target, drive

UNITS = 1_000_000
CONNECTIONS = 32
OPENED_AT_ONCE = 50
PATIENCE_S = 30.0
REST_S = 2.5
SEEN_WITHIN_MS = 200.0
"""What 99 of 100 shall have heard of a change by."""
LONGEST_KEPT = 4_096
"""Bytes of a stream that are kept to look for an event in."""


@dataclass(frozen=True)
class StreamsResult:
    """What was measured; `delays_ms` are from the sending of a change to each stream's event of it."""

    streams: int
    changes: int
    delays_ms: Sequence[float]
    missed: int
    without: Measurement
    beside: Measurement
    heard_beside: int

    def is_quick(self) -> bool:
        return not self.missed and self.percentile(99) <= SEEN_WITHIN_MS

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.delays_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.streams} streams, {self.changes} changes: heard after "
                f"p50 {self.percentile(50):.0f} ms, p99 {self.percentile(99):.0f} ms, by all after "
                f"{self.percentile(100):.0f} ms; {self.missed} missed",
                f"purchases over {CONNECTIONS} connections without streams: {_told(self.without)}",
                f"purchases beside {self.streams} streams of what is bought: {_told(self.beside)}; each stream heard "
                f"{self.heard_beside / self.streams / self.beside.seconds:.1f} times a second",
            ]
        )


class Listener(asyncio.Protocol):
    """One open stream: notes when each quantity came."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._tail = b""
        self.heard_at: dict[bytes, float] = {}
        self.events = 0
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        lines = (self._tail + data).split(b"\n")
        self._tail = lines[-1][-LONGEST_KEPT:]
        for line in lines[:-1]:
            if line.startswith(b"data:"):
                self.is_open = True
                self.events += 1
                self.heard_at.setdefault(_available_in(line), now)


async def measure(shop: Shop, *, streams: int, changes: int, seconds: float) -> StreamsResult:
    """Buy, listen, change, and buy again."""
    (sku,) = await asyncio.to_thread(put_on_sale, shop, ("RETRO-CLOCK",), UNITS)
    target = Target(f"{shop.url}/v1/orders", "POST", json.dumps(order_body([sku])), counted_status=201)
    without = await asyncio.to_thread(drive, target, CONNECTIONS, seconds)
    listeners = await listen(shop.url, sku, streams)
    delays: list[float] = []
    for _ in range(changes):
        delays += await change(shop, sku, listeners)
    before = sum(listener.events for listener in listeners)
    beside = await asyncio.to_thread(drive, target, CONNECTIONS, seconds)
    heard = sum(listener.events for listener in listeners) - before
    return StreamsResult(streams, changes, delays, streams * changes - len(delays), without, beside, heard)


async def listen(url: str, sku: str, streams: int) -> list[Listener]:
    """Open the streams, some at a time; returns when each has had its first event."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    request = f"GET /v1/stock/stream?sku={sku} HTTP/1.1\r\nhost: shop\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    while len(listeners) < streams:
        some = min(OPENED_AT_ONCE, streams - len(listeners))
        opened = await asyncio.gather(
            *(loop.create_connection(lambda: Listener(request), host, port) for _ in range(some))
        )
        begun = [listener for _, listener in opened]
        await _until(partial(all_begun, begun), "a stream didn't begin")
        listeners += begun
    return listeners


def all_begun(listeners: Sequence[Listener]) -> bool:
    return all(listener.is_open for listener in listeners)


async def change(shop: Shop, sku: str, listeners: Sequence[Listener]) -> list[float]:
    """Book one unit in; milliseconds until each stream heard of it."""
    stock = await asyncio.to_thread(shop.stock, sku)
    wanted = str(stock.available + 1).encode()
    begun = time.monotonic()
    await asyncio.to_thread(shop.receive, sku, 1)
    try:
        await _until(lambda: all(wanted in listener.heard_at for listener in listeners), "a stream missed a change")
    except LoadTestError as error:
        print(f"streams: {error}", file=sys.stderr)
    heard = [listener.heard_at[wanted] for listener in listeners if wanted in listener.heard_at]
    # So that the next change finds the shop as idle as this one did.
    await asyncio.sleep(REST_S)
    return [(at - begun) * 1e3 for at in heard]


async def _until(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise LoadTestError(failure)
        await asyncio.sleep(0.05)


def _available_in(line: bytes) -> bytes:
    return line.partition(b'"available":')[2].partition(b",")[0]


def _told(measured: Measurement) -> str:
    return f"{measured.rate_per_s:,.0f}/s, p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every stream heard of every change, and 99 of 100 in time."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.streams", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a shop; if none answers, one is started")
    parser.add_argument("--admin-key-file", type=Path, default=Path("var") / ADMIN_KEY_FILE, help="(var/admin.key)")
    parser.add_argument("--streams", type=int, default=2_000, help="(2000)")
    parser.add_argument("--changes", type=int, default=10, help="(10)")
    parser.add_argument("--seconds", type=float, default=10, help="of purchases, each time (10)")
    options = parser.parse_args(argv)

    def work() -> int:
        with shop_at(options.url, options.admin_key_file) as shop:
            measured = measure(shop, streams=options.streams, changes=options.changes, seconds=options.seconds)
            result = asyncio.run(measured)
        print(result)
        return 0 if result.is_quick() else 1

    return exit_status("streams", work)


if __name__ == "__main__":
    sys.exit(main())
