"""How fast a new consumer of the feed reads a long journal from its first entry, and what `report verify` takes then.

    python -m serve.measure.feed --entries 1000000

One purchase is made by a host; what it recorded is recorded again and again, under other orders and SKUs. Then, each in
a process of its own: the lake is built, public events are told, and the lake is verified. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from actors.client import Client
from actors.feed.feed import Feed
from actors.feed.positions import FilePositions
from actors.host import Host
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Entry, Journal, NewEntry
from actors.journals.urls import open_journal
from actors.placement import shard_of
from engine.cart import Line
from engine.kinds import KINDS
from engine.money import Money
from engine.order import Place
from engine.payment import Authorized
from engine.product import PutProduct
from engine.stock import Receive, stock_key

from ..feed.contract.envelope import CloudEvent, encode
from ..feed.contract.teller import Teller
from ..feed.relays.relay import Relay
from ..gateways.sandbox import SandboxGateway
from ..hosting import now

SHARDS = 16
SKUS = 500
APART_MS = 40
"""Between two purchases: a million entries are some hours of a day."""
ENTRIES_PER_COMMIT = 1_000
ORDER = "ord_" + "f" * 32
SKU = "CLOCK-9999"
"""What stands in the entries that are copied, as long as what is put in their place."""


async def what_one_purchase_records() -> tuple[Sequence[Entry], Sequence[Entry]]:
    """What puts a SKU on sale, and what then sells it."""
    journal, client = MemoryJournal(shards=1), Client(1)

    async def settled(_order: str, _key: str, _reply: Authorized) -> None:
        """The sandbox answers at once."""

    host = Host(KINDS, journal, 1, now, gateways={"sandbox": SandboxGateway(settled)}, send=client.send)
    client.attach(host)
    await host.own([0])
    price = Money(1_999, "USD")
    await client.send("product", SKU, PutProduct("Retro clock", price, category=("Home",), vendor="Acme"))
    await client.send("stock", stock_key(SKU), Receive("r-1", 1_000_000, cost=1_000_000, currency="USD"))
    begun = (await journal.last_positions())[0]
    line = Line(SKU, 1, price)
    await client.send("order", ORDER, Place("f", "ada@example.org", "sandbox", "tok_ok", (line,)))
    await host.close()
    entries = await journal.read(0, 0)
    return [each for each in entries if each.position <= begun], [each for each in entries if each.position > begun]


class Recorder:
    """Records copies of what a purchase recorded, in the shards that they belong to."""

    def __init__(self, journal: Journal, epochs: Sequence[int]) -> None:
        self._journal = journal
        self._epochs = epochs
        self._versions: dict[tuple[str, str], int] = {}
        self._pending: dict[int, list[NewEntry]] = {}
        self.entries = 0

    async def copy(self, entries: Sequence[Entry], order: str, sku: str, at: int) -> None:
        """Record these entries for another order and SKU."""
        for entry in entries:
            key = entry.key.replace(ORDER, order).replace(SKU, sku)
            version = self._versions[entry.kind, key] = self._versions.get((entry.kind, key), 0) + 1
            events = entry.events.replace(ORDER.encode(), order.encode()).replace(SKU.encode(), sku.encode())
            pending = self._pending.setdefault(shard_of(key, SHARDS), [])
            pending.append(NewEntry(entry.kind, key, version, at, events))
            self.entries += 1
            if len(pending) >= ENTRIES_PER_COMMIT:
                await self.commit()

    async def commit(self) -> None:
        """Write down what has gathered."""
        pending, self._pending = self._pending, {}
        for shard, entries in pending.items():
            await self._journal.append([Batch(shard, self._epochs[shard], entries)])


async def fill(directory: Path, entries: int) -> None:
    """So many entries, or a few more."""
    begin, sell = await what_one_purchase_records()
    journal = open_journal(f"sqlite:///{directory}", shards=SHARDS)
    recorder = Recorder(journal, [await journal.acquire(shard) for shard in range(SHARDS)])
    choice = random.Random(1)
    skus = [f"CLOCK-{number:04}" for number in range(SKUS)]
    at = now() - entries * APART_MS
    for sku in skus:
        await recorder.copy(begin, ORDER, sku, at)
    while recorder.entries < entries:
        at += APART_MS
        sku = skus[min(SKUS, int(choice.paretovariate(0.8))) - 1]
        await recorder.copy(sell, f"ord_{choice.getrandbits(128):032x}", sku, at)
    await recorder.commit()
    await journal.close()


class Nobody:
    """Takes public events as a broker does, and lets them go."""

    async def publish(self, events: Sequence[CloudEvent]) -> None:
        for event in events:
            encode(event)

    async def close(self) -> None:
        """There is nothing to close."""


async def build_lake(journal: Journal, directory: Path) -> dict[str, Any]:
    """The lake's writer reads everything."""
    from ml.lake.writer import LakeWriter

    feed = Feed(journal, FilePositions(directory / "positions.sqlite"), now, guards=False)
    writer = LakeWriter(directory / "lake", journal, now)
    reader = feed.read_for(writer, "start")
    await feed.catch_up()
    await writer.close()
    return {"entries": (await reader.standing()).taken}


