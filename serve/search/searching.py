"""One search from beginning to end, on one state of the index: read the question, find, order, count."""

from tantivy import Order, Query

from .facets import ProductOf, counted, expanded
from .filters import filters_of, restricted
from .generation import Snapshot
from .question import Question, Reader
from .ranking import count_of, query_for, rank
from .request import Found, SearchRequest, Sort
from .synonyms import Synonyms
from .weights import Weights

_COLUMNS = {
    Sort.PRICE: ("price", Order.Asc),
    Sort.PRICE_DESCENDING: ("price", Order.Desc),
    Sort.NEWEST: ("newness", Order.Desc),
    Sort.TITLE: ("title_sort", Order.Asc),
}


def search(
    snapshot: Snapshot, synonyms: Synonyms, weights: Weights, request: SearchRequest, product_of: ProductOf
) -> Found:
    """The page of products that the request asks for."""
    question = Reader(snapshot, synonyms, weights).read(request.text)
    query = _by_code(snapshot, request.text) or _matching(snapshot, question, weights, request.text)
    filters = filters_of(snapshot, request)
    ordinals, total = _page(snapshot, restricted(query, filters.values()), request, asked=bool(question.terms))
    skus = tuple(snapshot.sku_of(ordinal) for ordinal in ordinals)
    facets = counted(snapshot, query, filters, expanded(request.facets, skus, product_of))
    return Found(skus, total, tuple(facets), question.corrected, question.stems)


def _matching(snapshot: Snapshot, question: Question, weights: Weights, text: str) -> Query:
    if question.terms:
        return query_for(snapshot, question, weights)
    # Nothing was asked: everything may be looked at. What was asked in signs alone finds nothing.
    return Query.empty_query() if text.strip() else Query.all_query()


def _by_code(snapshot: Snapshot, text: str) -> Query | None:
    """The products of a SKU or a barcode, if the text is one: nothing else is meant by it then."""
    code = text.strip().lower()
    if not code or not any(character.isdigit() for character in code):
        return None
    if not snapshot.searcher.doc_freq("codes", code):
        return None
    return Query.term_query(snapshot.schema, "codes", code)


def _page(snapshot: Snapshot, query: Query, request: SearchRequest, *, asked: bool) -> tuple[list[int], int]:
    sort = request.sort
    if sort is Sort.RELEVANCE:
        if asked:
            ranked = rank(snapshot, query, request.limit, request.offset)
            return ranked.ordinals, ranked.total
        sort = Sort.NEWEST
    column, order = _COLUMNS[sort]
    found = snapshot.searcher.search(
        query, limit=request.limit, offset=request.offset, order_by_field=column, order=order
    )
    ordinals = snapshot.searcher.fast_field_values("ordinal", [address for _, address in found.hits])
    return [int(ordinal) for ordinal in ordinals if ordinal is not None], count_of(found)
