"""A question as queries of the index: which products match, and how well."""

from collections.abc import Iterator

from tantivy import Occur, Query

from .generation import Snapshot
from .question import Question, Term
from .schema import SEARCHED, WHOLE, anything_in
from .weights import Weights

TOO_COMMON = 10
"""Times as many products as have the rarest term."""


class Matching:
    """Queries for one question, strict (every term) or not (some terms).

    `found` and `ranked` match the same products. The first only finds them: it asks one field for each term. The
    second says how well, field by field, which takes several times as long.
    """

    def __init__(self, snapshot: Snapshot, question: Question, weights: Weights) -> None:
        self._schema = snapshot.schema
        self._snapshot = snapshot
        self._terms = question.terms
        self._weights = weights
        self._fields = [(name, getattr(weights, name)) for name in SEARCHED]

    def found(self, strict: bool, part: int = WHOLE) -> Query:
        """Finds the products, or those of them that are in the part."""
        terms = self._terms if strict else self._telling()
        occur = Occur.Must if strict else Occur.Should
        return Query.boolean_query([(occur, self._present(term, anything_in(part))) for term in terms])

    def ranked(self, strict: bool) -> Query:
        """Finds and ranks the products."""
        terms = [self._term(term) for term in self._terms]
        every = Query.boolean_query([(Occur.Must, term) for term in terms])
        if strict:
            return self._also(every)
        telling = self._telling()
        some = Query.boolean_query([(Occur.Should, self._term(term)) for term in telling])
        for term in self._terms:
            if term not in telling:
                some = _gaining(some, self._term(term))
        # Those that match every term gain by it.
        return self._also(_gaining(some, Query.boost_query(every, self._weights.every_term)))

    @property
    def terms(self) -> int:
        return len(self._terms)

    def _telling(self) -> list[Term]:
        """The terms of which one must match: not those that so many more products have than the rarest.

        Of "playstation 4", a 4 alone is no match, and looking through all of them takes the longest.
        """
        have = [self._snapshot.searcher.doc_freq("anything", term.stem) for term in self._terms]
        rarest = min((count for count in have if count), default=0)
        return [
            term for term, count in zip(self._terms, have, strict=True) if count <= rarest * TOO_COMMON or not rarest
        ]

    def _present(self, term: Term, field: str) -> Query:
        own = self._anywhere(term.stem, field)
        if not term.alternatives:
            return own
        others = (self._together(other.terms, field) for other in term.alternatives)
        return Query.boolean_query([(Occur.Should, query) for query in (own, *others)])

    def _together(self, stems: tuple[str, ...], field: str) -> Query:
        if len(stems) == 1:
            return self._anywhere(stems[0], field)
        return Query.boolean_query([(Occur.Must, self._anywhere(stem, field)) for stem in stems])

    def _anywhere(self, stem: str, field: str) -> Query:
        return Query.term_query(self._schema, field, stem, "freq" if field == "anything" else "basic")

    def _term(self, term: Term) -> Query:
        """Of several fields, and of what may stand for the term, the best match counts."""
        return Query.disjunction_max_query([*self._fielded(term.stem, 1.0), *self._alternatives(term)])

    def _alternatives(self, term: Term) -> Iterator[Query]:
        for other in term.alternatives:
            if len(other.terms) == 1:
                yield from self._fielded(other.terms[0], other.weight)
            else:
                yield Query.boost_query(self._together(other.terms, anything_in(WHOLE)), other.weight)

    def _fielded(self, stem: str, weight: float) -> Iterator[Query]:
        for name, of_field in self._fields:
            query = Query.term_query(self._schema, name, stem, "freq")
            yield query if of_field * weight == 1.0 else Query.boost_query(query, of_field * weight)

    def _also(self, found: Query) -> Query:
        """With what speaks for a product besides."""
        head = Query.term_query(self._schema, "heads", self._terms[-1].stem, "freq")
        in_stock = Query.term_query(self._schema, "in_stock", True)
        found = _gaining(found, Query.boost_query(head, self._weights.head))
        return _gaining(found, Query.const_score_query(in_stock, self._weights.in_stock))


def _gaining(found: Query, by: Query) -> Query:
    """What is found, some of it with a better score. One gain at a time: the index looks a single one up for what was
    found, but goes through the whole of two, and nearly everything is in stock."""
    return Query.boolean_query([(Occur.Must, found), (Occur.Should, by)])
