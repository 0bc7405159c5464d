"""Reads a Shopify product export: rows of one handle are one product's variants and images; each variant is a SKU here.

Pure: text lines in, products and errors out. Errors carry the row's number as a spreadsheet shows it (the header is 1).
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.category_tree import slug_of

from . import OWN_COLUMN, OWN_FAMILY_COLUMN
from .amounts import parse_price
from .html_text import plain_text

MAX_FIELD_CHARACTERS = 10_000_000
"""Of one cell: the csv module's own limit of 131,072 is below what descriptions with inline pictures reach."""

REQUIRED_COLUMNS = ("Handle", "Title", "Variant SKU", "Variant Price")

QUANTITY = re.compile(r"-?\d+", re.ASCII)
GRAMS = re.compile(r"(\d+)(?:\.0*)?", re.ASCII)
STATUSES = ("active", "draft", "archived")

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
class ImportRow:
    """One product for the bulk import, in the JSON that the API takes."""

    row: int
    sku: str
    fields: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {**self.fields, "row": self.row, "sku": self.sku}


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """The page of a handle with several variants or options, in the JSON that the API takes."""

    row: int
    handle: str
    fields: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {**self.fields, "row": self.row, "handle": self.handle}


Parsed = ImportRow | FamilyRow | RowError
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


def parse_quantity(text: str) -> int | None:
    """Units in stock; None for an empty cell, which leaves the stock alone. Raises ValueError with a sentence."""
    if not text.strip():
        return None
    if not QUANTITY.fullmatch(text.strip()):
        raise ValueError(f"the quantity {text!r} is no whole number")
    if (quantity := int(text)) < 0:
        raise ValueError(f"the quantity {quantity} is negative")
    return quantity


def products_of_rows(rows: Iterable[NumberedRow], currency: str) -> list[Parsed]:
    """What the rows of one handle say."""
    return list(_product(list(rows), currency))


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
    """The variants of one handle, then their page if they need one. Its first row carries what they share."""
    first_number, shared = rows[0]
    if not _cell(shared, "Title"):
        yield from (RowError(number, "the title is missing") for number, _ in rows)
        return
    pictures = _pictures(rows)
    variants: list[tuple[ImportRow, dict[str, str]]] = []
    for number, row in rows:
        if not _is_variant(number, first_number, row):
            continue
        try:
            variant = _variant(number, row, shared, pictures, currency)
        except ValueError as error:
            yield RowError(number, str(error))
            continue
        variants.append((variant, _options(row, shared)))
        yield variant
    try:
        if family := _family(first_number, shared, pictures, variants):
            yield family
    except ValueError as error:
        yield RowError(first_number, str(error))


def _variant(
    number: int, row: Mapping[str, str], shared: Mapping[str, str], pictures: Mapping[str, str], currency: str
) -> ImportRow:
    sku = _cell(row, "Variant SKU").removeprefix("'")  # Excel's mark for "this is text"
    if not sku:
        raise ValueError("the SKU is missing")
    own_image = _cell(row, "Variant Image")
    options = _options(row, shared)
    images = list(dict.fromkeys([own_image, *pictures] if own_image else pictures))
    fields: dict[str, Any] = {
        "title": " / ".join([_cell(shared, "Title"), *options.values()]),
        "price": {"amount": parse_price(row.get("Variant Price", ""), currency), "currency": currency},
        "description": plain_text(shared.get("Body (HTML)", "")),
        "category": _category(shared),
        "vendor": _cell(shared, "Vendor"),
        "tags": _split(shared.get("Tags", ""), ","),
        "images": images,
        "attributes": _attributes(shared, options),
    }
    fields |= _said(
        quantity=parse_quantity(row.get("Variant Inventory Qty", "")),
        status=_status(shared),
        barcode=_cell(row, "Variant Barcode").removeprefix("'") or None,
        weight_g=_grams(row),
        compare_at_price=_compare_at(row, currency),
        image_alts=[pictures.get(image, "") for image in images] if any(map(pictures.get, images)) else None,
    )
    return ImportRow(number, sku, fields | _own(row, OWN_COLUMN))


