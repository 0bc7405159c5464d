"""The index's fields, and a document's way into them."""

import math
from collections.abc import Callable
from typing import Any

import tantivy

from .analysis import PLAIN, STEMMED, Analysis
from .document import SearchDocument

TITLE_SORT_LENGTH = 64
"""Characters by which products are sorted by their title."""
SEARCHED = ("title", "body", "vendor", "types", "attributes")
"""Text fields; a weight of the ranking is called after each."""
ColumnFor = Callable[[str, bool], str | None]
"""An attribute's name, and whether its value is a figure, to the column that it stands in."""


def schema() -> tantivy.Schema:
    """Texts are indexed, values are columns; nothing is stored: products are in the catalogue's memory already."""
    builder = tantivy.SchemaBuilder()
    for name in SEARCHED:
        builder.add_text_field(name, tokenizer_name=STEMMED, index_option="freq")
    builder.add_text_field("heads", tokenizer_name=STEMMED, index_option="freq")
    # As people write them: completions and corrections are chosen among these.
    builder.add_text_field("words", tokenizer_name=PLAIN, index_option="basic")
    for name in ("codes", "sku"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("vendor_name", "category", "currency", "title_sort"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_json_field("facets", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_unsigned_field("ordinal", fast=True)
    for name in ("price", "newness"):
        builder.add_integer_field(name, fast=True, indexed=True)
    builder.add_boolean_field("in_stock", fast=True, indexed=True)
    builder.add_float_field("prior", fast=True)
    return builder.build()


def new_index(analysis: Analysis, path: str | None) -> tantivy.Index:
    """An empty index, in memory or in the directory `path`."""
    index = tantivy.Index(schema(), path=path, reuse=False)
    index.register_tokenizer(STEMMED, analysis.stemmed)
    index.register_tokenizer(PLAIN, analysis.plain)
    return index


def to_tantivy(document: SearchDocument, ordinal: int, column_for: ColumnFor, sold_out: float) -> dict[str, Any]:
    """The document's fields. `column_for` gives an attribute's column: names of attributes may hold anything."""
    columns = ((column_for(name, isinstance(value, float)), value) for name, value in document.facets.items())
    return {
        "sku": document.sku,
        "codes": list(document.codes),
        "title": document.title,
        "body": document.body,
        "vendor": document.vendor,
        "types": document.types,
        "attributes": document.attribute_text,
        "heads": document.heads,
        "words": f"{document.title} {document.vendor} {document.types}",
        "vendor_name": document.vendor,
        "category": list(document.category),
        "currency": document.currency,
        "title_sort": document.title.casefold()[:TITLE_SORT_LENGTH],
        "facets": {column: value for column, value in columns if column is not None},
        "ordinal": ordinal,
        "price": document.price,
        "newness": document.newness,
        "in_stock": document.in_stock,
        "prior": prior_of(1.0 if document.in_stock else sold_out),
    }


def prior_of(factor: float) -> float:
    """The value of the field `prior` with which a score becomes `factor` times itself.

    The index multiplies a score by log2(2 + value) of the field that it is weighted by.
    """
    return math.pow(2.0, factor) - 2.0
