"""Recommendations at a steady rate: how fast they are answered, and what purchases beside them notice.

An open loop: requests leave when they are due, whatever became of those before, and their times count from then. Half
of them are of visitors who have just looked at something, the rest ask beside a product. Without a model the shop
answers with what is popular; `--model` deploys one first, made of the shop's own catalogue.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp

from .browsing import figures_of
from .errors import LoadTestError, ServerFailed
from .measurement import Measurement
from .open_loop import Answer, OpenLoop
from .processes import PROJECT, SCRATCH, clean_environment, stopping_on_signals
from .rush import put_on_sale
from .shop import Shop, order_body, start_shop
from .wrk import Target, drive

PATH = "/v1/recommendations"
SERVING = "/v1/admin/recommendations/serving"
PRODUCTS = 500
UNITS = 1_000_000
VISITORS = 500
PATIENCE_S = 60.0
PURCHASES = (0, 1, 32)
"""Connections over which purchases come meanwhile; 0: none do."""
MAKE_PROGRAM = "serve.measure.recommendations"

_begins = re.compile(rb'.*?"variant":"(\w+)",.*?"version":"([^"]*)","fallback":(?:null|"(\w+)")').match


@dataclass
class Told:
    """What became of the requests of one stretch; times in milliseconds, from when each was due."""

    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """By the variant and version that answered, or by why none did."""
    failed: Counter[str] = field(default_factory=Counter)

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.times_ms) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def __str__(self) -> str:
        answered = sum(self.outcomes.values())
        shares = ", ".join(f"{what} {count / max(answered, 1):.1%}" for what, count in self.outcomes.most_common())
        failures = "".join(f", {count} x {what}" for what, count in self.failed.items())
        return (
            f"{answered / self.seconds:,.0f}/s, p50 {self.percentile(50):.1f} ms, p99 {self.percentile(99):.1f} ms, "
            f"longest {self.percentile(100):.0f} ms ({shares}){failures}"
        )


class Shoppers:
    """Ask for recommendations at a rate."""

    def __init__(self, url: str, skus: Sequence[str], per_second: int) -> None:
        self._url = url
        self._skus = skus
        self._per_second = per_second
        self._choice = random.Random(7)

    async def look_around(self) -> None:
        """Each visitor looks at three products."""
        async with aiohttp.ClientSession(self._url) as session:
            for visitor in range(VISITORS):
                events = [
                    {"id": f"load-{visitor}-{place}", "type": "view", "sku": self._choice.choice(self._skus)}
                    for place in range(3)
                ]
                batch = {"anonymous_id": f"load-visitor-{visitor}", "events": events}
                async with session.post("/v1/events", json=batch) as answer:
                    if answer.status != 202:
                        raise LoadTestError(f"events were answered with {answer.status}")

    async def ask(self, until: "asyncio.Event") -> Told:
        """Ask until the event is set."""
        told = Told()
        driver = OpenLoop(self._url)
        told.seconds = await driver.drive(
            self._per_second, until, lambda: driver.get(self._query()), lambda answer: _hear(told, answer)
        )
        return told

    def _query(self) -> str:
        if self._choice.random() < 0.5:
            return f"{PATH}?placement=home&anonymous_id=load-visitor-{self._choice.randrange(VISITORS)}"
        return f"{PATH}?placement=product&sku={self._choice.choice(self._skus)}"


def _hear(told: Told, answer: Answer) -> None:
    told.times_ms.append(answer.ms)
    if answer.status != 200:
        told.failed[str(answer.status) if answer.status else "connection lost"] += 1
        return
    # The answers of a stretch aren't read whole: that would cost as much as making them.
    found = _begins(answer.body)
    if found is None:
        raise LoadTestError(f"an answer begins with {answer.body[:200]!r}")
    variant, version, fallback = found.groups()
    told.outcomes[(fallback or variant + b" " + version).decode()] += 1


class Stretch(NamedTuple):
    """One stretch: recommendations with purchases beside them, and the same purchases alone."""

    connections: int
    told: Told
    alone: Measurement | None
    beside: Measurement | None
    cpu_ms: float = 0.0
    """Of the selling process, for each request."""

    def __str__(self) -> str:
        if self.alone is None or self.beside is None:
            return f"no purchases: {self.told}; {self.cpu_ms:.2f} ms of the selling process a request"
        share = self.beside.rate_per_s / self.alone.rate_per_s
        return (
            f"purchases over {self.connections}: {self.told}\n"
            f"    {_in_short(self.alone)} alone, {_in_short(self.beside)} beside: {share:.1%}"
        )


def _in_short(measured: Measurement) -> str:
    return f"{measured.rate_per_s:,.0f}/s (p50 {measured.p50_ms:.1f}, p99 {measured.p99_ms:.1f} ms)"


async def measure(shop: Shop, shoppers: Shoppers, purchases: Target, connections: int, seconds: float) -> Stretch:
    """Purchases alone before and after, and with recommendations in between."""
    ended = asyncio.Event()
    if not connections:
        before = await asyncio.to_thread(figures_of, shop)
        asking = asyncio.create_task(shoppers.ask(ended))
        await asyncio.sleep(seconds)
        ended.set()
        told = await asking
        after = await asyncio.to_thread(figures_of, shop)
        return Stretch(0, told, None, None, 1e3 * (after.cpu_s - before.cpu_s) / max(len(told.times_ms), 1))
    first = await asyncio.to_thread(drive, purchases, connections, seconds / 2)
    asking = asyncio.create_task(shoppers.ask(ended))
    beside = await asyncio.to_thread(drive, purchases, connections, seconds)
    ended.set()
    told = await asking
    last = await asyncio.to_thread(drive, purchases, connections, seconds / 2)
    # A journal that grows sells a little slower: the better of both is what purchases alone can do.
    return Stretch(connections, told, max(first, last, key=lambda each: each.rate_per_s), beside)


async def rehearse(shop: Shop, shoppers: Shoppers, data: Path) -> Told:
    """Deploy, try a canary, then a challenger that crashes, and roll back, while shoppers ask."""
    ended = asyncio.Event()
    asking = asyncio.create_task(shoppers.ask(ended))
    try:
        for step in ("champion", "canary", "crash", "rollback"):
            begun = time.monotonic()
            await asyncio.to_thread(make, shop, data, step)
            made_s = time.monotonic() - begun
            _show(f"{step}: released after {made_s:.1f} s, served {await _followed(shop, step):.1f} s later")
            await asyncio.sleep(4)
    finally:
        ended.set()
        told = await asking
    return told


async def _followed(shop: Shop, step: str) -> float:
    """Seconds until the shop does what was released."""
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE_S:
        told = await asyncio.to_thread(shop.request, "GET", SERVING)
        variants = {each["variant"]: each for each in told["variants"]}
        challenger = variants.get("challenger")
        if {
            "champion": "champion" in variants and bool(variants["champion"]["since"]),
            "canary": challenger is not None,
            "crash": challenger is not None and challenger["model"] != "popularity",
            "rollback": challenger is None or challenger["model"] == "popularity",
        }[step]:
            return time.monotonic() - begun
        await asyncio.sleep(0.1)
    raise LoadTestError(f"the shop did not follow: {step}")


def make(shop: Shop, data: Path, step: str) -> None:
    """Train on made-up visits, register and release, in a program of its own."""
    making = subprocess.run(
        [sys.executable, "-m", MAKE_PROGRAM, str(data), step],
        input="\n".join(skus_of(shop)),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=clean_environment(),
        check=False,
    )
    if making.returncode != 0:
        raise ServerFailed(MAKE_PROGRAM, f"ended with status {making.returncode}", making.stderr.strip())


def skus_of(shop: Shop) -> list[str]:
    """SKUs of the shop, once its demo catalogue is there."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = shop.request("GET", f"/v1/products?limit=100&cursor={cursor}")
            found += [product["sku"] for product in page["items"]]
            cursor = page["next_cursor"]
        if len(found) >= PRODUCTS:
            return found
        time.sleep(0.5)
    raise LoadTestError("the demo catalogue is not there")


