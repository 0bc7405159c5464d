"""Reads a Shopify product export: rows of one handle are one product's variants and images; each variant is a SKU here.

Pure: text lines in, products and errors out. Errors carry the row's number as a spreadsheet shows it (the header is 1).
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

MAX_FIELD_CHARACTERS = 1_000_000
"""Of one cell: the csv module's own limit of 131,072 is below what descriptions with inline pictures reach."""

REQUIRED_COLUMNS = ("Handle", "Title", "Variant SKU", "Variant Price")

WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
WITH_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
"""ISO 4217 currencies whose minor unit is not a hundredth."""

PRICE = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?", re.ASCII)
QUANTITY = re.compile(r"-?\d+", re.ASCII)

SINGLE_VARIANT = "Default Title"
"""What Shopify writes as the option of a product without variants."""


class CsvError(Exception):
    """The file as a whole can't be read: it has no header, or not the columns of a product export."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that can't become a product, and why."""

    row: int
    detail: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is no product for sale: a draft, an archived or an unpublished one."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One product for the bulk import, in the JSON that the API takes."""

    row: int
    sku: str
    fields: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"row": self.row, "sku": self.sku, **self.fields}


Parsed = ImportRow | RowError | Skipped
NumberedRow = tuple[int, Mapping[str, str]]


def parse(lines: Iterable[str], currency: str) -> Iterator[Parsed]:
    """The products of the export in the file's order, with the rows at fault between them. Raises `CsvError`."""
    seen: dict[str, int] = {}
    rows = _rows(lines)
    for _, group in groupby(rows, key=lambda item: item if isinstance(item, RowError) else item[1].get("Handle", "")):
        members = list(group)
        good = [member for member in members if not isinstance(member, RowError)]
        yield from (member for member in members if isinstance(member, RowError))
        for parsed in _product(good, currency) if good else ():
            if isinstance(parsed, ImportRow) and parsed.sku in seen:
                yield RowError(parsed.row, f"SKU {parsed.sku} is in row {seen[parsed.sku]} already")
                continue
            if isinstance(parsed, ImportRow):
                seen[parsed.sku] = parsed.row
            yield parsed


def parse_price(text: str, currency: str) -> int:
    """Minor units of a price as people write it: `1,299.5` is 129950 cents. Raises ValueError with a sentence."""
    match = PRICE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no price" if text.strip() else "the price is missing")
    decimals = _decimals(currency)
    whole, fraction = match[1].replace(",", ""), (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"the price {text.strip()} has more decimals than {currency} has ({decimals})")
    return int(whole + fraction.ljust(decimals, "0"))


def _decimals(currency: str) -> int:
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE_DECIMALS else 2


def parse_quantity(text: str) -> int | None:
    """Units in stock; None for an empty cell, which leaves the stock alone. Raises ValueError with a sentence."""
    if not text.strip():
        return None
    if not QUANTITY.fullmatch(text.strip()):
        raise ValueError(f"the quantity {text!r} is no whole number")
    if (quantity := int(text)) < 0:
        raise ValueError(f"the quantity {quantity} is negative")
    return quantity


def plain_text(html: str) -> str:
    """What the HTML says, without its tags: a description is text here, never markup for somebody's browser."""
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _TextOfHtml()
    reader.feed(html)
    reader.close()
    return reader.text()


