"""Whether the lake says what the journals say: every total is folded anew, from the first entry, and compared.

The journals are read up to where the lake reaches. Of orders and stocks whose first entries were trimmed, the state
that stands in their place says what they are worth; when that came to be, only the lake knows any more.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from actors.codec import KindCodec
from actors.journals.port import Entry, Journal
from engine.kernel import Kind
from engine.order import ORDER
from engine.stock import STOCK

from .facts.around import NothingKnown, Where
from .facts.ledger import Amounts, standing_of
from .facts.stories import STORIES
from .fold import Folds
from .reading import Instant, connect, instant_of
from .tables import OrderRow, Row, Sale, StockMove

PAGE = 1_000
MOST_SHOWN = 1_000
"""Differences that are told; of more, only their number."""

Trimmed = Mapping[str, Mapping[str, Any]]
"""By kind and key."""

Report = Callable[[int, int], None]
"""Called with how many positions were read, and how many there are."""

SALES = tuple(Amounts._fields)
"""The columns of the ledger that are added up."""


SALES_SQL = """
    SELECT if(order_id IN (FROM trimmed_orders), [order_id],
        [currency, sku, strftime(happened_at, '%Y-%m-%d')]),
        sum(units), sum(gross), sum(discount), sum(tax), sum(net), sum(total)
    FROM sales GROUP BY 1"""
ORDERS_SQL = """
    SELECT [status, strftime(happened_at, '%Y-%m-%d')], count(*), sum(total)
    FROM orders WHERE order_id NOT IN (FROM trimmed_orders) GROUP BY 1"""
STOCK_SQL = """
    SELECT [sku, location], sum(on_hand_change), sum(reserved_change),
        count(*) FILTER (sku || '@' || location NOT IN (FROM trimmed_stocks))
    FROM stock_moves GROUP BY 1"""


class Difference(NamedTuple):
    """A total that is not the same in both."""

    what: str
    of: tuple[str, ...]
    lake: int
    journal: int

    def __str__(self) -> str:
        return f"{self.what} of {' '.join(filter(None, self.of))}: {self.lake:,} in the lake, {self.journal:,} recorded"


class Verdict(NamedTuple):
    """What was compared, and what differs. Without differences, everything adds up."""

    entries: int
    totals: int
    differences: tuple[Difference, ...]
    more: int
    """Differences beyond those that are told."""
    never_had: int = 0
    """Orders that were trimmed before this lake was begun: it has nothing of them, and can't get it any more."""


Totals = Counter[tuple[str, tuple[str, ...]]]
"""By what is added up, and of what: `net`, (currency, SKU, day)."""


async def verify(lake: Path, journal: Journal, report: Report = lambda _done, _all: None) -> Verdict:
    """Compare the lake with what the journals say up to the same positions."""
    instant = instant_of(lake)
    trimmed = {kind.name: await _trimmed(journal, kind) for kind in (ORDER, STOCK)}
    fold = _Fold(journal, trimmed)
    await fold.read(instant.positions, report)
    found = await asyncio.to_thread(_in_lake, lake, instant, trimmed)
    names = found.keys() | fold.totals.keys()
    differing = sorted(name for name in names if found[name] != fold.totals[name])
    told = tuple(Difference(*name, found[name], fold.totals[name]) for name in differing[:MOST_SHOWN])
    had = {of[0] for _, of in found}
    never_had = sum(what == "units" and of[0] in trimmed[ORDER.name] and of[0] not in had for what, of in differing)
    return Verdict(fold.entries, len(names), told, len(differing) - len(told), never_had)