async def run(shop: Shop, data: Path, options: argparse.Namespace) -> bool:
    """All stretches, or the rehearsal; whether no request failed."""
    skus = await asyncio.to_thread(skus_of, shop)
    shoppers = Shoppers(shop.url, skus, options.per_second)
    await shoppers.look_around()
    if options.deploy:
        told = await rehearse(shop, shoppers, data)
        print(f"deploy, canary, crash, rollback: {told}; {sum(told.failed.values())} failed")
        return not told.failed
    if options.model:
        await asyncio.to_thread(make, shop, data, "champion")
        _show(f"served after {await _followed(shop, 'champion'):.1f} s")
    (sku,) = await asyncio.to_thread(put_on_sale, shop, ("LOAD-CLOCK",), UNITS)
    purchases = Target(f"{shop.url}/v1/orders", "POST", json.dumps(order_body([sku])), counted_status=201)
    failed = False
    for connections in PURCHASES:
        stretch = await measure(shop, shoppers, purchases, connections, options.seconds)
        failed = failed or bool(stretch.told.failed)
        print(stretch, flush=True)
    return not failed


def _show(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 when every request was answered with 200."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.recommendations", description=__doc__)
    parser.add_argument("--per-second", type=int, default=500, help="requests (500)")
    parser.add_argument("--seconds", type=int, default=10, help="of each stretch (10)")
    parser.add_argument("--model", action="store_true", help="deploy a model first, made of visits that are made up")
    parser.add_argument("--deploy", action="store_true", help="deploy, canary, crash and rollback while they ask")
    options = parser.parse_args(argv)
    try:
        with (
            stopping_on_signals(),
            tempfile.TemporaryDirectory(prefix="shop-", dir=SCRATCH, ignore_cleanup_errors=True) as folder,
        ):
            data = Path(folder) / "data"
            given = ("--demo-products", str(PRODUCTS))
            process, shop = start_shop(data, Path(folder) / "shop.log", options=given)
            try:
                whole = asyncio.run(run(shop, data, options))
            finally:
                process.stop()
    except (LoadTestError, aiohttp.ClientError) as error:
        print(f"recommendations: {error}", file=sys.stderr)
        return 1
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
