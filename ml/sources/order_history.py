"""Reads order history from a file of invoice lines, in the columns of UCI's Online Retail (CSV, gzipped or not).

What isn't a purchase of goods is left out, by the rules that bringing such a file into the shop has too:
- lines that are the same in every column as one before,
- cancellations: an invoice whose number starts with C, and what has a negative quantity besides,
- what is no product: postage, fees, discounts, samples, corrections by hand (`NO_PRODUCTS`),
- prices below zero, and lines without a price that belong to no customer: corrections of the stock.

Codes that differ only by case are one product. An invoice is a session; lines without a customer belong to `NOBODY`.
"""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from ..errors import DataRefused, NotEnoughData
from ..interactions import NOBODY, Dataset, Did, Items, dataset_of

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
NO_PRODUCTS = frozenset(("POST", "DOT", "C2", "D", "M", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS"))
"""Codes in the products' column, in capitals, that are none."""
CANCELLED = "C"
MOST_UNITS = 2**31 - 1
MANY_DATES = 100_000
"""Dates that are kept read: each invoice repeats its own."""


def read_order_history(file: Path, timezone: str = "Europe/London") -> Dataset:
    """Every purchase of goods in the file. Raises DataRefused with the line, NotEnoughData where there is none."""
    with opened(file) as text:
        return order_history(text, source=file.name, timezone=timezone)


def order_history(lines: Iterable[str], *, source: str = "lines", timezone: str = "Europe/London") -> Dataset:
    """The same of lines that were opened already."""
    purchases = _Purchases(ZoneInfo(timezone))
    try:
        for number, cells in _cells(lines):
            purchases.take(number, cells)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise DataRefused(f"{source} can't be read: {error}") from error
    return purchases.dataset(source)


class _Purchases:
    """Columns of what was bought, as they grow."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._instant = lru_cache(MANY_DATES)(lambda text: _instant(text, zone))
        self._seen: set[tuple[str, ...]] = set()
        self._skus: dict[str, int] = {}
        self._titles: dict[int, Counter[str]] = defaultdict(Counter)
        self._invoices: dict[str, int] = {}
        self._customers: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, int, int]] = []

    def take(self, number: int, cells: tuple[str, ...]) -> None:
        """One line: a purchase, or nothing. Raises DataRefused where it can't be read."""
        invoice, code, title, quantity_text, date, price_text, customer = cells
        try:
            quantity, price, at = int(quantity_text), float(price_text), self._instant(date)
        except ValueError as error:
            raise DataRefused(f"line {number}: {error}") from error
        if abs(quantity) > MOST_UNITS:
            raise DataRefused(f"line {number}: nobody buys {quantity} units")
        sku = code.upper()
        if not sku or sku in NO_PRODUCTS or invoice.startswith(CANCELLED) or quantity <= 0 or cells in self._seen:
            return
        if price < 0 or (price == 0 and not customer):
            return
        self._seen.add(cells)
        item = self._skus.setdefault(sku, len(self._skus))
        self._titles[item][title] += 1
        who = self._customers.setdefault(customer.removesuffix(".0"), len(self._customers)) if customer else NOBODY
        self._rows.append((item, at, self._invoices.setdefault(invoice, len(self._invoices)), who, quantity))

    def dataset(self, source: str) -> Dataset:
        if not self._rows:
            raise NotEnoughData(f"{source} has no purchase.")
        item, at, session, customer, quantity = zip(*self._rows, strict=True)
        titles = [self._titles[number].most_common(1)[0][0] for number in range(len(self._skus))]
        return dataset_of(
            Items(list(self._skus), titles),
            item,
            at,
            session=session,
            customer=customer,
            did=[Did.PURCHASE] * len(item),
            quantity=quantity,
            customers=list(self._customers),
            source={"source": source, "from": str(min(at)), "to": str(max(at))},
        )


def _cells(lines: Iterable[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each line's number and its cells in the order of `COLUMNS`."""
    rows = csv.reader(lines)
    heading: Sequence[str] = [name.strip().removeprefix("\ufeff") for name in next(rows, [])]
    if missing := [name for name in COLUMNS if name not in heading]:
        raise DataRefused(f"line 1: there is no column {', '.join(missing)}")
    places = [heading.index(name) for name in COLUMNS]
    for cells in rows:
        if len(cells) != len(heading):
            raise DataRefused(f"line {rows.line_num}: {len(cells)} cells, not {len(heading)}")
        yield rows.line_num, tuple(cells[place].strip() for place in places)


def _instant(text: str, zone: ZoneInfo) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1_000)


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """The file's text, whether it is packed or not. Raises DataRefused."""
    try:
        with (
            gzip.open(file, "rt", encoding="utf-8", newline="")
            if file.suffix == ".gz"
            else file.open(encoding="utf-8", newline="")
        ) as text:
            yield text
    except OSError as error:
        raise DataRefused(f"{file.name} can't be read: {error}") from error