def _family(
    number: int,
    shared: Mapping[str, str],
    pictures: Mapping[str, str],
    variants: Sequence[tuple[ImportRow, Mapping[str, str]]],
) -> FamilyRow | None:
    """The page on which the variants are chosen; what comes alone and without options is its own page."""
    own = _own(shared, OWN_FAMILY_COLUMN)
    names = list(dict.fromkeys(name for _, options in variants for name in options))
    if not names and len(variants) < 2 and not own:
        return None
    values = {name: [options[name] for _, options in variants if name in options] for name in names}
    fields: dict[str, Any] = {
        "title": _cell(shared, "Title"),
        "options": [{"name": name, "values": list(dict.fromkeys(values[name]))} for name in names],
        "variants": [
            {"sku": variant.sku, "values": [options[name] for name in names if name in options]}
            for variant, options in variants
        ],
        "description": plain_text(shared.get("Body (HTML)", "")),
        "vendor": _cell(shared, "Vendor"),
        "tags": _split(shared.get("Tags", ""), ","),
        "images": list(pictures),
    }
    fields |= _said(
        status=_status(shared),
        image_alts=list(pictures.values()) if any(pictures.values()) else None,
        seo_title=_cell(shared, "SEO Title") or None,
        seo_description=_cell(shared, "SEO Description") or None,
    )
    # An address has small letters, digits and hyphens.
    handle = own.pop("handle", None) or slug_of(_cell(shared, "Handle"))
    return FamilyRow(number, str(handle), fields | own)


def _said(**fields: Any) -> dict[str, Any]:
    """What the file says; left out is left to the shop's defaults."""
    return {name: value for name, value in fields.items() if value is not None}


def _own(row: Mapping[str, str], column: str) -> dict[str, Any]:
    """What the shop's own column says; raises ValueError with a sentence."""
    text = _cell(row, column)
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"the column {column} is no JSON object")
    return found


def _is_variant(number: int, first_number: int, row: Mapping[str, str]) -> bool:
    """Whether the row is something to sell; otherwise it only adds a picture. The first row always is."""
    cells = ("Variant SKU", "Variant Price", "Option1 Value")
    return number == first_number or any(_cell(row, name) for name in cells) or not _cell(row, "Image Src")


def _status(row: Mapping[str, str]) -> str | None:
    """What is neither active nor published comes in as a draft; None for what is on sale."""
    status = _cell(row, "Status").lower() or "active"
    if status not in STATUSES:
        raise ValueError(f"the status {status!r} is none of {', '.join(STATUSES)}")
    if status == "active" and _cell(row, "Published").lower() == "false":
        return "draft"
    return status if status != "active" else None


def _grams(row: Mapping[str, str]) -> int | None:
    text = _cell(row, "Variant Grams")
    if not text:
        return None
    if not (match := GRAMS.fullmatch(text)):
        raise ValueError(f"the weight {text!r} is no whole number of grams")
    return int(match[1]) or None


def _compare_at(row: Mapping[str, str], currency: str) -> dict[str, Any] | None:
    text = _cell(row, "Variant Compare At Price")
    if not text:
        return None
    return {"amount": amount, "currency": currency} if (amount := parse_price(text, currency)) else None


def _pictures(rows: list[NumberedRow]) -> dict[str, str]:
    """The product's pictures, in the order that the shop gave them, each with its alternative text."""
    found = [
        (int(position) if (position := _cell(row, "Image Position")).isdecimal() else number, url, row)
        for number, row in rows
        if (url := _cell(row, "Image Src"))
    ]
    pictures: dict[str, str] = {}
    for _, url, row in sorted(found, key=lambda image: image[0]):
        pictures.setdefault(url, _cell(row, "Image Alt Text"))
    return pictures


def _options(row: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    """What tells the variant from its siblings; option names stand in the first row only."""
    options = {}
    for place in ("Option1", "Option2", "Option3"):
        name, value = _cell(row, f"{place} Name") or _cell(shared, f"{place} Name"), _cell(row, f"{place} Value")
        if value and value != SINGLE_VARIANT:
            options[name or place] = value
    return options


def _attributes(shared: Mapping[str, str], options: dict[str, str]) -> dict[str, str]:
    known = {"handle": _cell(shared, "Handle"), "type": _cell(shared, "Type")}
    return {name: value for name, value in known.items() if value} | options


def _category(row: Mapping[str, str]) -> list[str]:
    """The path in Shopify's taxonomy (`Home > Clocks`), else the type as a path of one step."""
    return _split(row.get("Product Category", ""), ">") or _split(row.get("Type", ""), ">")


def _split(text: str, separator: str) -> list[str]:
    return list(dict.fromkeys(part for part in (piece.strip() for piece in text.split(separator)) if part))


def _cell(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "").strip()