async def tell(journal: Journal, directory: Path) -> dict[str, Any]:
    """A relay tells everything to nobody."""
    feed = Feed(journal, FilePositions(directory / "positions.sqlite"), now, guards=False)
    relay = Relay("nobody", Teller(journal, "http://shop", 5), Nobody())
    reader = feed.read_for(relay, "start")
    await feed.catch_up()
    return {"entries": (await reader.standing()).taken, "events": relay.told}


async def verify_lake(journal: Journal, directory: Path) -> dict[str, Any]:
    """Everything is folded anew and compared."""
    from ml.lake.verify import verify

    verdict = await verify(directory / "lake", journal)
    return {"entries": verdict.entries, "totals": verdict.totals, "differences": len(verdict.differences)}


Work = Callable[[Journal, Path], Coroutine[Any, Any, dict[str, Any]]]
WORKS: Sequence[Work] = (build_lake, tell, verify_lake)


def measured(work: Work, directory: Path) -> dict[str, Any]:
    """What it says, in a process of its own, with its seconds and its memory."""
    told = directory / f"{work.__name__}.json"
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        # Whatever happens, the parent's work is not done twice.
        try:
            told.write_text(json.dumps(asyncio.run(_with_journal(work, directory))))
        finally:
            os._exit(0 if told.exists() else 1)
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{work.__name__} failed")
    found: dict[str, Any] = json.loads(told.read_text())
    seconds = time.perf_counter() - began
    per_s = round(found["entries"] / seconds)
    cpu_s = round(used.ru_utime + used.ru_stime, 1)
    peak_mb = round(used.ru_maxrss / 1_000)
    return {**found, "seconds": round(seconds, 1), "cpu_s": cpu_s, "per_s": per_s, "peak_mb": peak_mb}


async def _with_journal(work: Work, directory: Path) -> dict[str, Any]:
    journal = open_journal(f"sqlite:///{directory / 'journal'}")
    try:
        return await work(journal, directory)
    finally:
        await journal.close()


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="directory to keep journal and lake in; one that is there is read")
    parser.add_argument(
        "--only", action="append", choices=[work.__name__ for work in WORKS], help="of what is measured"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="doorbuster-feed-") as name:
        directory: Path = chosen.data or Path(name)
        if not (directory / "journal").exists():
            print(f"recording {chosen.entries:,} entries", file=sys.stderr, flush=True)
            asyncio.run(fill(directory / "journal", chosen.entries))
        figures = {}
        for work in WORKS:
            if chosen.only and work.__name__ not in chosen.only:
                continue
            print(work.__name__, file=sys.stderr, flush=True)
            figures[work.__name__] = measured(work, directory)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
