"""Turns the journal's entries into public events. All it needs to know comes from the journal, never from who sells.

The same entries always make the same events, with the same ids; only of a stock's changes, those that the next page's
overtake may be told in one reading and not in another.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from actors.feed.fold import Fold
from actors.journals.port import Entry, Journal
from engine.account import ACCOUNT
from engine.kernel import Kind
from engine.order import ORDER
from engine.product import PRODUCT
from engine.stock import STOCK, StockView

from .accounts import account_told
from .envelope import CloudEvent, Told, event_of
from .orders import order_told
from .products import product_told
from .stock import CHANGED_INDEX, level_told, stock_data, view_of

FOLDED: Mapping[str, Kind] = {kind.name: kind for kind in (ORDER, STOCK, PRODUCT)}
"""Kinds whose events are told with the state that they lead to."""
PAGES_KEPT = 64
"""Several relays, and one that tries again, are told the same page."""
AT_ONCE = 50
"""Entries after which others get a turn: a millisecond or two."""


class Teller:
    """Tells pages of entries; each is worked out once for whoever asks."""

    def __init__(self, journal: Journal, source: str, low_stock_units: int) -> None:
        self._fold = Fold(journal, FOLDED)
        self._source = source
        self._low_units = low_stock_units
        self._kept: OrderedDict[tuple[int, int, int], Sequence[CloudEvent]] = OrderedDict()
        # States are folded entry by entry: two who ask must not interleave.
        self._turn = asyncio.Lock()

    async def tell(self, shard: int, entries: Sequence[Entry]) -> Sequence[CloudEvent]:
        """The public events of a page of one shard, in order."""
        page = (shard, entries[0].position, entries[-1].position)
        async with self._turn:
            if (known := self._kept.get(page)) is not None:
                self._kept.move_to_end(page)
                return known
            told = self._kept[page] = await self._told(shard, entries)
            if len(self._kept) > PAGES_KEPT:
                self._kept.popitem(last=False)
            return told

    async def _told(self, shard: int, entries: Sequence[Entry]) -> Sequence[CloudEvent]:
        told: list[CloudEvent] = []
        stocks: dict[str, tuple[Entry, StockView]] = {}
        for number, entry in enumerate(entries):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if entry.kind == ACCOUNT.name:
                told += self._events(entry, account_told(entry))
            elif entry.kind in FOLDED:
                told += await self._of_state(shard, entry, stocks)
        for entry, view in stocks.values():
            told += self._events(entry, [(CHANGED_INDEX, "stock.changed.v1", stock_data(entry.key, view))])
        return told

    async def _of_state(
        self, shard: int, entry: Entry, stocks: dict[str, tuple[Entry, StockView]]
    ) -> Sequence[CloudEvent]:
        """What the entry tells; the newest state of a stock is noted for the end of the page."""
        if (folded := await self._fold.before(shard, entry)) is None:
            # What came before was trimmed, or lies in another shard: the next entry is told again.
            return ()
        if entry.kind == ORDER.name:
            told = self._events(entry, order_told(folded))
        elif entry.kind == PRODUCT.name:
            told = self._events(entry, product_told(folded))
        else:
            told = self._events(entry, level_told(entry.key, folded, self._low_units))
            # Behind whatever was noted of it before: the order of a page is that of its last entries.
            stocks.pop(entry.key, None)
            stocks[entry.key] = (entry, view_of(folded))
        self._fold.keep(folded, entry)
        return told

    def _events(self, entry: Entry, told: Iterable[Told]) -> list[CloudEvent]:
        return [event_of(name, self._source, entry, index, data) for index, name, data in told]
