"""People who only look: how many pages a second a shop shows, and what that costs it, with its page cache and without.

One shop after the other: without a cache, with pages in memory, two replicas, two that share pages in a Redis. In each
the same visitors walk through lists, products and searches, most of them where most others are.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import aiohttp

from .commands import exit_status
from .errors import LoadTestError
from .processes import SCRATCH, ServerProcess, free_port
from .redis_program import require_redis_server
from .shop import REQUEST_TIMEOUT_S, Shop, start_shop

PRODUCTS = 500
VISITORS = 32
SCRAPES = 12
SHOPS: Mapping[str, Sequence[str]] = {
    "none": ("--cache-bytes", "0"),
    "memory": (),
    "two": ("--hosts", "1", "--replicas", "2"),
}
"""How each is started; with `+redis` behind its name, beside a Redis."""
WORDS = ("clock", "lamp", "chair", "desk", "wool", "steel", "red", "small", "set", "bag")
_PAGES = re.compile(r'^doorbuster_cache_pages_total\{from="(\w+)",process="([^"]+)"\} ([0-9.e+]+)$', re.MULTILINE)
_CPU = re.compile(r'^process_cpu_seconds_total\{process="(replica[^"]+)"\} ([0-9.e+]+)$', re.MULTILINE)


class Figures(NamedTuple):
    """Of the replicas: processor seconds so far, and pages by where they came from."""

    cpu_s: float
    sources: Mapping[str, float]


@dataclass(frozen=True)
class Browsed:
    """One shop's figures; `cpu_s` is what its replicas took of the processor."""

    name: str
    pages: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    sources: Mapping[str, float]

    def row(self) -> str:
        asked = sum(self.sources.get(source, 0) for source in ("memory", "shared", "joined", "made"))
        hits = f"{100 * (1 - self.sources.get('made', 0) / asked):.0f} %" if asked else "none"
        return (
            f"| {self.name} | {self.pages / self.seconds:,.0f} | {self.p50_ms:.1f} | {self.p99_ms:.1f} "
            f"| {1e3 * self.cpu_s / self.pages:.2f} | {hits} |"
        )


def visited(choice: random.Random, skus: Sequence[str]) -> str:
    """Where a visitor goes next: half to a product, most often a popular one."""
    sku = skus[min(len(skus) - 1, int(choice.paretovariate(0.8)) - 1)]
    return choice.choices(
        (
            f"/v1/products/{sku}",
            f"/v1/stock/{sku}",
            "/v1/products?limit=20",
            f"/v1/search?q={choice.choice(WORDS)}&facet=vendor&facet=price",
            f"/v1/search/suggest?q={choice.choice(WORDS)[:3]}",
        ),
        (50, 10, 15, 15, 10),
    )[0]


async def browse(url: str, skus: Sequence[str], seconds: float) -> list[float]:
    """The times of all answers in milliseconds, by visitors who never pause."""
    times: list[float] = []
    until = time.monotonic() + seconds

    async def visit(number: int) -> None:
        choice = random.Random(number)
        while (begun := time.monotonic()) < until:
            async with session.get(url + visited(choice, skus)) as answer:
                await answer.read()
                if answer.status != 200:
                    raise LoadTestError(f"{answer.url} was answered with {answer.status}")
            times.append((time.monotonic() - begun) * 1e3)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=VISITORS)) as session:
        await asyncio.gather(*(visit(number) for number in range(VISITORS)))
    return times


def measure(name: str, options: Sequence[str], seconds: float) -> Browsed:
    """Start a shop with these options, let it be looked at, and read its figures."""
    with tempfile.TemporaryDirectory(prefix="shop-", dir=SCRATCH, ignore_cleanup_errors=True) as folder:
        given = ("--demo-products", str(PRODUCTS), *options)
        process, shop = start_shop(Path(folder) / "data", Path(folder) / "shop.log", options=given)
        try:
            skus = wait_for_products(shop)
            asyncio.run(browse(shop.url, skus, 2))
            before, begun = figures_of(shop), time.monotonic()
            times = sorted(asyncio.run(browse(shop.url, skus, seconds)))
            took_s = time.monotonic() - begun
            after = figures_of(shop)
        finally:
            process.stop()
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    sources = {source: count - before.sources.get(source, 0) for source, count in after.sources.items()}
    return Browsed(name, len(times), took_s, p50, p99, after.cpu_s - before.cpu_s, sources)


def wait_for_products(shop: Shop) -> list[str]:
    """SKUs that are found by a search, which is when all is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if shop.request("GET", "/v1/search")["total"] >= PRODUCTS:
                return [item["sku"] for item in shop.request("GET", "/v1/products?limit=100")["items"]]
        except LoadTestError:
            pass
        time.sleep(0.5)
    raise LoadTestError("the demo catalogue can't be found")


def figures_of(shop: Shop) -> Figures:
    """What the replicas tell of themselves: behind one door each has to be met."""
    cpu_s: dict[str, float] = {}
    pages: dict[tuple[str, str], float] = {}
    request = urllib.request.Request(f"{shop.url}/metrics", headers={"Authorization": f"Bearer {shop.admin_key}"})
    for _ in range(SCRAPES):
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as answer:
            text = answer.read().decode()
        cpu_s.update((process, float(figure)) for process, figure in _CPU.findall(text))
        pages.update(((source, process), float(figure)) for source, process, figure in _PAGES.findall(text))
    sources: Counter[str] = Counter()
    for (source, _), count in pages.items():
        sources[source] += int(count)
    return Figures(sum(cpu_s.values()), sources)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one row for each shop."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.browsing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="of looking, in each shop (8)")
    parser.add_argument("--only", default="none,memory,two,two+redis", help="(none,memory,two,two+redis)")
    options = parser.parse_args(argv)

    def work() -> int:
        for name in options.only.split(","):
            given = SHOPS[name.removesuffix("+redis")]
            with redis_beside() if name.endswith("+redis") else nullcontext(()) as more:
                print(measure(name, (*given, *more), options.seconds).row(), flush=True)
        return 0

    return exit_status("browsing", work)


@contextmanager
def redis_beside() -> Iterator[Sequence[str]]:
    """A Redis, and the option of a shop that shares its pages there."""
    program = require_redis_server()
    with tempfile.TemporaryDirectory(prefix="redis-", dir=SCRATCH) as folder:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        redis = ServerProcess("Redis", command, Path(folder) / "redis.log")
        try:
            # A URL may have a password, so it is no flag.
            config = Path(folder) / "doorbuster.toml"
            config.write_text(f'cache_redis = "redis://127.0.0.1:{port}"\n')
            yield ("--config", str(config))
        finally:
            redis.stop()


if __name__ == "__main__":
    sys.exit(main())
