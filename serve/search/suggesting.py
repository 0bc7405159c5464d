"""Completing what somebody is typing: the words that products have, and products themselves."""

from dataclasses import dataclass

from tantivy import Occur, Query

from .generation import Snapshot

COMPLETIONS_READ = 200
"""Words with the prefix among which the most frequent are chosen."""
LONGEST_TYPED = 100
"""Characters."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """Whole questions, and SKUs of products that fit what was typed."""

    texts: tuple[str, ...]
    skus: tuple[str, ...]


def suggest(snapshot: Snapshot, typed: str, limit: int) -> Suggested:
    """What the typed text may become: its last word is taken for a beginning unless a space ends it."""
    words = snapshot.analysis.words(typed[:LONGEST_TYPED])
    if not words:
        return Suggested((), ())
    *before, prefix = words if not typed[-1:].isspace() else [*words, ""]
    schema, searcher = snapshot.schema, snapshot.searcher
    context = [(Occur.Must, Query.term_query(schema, "words", word, "basic")) for word in before]
    having = Query.boolean_query(context) if context else None
    found = searcher.terms_with_prefix("words", prefix, having, COMPLETIONS_READ) if prefix else []
    likely = sorted(found, key=lambda item: (-item[1], item[0]))[:limit]
    texts = tuple(" ".join([*before, word]) for word, _ in likely)
    return Suggested(texts, _products(snapshot, [word for word, _ in likely], having, limit))


def _products(snapshot: Snapshot, last: list[str], having: Query | None, limit: int) -> tuple[str, ...]:
    """Products with the words before and one of the completions, those on the shelf first."""
    schema = snapshot.schema
    query: list[tuple[Occur, Query]] = [(Occur.Must, having)] if having is not None else []
    if last:
        query.append((Occur.Must, Query.term_set_query(schema, "words", last)))
    if not query:
        return ()
    query.append((Occur.Should, Query.const_score_query(Query.term_query(schema, "in_stock", True), 1.0)))
    hits = snapshot.searcher.search(Query.boolean_query(query), limit=limit, count=False).hits
    ordinals = snapshot.searcher.fast_field_values("ordinal", [address for _, address in hits])
    return tuple(snapshot.sku_of(int(ordinal)) for ordinal in ordinals if ordinal is not None)
