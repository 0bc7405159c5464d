"""One's own files of interactions, CSV (gzipped or not) or Parquet, by a mapping of their columns.

A row that can't be read is refused with its line; with `bad="skip"` it is left out, and the dataset's `source` says how
many were and why the first one was.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import DataRefused, NotEnoughData
from ..interactions import NOBODY, Dataset, Did, Items, dataset_of

WORDS: Mapping[str, Did] = {
    "view": Did.VIEW, "click": Did.CLICK, "add": Did.ADD, "add_to_cart": Did.ADD, "addtocart": Did.ADD,
    "cart": Did.ADD, "remove": Did.REMOVE, "remove_from_cart": Did.REMOVE, "checkout": Did.CHECKOUT,
    "checkout_started": Did.CHECKOUT, "purchase": Did.PURCHASE, "buy": Did.PURCHASE, "transaction": Did.PURCHASE,
    "order": Did.PURCHASE,
}  # fmt: skip
"""What a column `did` may say, in any case."""
SECONDS_UNTIL = 100_000_000_000
"""A number above it is milliseconds, else seconds: in seconds it would be the year 5138."""
MOST_UNITS = 2**31 - 1
MANY_TEXTS = 100_000
"""Instants as text that are kept read."""
TEXTS = ("title", "category", "vendor")

Row = tuple[int, Sequence[str]]
"""Its line and its cells, in the order of `Columns.named`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which of the file's columns is what; empty: it has none such."""

    item: str
    at: str = ""
    """ISO 8601, or a number of seconds or milliseconds. Without it the order of the rows is the time."""
    session: str = ""
    customer: str = ""
    did: str = ""
    """Of `WORDS`; without it, every row is a click, or a purchase where `quantity` is named."""
    quantity: str = ""
    title: str = ""
    category: str = ""
    vendor: str = ""

    @property
    def named(self) -> Sequence[tuple[str, str]]:
        """(what it is, the file's name of it)."""
        return [(field.name, name) for field in fields(self) if (name := getattr(self, field.name))]


def read_columns(file: Path, columns: Columns, *, bad: str = "refuse", timezone: str = "UTC") -> Dataset:
    """The file's rows as a dataset. Instants without a zone are in `timezone`. Raises DataRefused, NotEnoughData."""
    if bad not in ("refuse", "skip"):
        raise DataRefused(f"bad rows can be refused or skipped (refuse, skip), not {bad}")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataRefused(f"there is no time zone {timezone}") from error
    gathered = _Gathered(columns, zone, skip=bad == "skip")
    try:
        rows = _parquet_rows(file, columns) if file.suffix == ".parquet" else _csv_rows(file, columns, gathered)
        for number, cells in rows:
            gathered.take(number, cells)
    except (OSError, EOFError, csv.Error, UnicodeDecodeError) as error:
        raise DataRefused(f"{file.name} can't be read: {error}") from error
    except DataRefused as error:
        raise DataRefused(f"{file.name}, {error}") from error
    return gathered.dataset(file)


