"""The order of what a question finds: which products match, how well, and what else speaks for them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from tantivy import Query, Searcher

from .filters import restricted
from .generation import Snapshot
from .matching import Matching

FEW = 50
"""Products. Where fewer match every term, those that match some of them come after."""


Finder = Callable[[int], Query]
"""The query that finds what was found, among the products of a part (`WHOLE` for all)."""


class Hits(NamedTuple):
    """Ordinals in their order, how many products there are in all, and what finds them again."""

    ordinals: list[int]
    total: int
    finder: Finder


def rank(snapshot: Snapshot, matching: Matching, filters: Sequence[Query], limit: int, offset: int) -> Hits:
    """The products that the question finds, by relevance."""
    if not filters:
        # The common case: whether every term must match is learned from the search itself.
        hits = _best(snapshot, matching, filters, limit, offset, strict=True)
        if hits.total >= FEW or matching.terms < 2:
            return hits
        return _best(snapshot, matching, filters, limit, offset, strict=False)
    return _best(snapshot, matching, filters, limit, offset, strict=is_strict(snapshot, matching))


def is_strict(snapshot: Snapshot, matching: Matching) -> bool:
    """Whether a product must match every term: so many do that no others need to be shown.

    Choices of facets don't count here: how a question is understood must not change with them.
    """
    return matching.terms < 2 or count(snapshot.searcher, matching.found(strict=True)) >= FEW


def count(searcher: Searcher, query: Query) -> int:
    """How many products a query finds; sorted by a column, so that none is weighed."""
    return count_of(searcher.search(query, limit=1, order_by_field="ordinal"))


def count_of(found: Any) -> int:
    """How many products a search found; the package's types don't name it."""
    return int(found.count)


def _best(
    snapshot: Snapshot, matching: Matching, filters: Sequence[Query], limit: int, offset: int, *, strict: bool
) -> Hits:
    found = snapshot.searcher.search(restricted(matching.ranked(strict), filters), limit=limit, offset=offset)
    ordinals = snapshot.searcher.fast_field_values("ordinal", [address for _, address in found.hits])
    known = [int(ordinal) for ordinal in ordinals if ordinal is not None]
    return Hits(known, count_of(found), partial(matching.found, strict))