def _rows(lines: Iterable[str]) -> Iterator[NumberedRow | RowError]:
    """The file's records with their numbers; empty lines count but say nothing."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(_without_byte_order_mark(lines))
    header = [name.strip() for name in next(reader, [])]
    if missing := [name for name in REQUIRED_COLUMNS if name not in header]:
        raise CsvError(f"This is no Shopify product export: it has no column {', '.join(missing)}.")
    number = 1
    while True:
        number += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            yield RowError(number, f"not readable as CSV: {error}")
            continue
        if record is None:
            return
        if not any(cell.strip() for cell in record):
            continue
        if len(record) > len(header):
            yield RowError(number, f"{len(record)} cells, but the header has {len(header)}: is a quote missing?")
            continue
        yield number, dict(zip(header, record, strict=False))


def _without_byte_order_mark(lines: Iterable[str]) -> Iterator[str]:
    for position, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if position == 0 else line


def _product(rows: list[NumberedRow], currency: str) -> Iterator[Parsed]:
    """The variants of one handle. Its first row carries what they share."""
    first_number, shared = rows[0]
    if reason := _not_for_sale(shared):
        yield from (Skipped(number, reason) for number, row in rows if _is_variant(number, first_number, row))
        return
    if not _cell(shared, "Title"):
        yield from (RowError(number, "the title is missing") for number, _ in rows)
        return
    images = _images(rows)
    for number, row in rows:
        if not _is_variant(number, first_number, row):
            continue
        try:
            yield _variant(number, row, shared, images, currency)
        except ValueError as error:
            yield RowError(number, str(error))


def _variant(
    number: int, row: Mapping[str, str], shared: Mapping[str, str], images: list[str], currency: str
) -> ImportRow:
    sku = _cell(row, "Variant SKU").removeprefix("'")  # Excel's mark for "this is text"
    if not sku:
        raise ValueError("the SKU is missing")
    own_image = _cell(row, "Variant Image")
    options = _options(row, shared)
    quantity = parse_quantity(row.get("Variant Inventory Qty", ""))
    fields: dict[str, Any] = {
        "title": " / ".join([_cell(shared, "Title"), *options.values()]),
        "price": {"amount": parse_price(row.get("Variant Price", ""), currency), "currency": currency},
        "description": plain_text(shared.get("Body (HTML)", "")),
        "category": _category(shared),
        "vendor": _cell(shared, "Vendor"),
        "tags": _split(shared.get("Tags", ""), ","),
        "images": list(dict.fromkeys([own_image, *images] if own_image else images)),
        "attributes": _attributes(row, shared, options),
    }
    if quantity is not None:
        fields["quantity"] = quantity
    return ImportRow(number, sku, fields)


def _is_variant(number: int, first_number: int, row: Mapping[str, str]) -> bool:
    """Whether the row is something to sell; otherwise it only adds a picture. The first row always is."""
    cells = ("Variant SKU", "Variant Price", "Option1 Value")
    return number == first_number or any(_cell(row, name) for name in cells) or not _cell(row, "Image Src")


def _not_for_sale(row: Mapping[str, str]) -> str:
    status = _cell(row, "Status").lower()
    if status and status != "active":
        return status
    return "unpublished" if _cell(row, "Published").lower() == "false" else ""


def _images(rows: list[NumberedRow]) -> list[str]:
    """The product's pictures, in the order that the shop gave them."""
    found = [
        (int(position) if (position := _cell(row, "Image Position")).isdecimal() else number, url)
        for number, row in rows
        if (url := _cell(row, "Image Src"))
    ]
    return list(dict.fromkeys(url for _, url in sorted(found, key=lambda image: image[0])))


def _options(row: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    """What tells the variant from its siblings; option names stand in the first row only."""
    options = {}
    for place in ("Option1", "Option2", "Option3"):
        name, value = _cell(row, f"{place} Name") or _cell(shared, f"{place} Name"), _cell(row, f"{place} Value")
        if value and value != SINGLE_VARIANT:
            options[name or place] = value
    return options


def _attributes(row: Mapping[str, str], shared: Mapping[str, str], options: dict[str, str]) -> dict[str, str]:
    known = {
        "handle": _cell(shared, "Handle"),
        "type": _cell(shared, "Type"),
        "barcode": _cell(row, "Variant Barcode").removeprefix("'"),
    }
    return {name: value for name, value in known.items() if value} | options


def _category(row: Mapping[str, str]) -> list[str]:
    """The path in Shopify's taxonomy (`Home > Clocks`), else the type as a path of one step."""
    return _split(row.get("Product Category", ""), ">") or _split(row.get("Type", ""), ">")


def _split(text: str, separator: str) -> list[str]:
    return list(dict.fromkeys(part for part in (piece.strip() for piece in text.split(separator)) if part))


def _cell(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "").strip()


class _TextOfHtml(HTMLParser):
    """Collects text; elements that end a line of thought end a line."""

    BLOCKS = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "table", "tr", "ul"})
    UNREAD = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in self.UNREAD
        self._break_at(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in self.UNREAD and self._unread > 0
        self._break_at(tag)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        lines = (line.strip() for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)

    def _break_at(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self._parts.append("\n")