class _Gathered:
    """Columns as they grow, and what was left out."""

    def __init__(self, columns: Columns, zone: ZoneInfo, *, skip: bool) -> None:
        self._names = [name for name, _ in columns.named]
        self._did = Did.PURCHASE if columns.quantity and not columns.did else Did.CLICK
        self._instant = lru_cache(MANY_TEXTS)(lambda text: instant_of(text, zone))
        self._skip = skip
        self._indices: dict[str, dict[str, int]] = {"item": {}, "session": {}, "customer": {}}
        self._texts: dict[str, dict[int, str]] = {name: {} for name in TEXTS if name in self._names}
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        self.left_out, self.why = 0, ""

    def take(self, number: int, cells: Sequence[str]) -> None:
        """One row. Raises DataRefused where it can't be read and none may be left out."""
        told = dict(zip(self._names, cells, strict=True))
        try:
            self._rows.append(self._read(told))
        except ValueError as error:
            self.leave_out(number, str(error))

    def leave_out(self, number: int, why: str) -> None:
        if not self._skip:
            raise DataRefused(f"line {number}: {why}")
        self.why = self.why or f"line {number}: {why}"
        self.left_out += 1

    def dataset(self, file: Path) -> Dataset:
        if not self._rows:
            raise NotEnoughData(f"{file.name} has no interactions" + (f" ({self.why})." if self.why else "."))
        item, at, session, customer, did, quantity = zip(*self._rows, strict=True)
        skus = list(self._indices["item"])
        texts = {
            name: [found.get(number, "") for number in range(len(skus))] if found else ()
            for name, found in ((name, self._texts.get(name, {})) for name in TEXTS)
        }
        source = {"source": f"columns:{file}", "from": str(min(at)), "to": str(max(at))}
        if self.left_out:
            source["left_out"] = f"{self.left_out:,} rows, the first of them {self.why}"
        return dataset_of(
            Items(skus, texts["title"], texts["category"], texts["vendor"]),
            item,
            at,
            session=session,
            customer=customer,
            did=did,
            quantity=quantity,
            customers=list(self._indices["customer"]),
            source=source,
        )

    def _read(self, told: Mapping[str, str]) -> tuple[int, int, int, int, int, int]:
        if not told["item"]:
            raise ValueError("no item")
        at = self._instant(told["at"]) if "at" in told else len(self._rows)
        did = did_of(told["did"]) if "did" in told else self._did
        quantity = _quantity_of(told["quantity"]) if "quantity" in told else 1
        item = self._index("item", told["item"])
        for name, texts in self._texts.items():
            if told[name]:
                texts[item] = told[name]
        return item, at, self._index("session", told.get("session", "")), self._index(
            "customer", told.get("customer", "")
        ), did, quantity  # fmt: skip

    def _index(self, kind: str, text: str) -> int:
        known = self._indices[kind]
        return known.setdefault(text, len(known)) if text else NOBODY


def instant_of(text: str, zone: ZoneInfo) -> int:
    """Milliseconds UTC. Raises ValueError."""
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1_000)
    if not 0 <= number < 2**53:
        raise ValueError(f"{text} is no instant")
    return round(number) if number > SECONDS_UNTIL else round(number * 1_000)


def did_of(text: str) -> Did:
    """What was done. Raises ValueError."""
    found = WORDS.get(text.strip().lower().replace("-", "_"))
    if found is None:
        raise ValueError(f"nobody knows what {text!r} is: one of {', '.join(WORDS)}")
    return found


def _quantity_of(text: str) -> int:
    number = float(text)
    if not 0 < number <= MOST_UNITS or number != int(number):
        raise ValueError(f"a quantity of {text}")
    return int(number)


def _csv_rows(file: Path, columns: Columns, gathered: _Gathered) -> Iterator[Row]:
    with (
        gzip.open(file, "rt", encoding="utf-8-sig", newline="")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8-sig", newline="")
    ) as lines:
        yield from cells_of(lines, columns, gathered)


def cells_of(lines: Iterable[str], columns: Columns, gathered: _Gathered) -> Iterator[Row]:
    """Each row's line and the cells that are wanted of it."""
    rows = csv.reader(lines)
    heading = [name.strip() for name in next(rows, [])]
    places = _places(heading, columns)
    for cells in rows:
        if len(cells) != len(heading):
            gathered.leave_out(rows.line_num, f"{len(cells)} cells, not {len(heading)}")
        else:
            yield rows.line_num, [cells[place].strip() for place in places]


def _parquet_rows(file: Path, columns: Columns) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise DataRefused(f"line 1: {error}") from error
    _places(opened.schema_arrow.names, columns)
    number = 0
    for batch in opened.iter_batches(columns=[name for _, name in columns.named]):
        cells = [[_text(value) for value in batch.column(name).to_pylist()] for _, name in columns.named]
        for row in zip(*cells, strict=True):
            number += 1
            yield number, row


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value).strip()


def _places(heading: Sequence[str], columns: Columns) -> list[int]:
    if missing := [name for _, name in columns.named if name not in heading]:
        raise DataRefused(f"line 1: there is no column {', '.join(missing)}, but {', '.join(heading)}")
    return [heading.index(name) for _, name in columns.named]
