"""The order of what a question finds: which products match, how well, and what else speaks for them."""

from typing import Any, NamedTuple

from tantivy import Query

from .generation import Snapshot
from .question import Matching, Question
from .weights import Weights

FEW = 50
"""Products. Where fewer match every term, those that match some of them come after."""


class Ranked(NamedTuple):
    """Ordinals and scores, best first, of `total` that were found by `query`."""

    ordinals: list[int]
    total: int
    query: Query


def query_for(snapshot: Snapshot, question: Question, weights: Weights, filters: Query | None = None) -> Query:
    """The query that finds and ranks what the question asks for; many words that all match need no others.

    Filters don't count here: whether a question is understood strictly must not change from one choice to the next.
    """
    matching = Matching(snapshot, weights)
    strict = matching.every(question)
    if len(question.terms) < 2 or count_of(snapshot.searcher.search(strict, limit=1)) >= FEW:
        return strict
    return matching.some(question)


def rank(snapshot: Snapshot, query: Query, limit: int, offset: int = 0) -> Ranked:
    """The products that the query finds, by relevance."""
    found = snapshot.searcher.search(query, limit=limit, offset=offset, weight_by_field="prior")
    addresses = [address for _, address in found.hits]
    ordinals = snapshot.searcher.fast_field_values("ordinal", addresses)
    return Ranked([int(ordinal) for ordinal in ordinals if ordinal is not None], count_of(found), query)


def count_of(found: Any) -> int:
    """How many products a search found; the package's types don't name it."""
    return int(found.count)
