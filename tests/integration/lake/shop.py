"""A shop whose journal the lake reads: orders are bought and undone in a small world, and recorded as a host would."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from actors.codec import KindCodec
from actors.journals.memory import MemoryJournal
from actors.journals.port import Batch, Journal, NewEntry
from actors.placement import shard_of
from engine.cart import Line
from engine.kernel import Accepted
from engine.kinds import KINDS
from engine.money import Money
from engine.order import Cancel, Place
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.records import LineUnits
from engine.product import PutProduct
from engine.stock import Receive, stock_key
from ml.lake.reading import connect
from ml.lake.writer import LakeWriter
from tests.unit.engine.world import World

SHARDS = 3
SKUS = {"RETRO-CLOCK": 2_000, "LAVA-LAMP": 5_000, "RADIO": 3_000}
READ_ALL = 100_000


class Shop(World):
    """A world that keeps a journal with positions; every outcome is an entry."""

    def __init__(self, journal: Journal | None = None) -> None:
        super().__init__()
        self.recorded: Any = journal or MemoryJournal(shards=SHARDS)
        self.epochs: dict[int, int] = {}
        self.pending: list[NewEntry] = []
        self.versions: dict[tuple[str, str], int] = {}
        self.orders = 0

    def record(self, kind: str, key: str, outcome: Accepted) -> None:
        super().record(kind, key, outcome)
        if outcome.events:
            version = self.versions[kind, key] = self.versions.get((kind, key), 0) + 1
            events = KindCodec(KINDS[kind]).encode_events(outcome.events)
            self.pending.append(NewEntry(kind, key, version, self.now, events))

    def open(self) -> None:
        for number, (sku, price) in enumerate(SKUS.items()):
            vendor = "Acme" if number else "Retro & Sons"
            self.send("product", sku, PutProduct(sku.title(), Money(price, "EUR"), category=("Home",), vendor=vendor))
            self.send("stock", stock_key(sku), Receive("r-1", 10_000, cost=100_000, currency="EUR"))

    def trade(self, orders: int, seed: int = 1) -> None:
        """So many orders; some are cancelled in parts or as a whole."""
        random = Random(seed)
        for _ in range(orders):
            self.orders += 1
            name = f"ord_{self.orders:04}"
            chosen = random.sample(list(SKUS), random.randint(1, 2))
            lines = tuple(Line(sku, random.randint(1, 3), Money(SKUS[sku], "EUR")) for sku in chosen)
            customer = random.choice(("acc_ada", "acc_ben", "guest@example.org"))
            self.send("order", name, Place(name, "ann@example.org", "sandbox", "tok_ok", lines, customer=customer))
            self.run(name)
            if not random.randrange(4):
                self.send("order", name, random.choice((CancelUnits("c-1", (LineUnits(0, 1),)), Cancel("mind"))))
                self.run(name)
            self.advance(600_000)

    def shard_of(self, key: str) -> int:
        return shard_of(key, SHARDS)

    async def commit(self) -> None:
        """Write down what is pending, as hosts would."""
        for shard in range(SHARDS):
            if shard not in self.epochs:
                self.epochs[shard] = await self.recorded.acquire(shard)
            entries = [entry for entry in self.pending if self.shard_of(entry.key) == shard]
            if entries:
                await self.recorded.append([Batch(shard, self.epochs[shard], entries)])
        self.pending = []

    def confirmed(self) -> list[Any]:
        """The orders that were bought, whatever became of them."""
        orders = [state for (kind, _), state in self.states.items() if kind == "order"]
        return [order for order in orders if order.settlement is not None and order.settlement.status == "confirmed"]

    def ledger(self) -> dict[str, int]:
        """What the orders are worth by their states: units and money."""
        units = total = 0
        for (kind, _key), order in self.states.items():
            if kind == "order" and order.status in ("confirmed", "fulfilled"):
                items = order.after.items if order.after is not None else ()
                units += sum(line.quantity for line in order.lines) - sum(item.credited for item in items)
                total += order.total.amount - sum(item.refunded for item in items)
        return {"units": units, "total": total}


async def fill(shop: Shop, lake: LakeWriter, page: int = 7) -> None:
    """Read everything that the lake doesn't have, page by page, as a reader of the feed does."""
    positions = dict(await lake.positions() or {})
    for shard in range(SHARDS):
        after = positions.get(shard, 0)
        while entries := await shop.recorded.read(shard, after, page):
            await lake.take(shard, entries)
            after = entries[-1].position


def writer(shop: Shop, directory: Path, reach: Callable[[str], None] = lambda _point: None, **more: Any) -> LakeWriter:
    return LakeWriter(directory, shop.recorded, lambda: shop.now, reach=reach, **more)


async def filled(shop: Shop, directory: Path) -> None:
    """A lake with everything that is recorded."""
    await shop.commit()
    lake = writer(shop, directory)
    await lake.open()
    await fill(shop, lake)
    await lake.close()


def asked(directory: Path, question: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    with connect(directory, threads=1) as lake:
        return lake.sql(question).fetchall()


def run(story: Any) -> Any:
    return asyncio.run(story)
