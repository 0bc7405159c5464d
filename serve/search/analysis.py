"""How text becomes terms: the same way when a product is indexed and when somebody asks."""

from dataclasses import dataclass
from functools import lru_cache

import tantivy

LONGEST_TERM = 64
"""Characters; what is longer is no word, and would only swell the index."""
STEMMED, PLAIN = "stemmed", "plain"
"""The names of the analyzers in the index's schema."""
LANGUAGES = (
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
)
"""Languages whose words can be reduced to their stems."""
WITHOUT_STOP_WORDS = frozenset({"arabic", "greek", "romanian", "tamil", "turkish"})


@dataclass(frozen=True)
class Analysis:
    """The analyzers of one language. `stems` is what is matched; `words` are as people write them."""

    language: str
    stemmed: tantivy.TextAnalyzer
    asked: tantivy.TextAnalyzer
    """As `stemmed`, without words that only hold a sentence together."""
    plain: tantivy.TextAnalyzer

    def stems(self, text: str) -> list[str]:
        return self.stemmed.analyze(text)

    def asked_stems(self, text: str) -> list[str]:
        """The stems of a question. One of stop words alone is taken at its word."""
        return self.asked.analyze(text) or self.stems(text)

    def words(self, text: str) -> list[str]:
        return self.plain.analyze(text)


@lru_cache
def analysis_of(language: str) -> Analysis:
    """The analyzers of a language of `LANGUAGES`."""
    stem = tantivy.Filter.stemmer(language)
    asked = _builder()
    if language not in WITHOUT_STOP_WORDS:
        asked = asked.filter(tantivy.Filter.stopword(language))
    return Analysis(
        language=language,
        stemmed=_builder().filter(stem).build(),
        asked=asked.filter(stem).build(),
        plain=_builder().build(),
    )


def _builder() -> tantivy.TextAnalyzerBuilder:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_TERM))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
    )
