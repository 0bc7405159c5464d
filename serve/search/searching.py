"""One search from beginning to end, on one state of the index: read the question, find, order, count."""

from collections.abc import Sequence
from functools import partial

from tantivy import Order, Query

from .facets import ProductOf, counted, expanded
from .filters import filters_of, restricted
from .generation import Snapshot
from .matching import Matching
from .question import Reader
from .ranking import Finder, Hits, count_of, is_strict, rank
from .request import Found, SearchRequest, Sort
from .schema import WHOLE
from .synonyms import Synonyms
from .weights import Weights

_COLUMNS = {
    Sort.RELEVANCE: ("newness", Order.Desc),
    Sort.PRICE: ("price", Order.Asc),
    Sort.PRICE_DESCENDING: ("price", Order.Desc),
    Sort.NEWEST: ("newness", Order.Desc),
    Sort.TITLE: ("title_sort", Order.Asc),
}
"""Where nothing was asked, nothing is more relevant than the new."""


def search(
    snapshot: Snapshot, synonyms: Synonyms, weights: Weights, request: SearchRequest, product_of: ProductOf
) -> Found:
    """The page of products that the request asks for."""
    question = Reader(snapshot, synonyms, weights).read(request.text)
    matching = Matching(snapshot, question, weights)
    filters = filters_of(snapshot, request)
    chosen = list(filters.values())
    code = _by_code(snapshot, request.text)
    if code is not None:
        hits = _sorted(snapshot, lambda _part: code, chosen, request)
    elif not question.terms:
        # Nothing was asked: everything may be looked at. What was asked in signs alone finds nothing.
        everything = (lambda _part: Query.empty_query()) if request.text.strip() else partial(_all_of, snapshot)
        hits = _sorted(snapshot, everything, chosen, request)
    elif request.sort is Sort.RELEVANCE:
        hits = rank(snapshot, matching, chosen, request.limit, request.offset)
    else:
        hits = _sorted(snapshot, partial(matching.found, is_strict(snapshot, matching)), chosen, request)
    skus = tuple(snapshot.sku_of(ordinal) for ordinal in hits.ordinals)
    facets = counted(snapshot, hits.finder, filters, expanded(request.facets, skus, product_of), hits.total)
    return Found(skus, hits.total, tuple(facets), question.corrected, question.stems)


def _by_code(snapshot: Snapshot, text: str) -> Query | None:
    """The products of a SKU or a barcode, if the text is one: nothing else is meant by it then."""
    code = text.strip().lower()
    if not any(character.isdigit() for character in code) or not snapshot.searcher.doc_freq("codes", code):
        return None
    return Query.term_query(snapshot.schema, "codes", code)


def _all_of(snapshot: Snapshot, part: int) -> Query:
    return Query.all_query() if part == WHOLE else Query.term_query(snapshot.schema, "parts", str(part), "basic")


def _sorted(snapshot: Snapshot, finder: Finder, filters: Sequence[Query], request: SearchRequest) -> Hits:
    column, order = _COLUMNS[request.sort]
    found = snapshot.searcher.search(
        restricted(finder(WHOLE), filters),
        limit=request.limit,
        offset=request.offset,
        order_by_field=column,
        order=order,
    )
    ordinals = snapshot.searcher.fast_field_values("ordinal", [address for _, address in found.hits])
    return Hits([int(ordinal) for ordinal in ordinals if ordinal is not None], count_of(found), finder)
