"""Words that mean the same in this shop, as the merchant put them: one document for all of them."""

from .document import document_kind
from .kernel import Event, Instant, Rejected, invalid

MOST_GROUPS = 2_000
MOST_WORDS_OF_A_GROUP = 50
LONGEST_TERM = 100
"""Characters."""
THE_SYNONYMS = "synonyms"
"""The document's key: there is one."""


class SearchSynonyms(Event, frozen=True):
    """`groups` mean the same in both directions; who looks for a key of `one_way` finds its values, too.

    `common`: the words that mean the same in any shop count as well.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    one_way: dict[str, tuple[str, ...]] = {}
    common: bool = True


def _check(_key: str, content: SearchSynonyms, _now: Instant) -> Rejected | None:
    if len(content.groups) + len(content.one_way) > MOST_GROUPS:
        return invalid("groups", f"be at most {MOST_GROUPS}, with those of one way")
    groups = [*content.groups, *((word, *others) for word, others in content.one_way.items())]
    for words in groups:
        if not 2 <= len(words) <= MOST_WORDS_OF_A_GROUP:
            return invalid("groups", f"have 2 to {MOST_WORDS_OF_A_GROUP} words each")
        if not all(0 < len(word) <= LONGEST_TERM for word in words):
            return invalid("groups", f"hold words of 1 to {LONGEST_TERM} characters")
    return None


SEARCH_SYNONYMS = document_kind("search-synonyms", SearchSynonyms, _check)
