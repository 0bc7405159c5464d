"""Reads a table of invoice lines. Whatever a line says, one row comes of it: nothing is dropped silently."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from ..shopify_csv.amounts import WITH_THREE_DECIMALS, WITHOUT_DECIMALS
from .countries import code_of
from .mapping import ColumnMapping, MappingError, Use

KEPT_TEXTS = 100_000
"""Dates, prices and countries that are kept read: they repeat all the time."""
MOST_MINOR_UNITS = 10**12
MOST_UNITS = 1_000_000
LONGEST_TITLE = 500
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
WHOLE_BY_TOO_MUCH = re.compile(r"(\d+)\.0+")
"""A number that went through a table with gaps came out as a fraction: 17850.0."""


class Row(NamedTuple):
    """A line. With an `unreadable` word about it nothing else counts; a `price` of None isn't in minor units."""

    number: int
    """In the file; the heading is row 1."""
    unreadable: str = ""
    order: str = ""
    is_return: bool = False
    at: int = 0
    sku: str = ""
    title: str = ""
    quantity: int = 0
    price: int | None = None
    negative_price: bool = False
    use: Use = Use.GOODS
    customer: str = ""
    email: str = ""
    country: str = ""
    digest: int = 0
    """The same for lines that are the same in every column."""


class Unreadable(Exception):
    """What is wrong with a line."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class LineReader:
    """Reads the lines of one table; `unknown_countries` grows as names are met that nobody knows."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        self.unknown_countries: set[str] = set()
        decimals = 0 if mapping.currency in WITHOUT_DECIMALS else 3 if mapping.currency in WITH_THREE_DECIMALS else 2
        self._decimals = decimals
        self._instant = lru_cache(KEPT_TEXTS)(self._read_instant)
        self._price = lru_cache(KEPT_TEXTS)(self._read_price)
        self._country = lru_cache(KEPT_TEXTS)(self._read_country)
        self._code = lru_cache(KEPT_TEXTS)(self._read_code)

    def read(self, text: Iterable[str]) -> Iterator[Row]:
        """Every line as a row. Raises MappingError where the heading doesn't have the columns."""
        rows = csv.reader(text)
        heading = next(rows, [])
        places = self._places(heading)
        for number, cells in enumerate(rows, 2):
            try:
                yield self._row(number, cells, places, len(heading))
            except Unreadable as error:
                yield Row(number, error.detail)

    def _places(self, heading: Sequence[str]) -> dict[str, int]:
        names = [name.strip().removeprefix("\ufeff") for name in heading]
        wanted = self._mapping.columns
        if missing := [column for column in wanted.values() if column not in names]:
            raise MappingError(f"the file has no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
        return {field: names.index(column) for field, column in wanted.items()}

    def _row(self, number: int, cells: Sequence[str], places: dict[str, int], width: int) -> Row:
        if len(cells) != width:
            raise Unreadable(f"it has {len(cells)} cells, not {width}")

        def cell(field: str) -> str:
            return cells[places[field]].strip() if field in places else ""

        order = cell("order")
        if not REFERENCE.fullmatch(order):
            raise Unreadable(f"{order!r} is no order's number")
        quantity = _units(cell("quantity"))
        prefix = self._mapping.returns_prefix
        is_return = order.startswith(prefix) if prefix else quantity < 0
        sku, use = self._code(cell("sku"))
        price, negative = self._price(cell("price"))
        customer = cell("customer")
        if whole := WHOLE_BY_TOO_MUCH.fullmatch(customer):
            customer = whole[1]
        if customer and not REFERENCE.fullmatch(customer):
            raise Unreadable(f"{customer!r} is no customer's number")
        return Row(
            *(number, "", order, is_return, self._instant(cell("date")), sku, cell("title")[:LONGEST_TITLE]),
            *(quantity, price, negative, use, customer, cell("email"), self._country(cell("country"))),
            hash(tuple(cells)),
        )

    def _read_code(self, text: str) -> tuple[str, Use]:
        use = self._mapping.codes.get(text.upper(), Use.GOODS)
        sku = text.upper() if self._mapping.fold_case else text
        if use is Use.GOODS and not SKU.fullmatch(sku):
            raise Unreadable(f"{text!r} is no SKU")
        return sku, use

    def _read_price(self, text: str) -> tuple[int | None, bool]:
        try:
            minor = Decimal(text).scaleb(self._decimals)
        except InvalidOperation:
            raise Unreadable(f"{text!r} is no price") from None
        if not minor.is_finite() or abs(minor) > MOST_MINOR_UNITS:
            raise Unreadable(f"{text!r} is no price")
        whole = minor == minor.to_integral_value()
        return (int(minor) if whole else None), minor < 0

    def _read_instant(self, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable(f"{text!r} is no date as 2010-12-01 08:26") from None
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._mapping.timezone)
        at = round(aware.astimezone(UTC).timestamp() * 1_000)
        if at <= 0:
            raise Unreadable(f"{text!r} is before 1970")
        return at

    def _read_country(self, text: str) -> str:
        code = code_of(text, dict(self._mapping.countries))
        if code is None:
            self.unknown_countries.add(text)
        return code or ""


def _units(text: str) -> int:
    try:
        quantity = int(text)
    except ValueError:
        raise Unreadable(f"{text!r} is no quantity") from None
    if not 0 < abs(quantity) <= MOST_UNITS:
        raise Unreadable(f"nobody buys {quantity} units")
    return quantity
