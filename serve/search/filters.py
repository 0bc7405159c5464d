"""Choices as queries: each facet's choice by itself, so that a facet can be counted without its own."""

from collections.abc import Iterable, Iterator

import tantivy
from tantivy import FieldType, Occur, Query

from .generation import Snapshot
from .request import Between, SearchRequest

ATTRIBUTE = "attribute:"
"""Before the name of an attribute, in the name of its facet."""


def filters_of(snapshot: Snapshot, request: SearchRequest) -> dict[str, Query]:
    """By the facet that each belongs to, the query that a product must match."""
    return dict(_filters(snapshot, request))


def restricted(query: Query, filters: Iterable[Query]) -> Query:
    """The query, for products that match all filters; they don't change its score."""
    musts = [(Occur.Must, Query.const_score_query(one, 0.0)) for one in filters]
    return Query.boolean_query([(Occur.Must, query), *musts]) if musts else query


def _filters(snapshot: Snapshot, request: SearchRequest) -> Iterator[tuple[str, Query]]:
    schema = snapshot.schema
    if request.categories:
        yield "category", Query.term_set_query(schema, "category", list(request.categories))
    if request.vendors:
        yield "vendor", Query.term_set_query(schema, "vendor_name", list(request.vendors))
    if request.in_stock is not None:
        yield "availability", Query.term_query(schema, "in_stock", request.in_stock)
    if request.currency:
        yield "currency", Query.term_query(schema, "currency", request.currency)
    if request.price_min is not None or request.price_max is not None:
        yield (
            "price",
            Query.range_query(schema, "price", FieldType.Integer, request.price_min, request.price_max),
        )
    for name, values in request.attributes:
        column = snapshot.column_of(name)
        field = f"facets.{column.texts}" if column else ""
        yield (
            ATTRIBUTE + name,
            Query.term_set_query(schema, field, list(values)) if column else Query.empty_query(),
        )
    for name, between in request.figures:
        yield ATTRIBUTE + name, _figures(snapshot, name, between)


def _figures(snapshot: Snapshot, name: str, between: Between) -> Query:
    column = snapshot.column_of(name)
    if column is None:
        return Query.empty_query()
    least = "*" if between.least is None else repr(float(between.least))
    most = "*" if between.most is None else repr(float(between.most))
    return _parsed(snapshot.index, f"facets.{column.figures}:[{least} TO {most}]")


def _parsed(index: tantivy.Index, text: str) -> Query:
    """Only the query language knows ranges inside of a JSON field; nothing of a client's text is in `text`."""
    return index.parse_query(text, [])