class _Fold:
    """Everything that the journals say, added up."""

    def __init__(self, journal: Journal, trimmed: Trimmed) -> None:
        self._journal = journal
        self._folds = Folds(journal, lambda _kind, _key: None)
        self._trimmed = trimmed
        self.totals: Totals = Counter()
        self.entries = 0

    async def read(self, positions: Mapping[int, int], report: Report) -> None:
        for order_id, order in self._trimmed[ORDER.name].items():
            for amounts in standing_of(order).values():
                _add(self.totals, (order_id,), amounts._asdict())
        for key, stock in self._trimmed[STOCK.name].items():
            sku, _, location = key.partition("@")
            _add(self.totals, (sku, location), {"on hand": stock.on_hand, "reserved": stock.reserved})
        known, read = sum(positions.values()), 0
        for shard, upto in positions.items():
            after = 0
            while after < upto and (entries := await self._journal.read(shard, after, PAGE)):
                entries = [entry for entry in entries if entry.position <= upto]
                for entry in entries:
                    await self._hear(shard, entry)
                after = entries[-1].position if len(entries) == PAGE else upto
                report(read + after, known)
            read += upto

    async def _hear(self, shard: int, entry: Entry) -> None:
        self.entries += 1
        if (story := STORIES.get(entry.kind)) is None:
            return
        if story.marks and not any(mark in entry.events for mark in story.marks):
            self._folds.passed(entry)
            return
        fold = await self._folds.before(shard, entry)
        where = Where(shard, entry.position, entry.at)
        rows = list(story.rows(where, fold.state, self._folds.events_of(entry), NothingKnown()))
        fold.version = entry.version
        for row in rows:
            for of, amounts in _totals_of(row, self._trimmed):
                _add(self.totals, of, amounts)


def _totals_of(row: Row, trimmed: Trimmed) -> Iterator[tuple[tuple[str, ...], Mapping[str, int]]]:
    orders, stocks = trimmed[ORDER.name], trimmed[STOCK.name]
    if isinstance(row, Sale):
        of = (row.order_id,) if row.order_id in orders else (row.currency, row.sku, _day(row.at))
        yield of, {name: getattr(row, name) for name in SALES}
    elif isinstance(row, OrderRow) and row.order_id not in orders:
        yield (row.status, _day(row.at)), {"orders": 1, "ordered": row.total}
    elif isinstance(row, StockMove):
        counted = 0 if f"{row.sku}@{row.location}" in stocks else 1
        changes = {"on hand": row.on_hand_change, "reserved": row.reserved_change, "moves": counted}
        yield (row.sku, row.location), changes


def _add(totals: Totals, of: tuple[str, ...], amounts: Mapping[str, int]) -> None:
    for what, amount in amounts.items():
        if amount:
            totals[what, of] += amount


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d")


async def _trimmed(journal: Journal, kind: Kind) -> Mapping[str, Any]:
    """Entities whose first entries are gone, each as the state that stands in their place."""
    codec, found = KindCodec(kind), {}
    for shard in await journal.shards():
        if not (await journal.trimmed(shard)).times:
            continue
        async for addresses in journal.entities(shard):
            for base in await journal.bases(shard, [address for address in addresses if address[0] == kind.name]):
                if base is not None:
                    found[base.key] = codec.decode_state(base.state)
    return found


def _in_lake(lake: Path, instant: Instant, trimmed: Trimmed) -> Totals:
    """The same totals, of what is in the files."""
    totals: Totals = Counter()
    with connect(lake, instant=instant) as connection:
        for name in ("orders", "stocks"):
            keys = list(trimmed[ORDER.name if name == "orders" else STOCK.name])
            connection.execute(f"CREATE TEMP TABLE trimmed_{name} AS SELECT unnest(?::VARCHAR[]) AS key", [keys])
        for of, *amounts in connection.execute(SALES_SQL).fetchall():
            _add(totals, tuple(of), dict(zip(SALES, map(int, amounts), strict=True)))
        for of, orders, ordered in connection.execute(ORDERS_SQL).fetchall():
            _add(totals, tuple(of), {"orders": orders, "ordered": int(ordered)})
        for of, on_hand, reserved, moves in connection.execute(STOCK_SQL).fetchall():
            _add(totals, tuple(of), {"on hand": int(on_hand), "reserved": int(reserved), "moves": moves})
    return totals
