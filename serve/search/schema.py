"""The index's fields, and a document's way into them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import tantivy

from .analysis import PLAIN, STEMMED, Analysis
from .document import SearchDocument

TITLE_SORT_LENGTH = 64
"""Characters by which products are sorted by their title."""
SEARCHED = ("title", "body", "vendor", "types", "attributes")
"""Text fields; a weight of the ranking is called after each."""
WHOLE = 1
PARTS = (4, 16, 64, 256)
"""One product in so many is in the part, drawn by its SKU. A part has postings of its own, as much shorter as it is
smaller: what very many products are like is counted there."""
PRICE_STEPS = tuple(step * 10**power for power in range(2, 9) for step in (1, 2, 5))
"""Minor units at which one price range ends and the next begins. Each product has the number of its range in a column:
to count these takes a third of what sorting prices into ranges does."""
ColumnFor = Callable[[str, bool], str | None]
"""An attribute's name, and whether its value is a figure, to the column that it stands in."""


def schema() -> tantivy.Schema:
    """Texts are indexed, values are columns; nothing is stored: products are in the catalogue's memory already."""
    builder = tantivy.SchemaBuilder()
    for name in SEARCHED:
        builder.add_text_field(name, tokenizer_name=STEMMED, index_option="freq")
    # All of these in one: whether a product has a term at all is asked of one field instead of five.
    builder.add_text_field("anything", tokenizer_name=STEMMED, index_option="freq")
    builder.add_text_field("heads", tokenizer_name=STEMMED, index_option="freq")
    for part in PARTS:
        builder.add_text_field(anything_in(part), tokenizer_name=STEMMED, index_option="basic")
    builder.add_text_field("parts", tokenizer_name="raw", index_option="basic")
    # As people write them: completions and corrections are chosen among these.
    builder.add_text_field("words", tokenizer_name=PLAIN, index_option="basic")
    for name in ("codes", "sku"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("vendor_name", "category", "currency", "title_sort"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_json_field("facets", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_unsigned_field("ordinal", fast=True)
    builder.add_unsigned_field("price_range", fast=True)
    for name in ("price", "newness"):
        builder.add_integer_field(name, fast=True, indexed=True)
    builder.add_boolean_field("in_stock", fast=True, indexed=True)
    return builder.build()


def new_index(analysis: Analysis, path: str | None) -> tantivy.Index:
    """An empty index, in memory or in the directory `path`."""
    index = tantivy.Index(schema(), path=path, reuse=False)
    index.register_tokenizer(STEMMED, analysis.stemmed)
    index.register_tokenizer(PLAIN, analysis.plain)
    return index


def anything_in(part: int) -> str:
    """The field that has all texts of the products in the part."""
    return "anything" if part == WHOLE else f"anything_{part}"


def to_tantivy(document: SearchDocument, ordinal: int, column_for: ColumnFor) -> dict[str, Any]:
    """The document's fields. `column_for` gives an attribute's column: names of attributes may hold anything."""
    columns = ((column_for(name, isinstance(value, float)), value) for name, value in document.facets.items())
    anything = " ".join((document.title, document.body, document.vendor, document.types, document.attribute_text))
    parts = list(_parts_with(document.sku))
    return {
        "sku": document.sku,
        "codes": list(document.codes),
        "title": document.title,
        "body": document.body,
        "vendor": document.vendor,
        "types": document.types,
        "attributes": document.attribute_text,
        "anything": anything,
        **{anything_in(part): anything for part in parts},
        "parts": [str(part) for part in parts],
        "heads": document.heads,
        "words": f"{document.title} {document.vendor} {document.types}",
        "vendor_name": document.vendor,
        "category": list(document.category),
        "currency": document.currency,
        "title_sort": document.title.casefold()[:TITLE_SORT_LENGTH],
        "facets": {column: value for column, value in columns if column is not None},
        "ordinal": ordinal,
        "price": document.price,
        "price_range": bisect_right(PRICE_STEPS, document.price),
        "newness": document.newness,
        "in_stock": document.in_stock,
    }


def _parts_with(sku: str) -> Iterator[int]:
    drawn = crc32(sku.encode())
    return (part for part in PARTS if drawn % part == 0)
