"""The merchant's synonyms: what a document of them may say."""

import pytest

from engine.document import Document, Put
from engine.kernel import Accepted, Rejected
from engine.search_synonyms import LONGEST_TERM, MOST_GROUPS, SEARCH_SYNONYMS, THE_SYNONYMS, SearchSynonyms


@pytest.mark.parametrize(
    "content",
    [
        SearchSynonyms(),
        SearchSynonyms((("clock", "chronometer"),), {"light": ("lamp",)}, common=False),
    ],
)
def test_words_that_mean_the_same_are_put(content: SearchSynonyms) -> None:
    assert isinstance(SEARCH_SYNONYMS.decide(Document(THE_SYNONYMS), Put(content), 0), Accepted)


@pytest.mark.parametrize(
    "content",
    [
        SearchSynonyms((("alone",),)),
        SearchSynonyms((("clock", ""),)),
        SearchSynonyms((("clock", "x" * (LONGEST_TERM + 1)),)),
        SearchSynonyms((("a", "b"),) * (MOST_GROUPS + 1)),
        SearchSynonyms(one_way={"light": ()}),
    ],
)
def test_what_no_search_could_use_is_refused(content: SearchSynonyms) -> None:
    assert isinstance(SEARCH_SYNONYMS.decide(Document(THE_SYNONYMS), Put(content), 0), Rejected)
