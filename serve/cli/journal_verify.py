"""`doorbuster journal verify`: folds every entity from its first event and holds the books against each other."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from actors.codec import KindCodec, codecs_of
from actors.envelope import Address
from actors.journals.port import Entry, Journal, JournalMismatch, Recorded, Snapshot
from actors.moves import Arrived, Left
from engine.coupon import Coupon
from engine.gift_card import Card
from engine.kernel import Event
from engine.kinds import KINDS
from engine.order import Order
from engine.stock import STOCK, Stock

from .journal_books import Claim, StockBooks, claims_of, faults_of
from .journal_source import bar, opened, settings_of, source_options
from .voucher_books import VoucherBooks

PAGE = 200
"""Entities read at a time."""
HISTORY_PAGE = 1_000
FAULTS_SHOWN = 50

Report = Callable[[str, int, int], None]


@click.command("verify", context_settings={"max_content_width": 120})
@source_options
def verify(data: str | None, journal: str | None, config: Path | None) -> None:
    """Fold every entity from its first event and check what must be true. Works while the shop runs.

    Versions without gaps; snapshots equal to the events before them; no quantity below zero; what was received,
    returned and adjusted is on hand or sold; open reservations add up; a reservation ends once; orders and stocks say
    the same of each other. Ends with status 1 if anything is wrong.
    """
    console = Console(soft_wrap=True)

    async def audited() -> Audit:
        async with opened(settings_of(data, journal, config).journal) as source:
            with bar(console) as report:
                audit = Audit(source, report)
                await audit.run()
                return audit

    audit = asyncio.run(audited())
    for name, count in sorted(audit.counts.items()):
        console.print(f"  {name:<12} {count:>12,}", highlight=False)
    for fault in islice(audit.faults, FAULTS_SHOWN):
        console.print(f"[red]fault[/] {fault}", highlight=False)
    if audit.faults:
        console.print(f"[red]{len(audit.faults):,} faults.[/] Keep a copy of the journal before anything else.")
        sys.exit(1)
    console.print("[green]Everything adds up.[/]")


class Audit:
    """The state of the journal at one instant, gone through from the first entry to the last.

    Orders come before stocks, because a stock is compared with what the orders say of it.
    """

    def __init__(self, journal: Journal, report: Report) -> None:
        self._journal = journal
        self._report = report
        self._codecs = codecs_of(KINDS)
        self._cut: Mapping[int, int] = {}
        self._elsewhere: dict[Address, list[int]] = {}
        self._claims: dict[str, dict[str, Claim]] = {}
        self._orders: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    async def run(self) -> None:
        """Go through everything; `faults` then tells what is wrong."""
        # Before the instant: what is trimmed from now on would be missed.
        trims = {shard: await self._journal.trimmed(shard) for shard in await self._journal.shards()}
        self._cut = await self._journal.last_positions()
        for shard in self._cut:
            if shard >= self._journal.base_shards:
                async for addresses in self._journal.entities(shard):
                    for address in addresses:
                        self._elsewhere.setdefault(address, []).append(shard)
        for doing, stocks in (("orders and carts", False), ("stocks", True)):
            homes = sorted(shard for shard in self._cut if shard < self._journal.base_shards)
            for done, shard in enumerate(homes):
                self._report(doing, done, len(homes))
                async for found in self._entities(shard, stocks):
                    self.faults += self._check(*found)
            self._report(doing, len(homes), len(homes))
        for key, claims in self._claims.items():
            # Orders name these stocks, but nothing was ever recorded of them.
            self.faults += [f"stock {key}: {fault}" for fault in StockBooks().settle(claims, self._orders)]
        if any([await self._journal.trimmed(shard) != before for shard, before in trims.items()]):
            raise JournalMismatch("the journal was trimmed meanwhile: verify it again")

    async def _entities(
        self, shard: int, stocks: bool
    ) -> AsyncIterator[tuple[Address, Snapshot | None, Sequence[Entry], Snapshot | None]]:
        async for addresses in self._journal.entities(shard):
            # One that moved to a shard of its own is taken up where it was at home, with all that it left elsewhere.
            wanted = [address for address in addresses if (address[0] == STOCK.name) is stocks]
            for start in range(0, len(wanted), PAGE):
                group = wanted[start : start + PAGE]
                bases = await self._journal.bases(shard, group)
                loaded = await self._journal.load(shard, group)
                for address, base, recorded in zip(group, bases, loaded, strict=True):
                    for place in self._elsewhere.get(address, ()):
                        base = _newer(base, *await self._journal.bases(place, [address]))
                    entries = await self._all_entries(shard, address, recorded)
                    if base is not None:
                        entries = [entry for entry in entries if entry.version > base.version]
                    yield address, base, entries, recorded.snapshot

    async def _all_entries(self, shard: int, address: Address, recorded: Recorded) -> Sequence[Entry]:
        """Everything up to the instant that is left, in the order of versions."""
        if recorded.snapshot is None and address not in self._elsewhere:
            return [entry for entry in recorded.entries if entry.position <= self._cut[shard]]
        found: list[Entry] = []
        for place in (shard, *self._elsewhere.get(address, ())):
            after = 0
            while page := await self._journal.history(place, *address, after_version=after, limit=HISTORY_PAGE):
                after = page[-1].version
                found += [entry for entry in page if entry.position <= self._cut[place]]
        return sorted(found, key=attrgetter("version"))

    def _check(
        self, address: Address, base: Snapshot | None, entries: Sequence[Entry], snapshot: Snapshot | None
    ) -> list[str]:
        kind, key = address
        if kind not in KINDS:
            return [f"{kind} {key}: no such kind is known to this version"]
        found: list[str] = []
        try:
            # What was found before an error stays.
            found.extend(f"{kind} {key}: {fault}" for fault in self._faults(address, base, entries, snapshot))
        except Exception as error:
            # Damaged bytes and events that don't fit raise all kinds of errors: each is a finding.
            found.append(f"{kind} {key}: can't be folded: {type(error).__name__}: {error}")
        return found

    def _faults(
        self, address: Address, base: Snapshot | None, entries: Sequence[Entry], snapshot: Snapshot | None
    ) -> Iterator[str]:
        kind, codec = KINDS[address[0]], self._codecs[address[0]]
        if not entries and base is None:
            # It was first recorded after the instant.
            return
        self.counts[kind.name] += 1
        state, version = kind.new(address[1]), 0
        if base is not None:
            self.counts["trimmed"] += 1
            state, version = codec.decode_state(base.state), base.version
        books = _books_of(state)
        if books is not None and base is not None:
            yield from (f"where its books begin, {fault}" for fault in books.compare(state))
        for number, entry in enumerate(entries, version + 1):
            if entry.version != number:
                yield f"version {number} is missing: {entry.version} follows"
                return
            for event in self._events(codec, entry):
                if books is not None:
                    yield from books.record(event)
                kind.apply(state, event)
            if books is not None:
                yield from (f"after version {number}, {fault}" for fault in books.compare(state))
            if snapshot is not None and snapshot.version == number and codec.decode_state(snapshot.state) != state:
                yield f"the snapshot of version {number} is not what its events make"
        if isinstance(state, Order):
            yield from self._hear(state)
        elif isinstance(books, StockBooks):
            self.counts["units sold"] += books.sold - books.returned
            yield from books.settle(self._claims.pop(address[1], {}), self._orders)

    def _events(self, codec: KindCodec, entry: Entry) -> Iterator[Event]:
        self.counts["entries"] += 1
        for event in codec.decode_events(entry.events):
            self.counts["events"] += 1
            if not isinstance(event, Left | Arrived):
                yield event

    def _hear(self, order: Order) -> Iterator[str]:
        self._orders.add(order.order_id)
        for key, reservation_id, claim in claims_of(order):
            self._claims.setdefault(key, {})[reservation_id] = claim
        yield from faults_of(order)


def _books_of(state: Any) -> Any:
    """Second books for a state that has quantities to compare: both kinds of them record events and compare states."""
    if isinstance(state, Stock):
        return StockBooks(state)
    return VoucherBooks(state) if isinstance(state, Coupon | Card) else None


def _newer(first: Snapshot | None, second: Snapshot | None) -> Snapshot | None:
    """Of two states of an entity that lived in two shards, the one that it had later."""
    return max((state for state in (first, second) if state is not None), key=attrgetter("version"), default=None)
