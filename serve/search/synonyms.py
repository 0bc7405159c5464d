"""Words that mean the same: a small dictionary that serves any shop, and what the merchant adds.

They are looked up when somebody asks, never written into the index: a change counts from the next search on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from itertools import chain

from .analysis import Analysis

LONGEST_PHRASE = 4
"""Words of a synonym."""

Phrase = tuple[str, ...]

_KINDS = ">"


class Synonyms:
    """For each phrase, as stems, the phrases that may stand for it."""

    def __init__(
        self, analysis: Analysis, groups: Iterable[Sequence[str]], *one_way: Mapping[str, Sequence[str]]
    ) -> None:
        self._of: dict[Phrase, list[Phrase]] = {}
        for group in groups:
            phrases = [tuple(analysis.stems(text)) for text in group]
            for phrase in phrases:
                self._add(phrase, phrases)
        for text, others in chain.from_iterable(narrower.items() for narrower in one_way):
            self._add(tuple(analysis.stems(text)), [tuple(analysis.stems(other)) for other in others])

    @classmethod
    def common(cls, analysis: Analysis) -> "Synonyms":
        """Those of the dictionary that comes with the program."""
        return cls(analysis, common_groups(analysis.language), common_kinds(analysis.language))

    def within(self, terms: Sequence[str]) -> Iterator[tuple[int, int, Phrase]]:
        """(start, end, synonym) for each synonym of a phrase among the terms."""
        for start in range(len(terms)):
            for end in range(start + 1, min(start + LONGEST_PHRASE, len(terms)) + 1):
                for other in self._of.get(tuple(terms[start:end]), ()):
                    yield start, end, other

    def _add(self, phrase: Phrase, others: Sequence[Phrase]) -> None:
        if not 0 < len(phrase) <= LONGEST_PHRASE:
            return
        known = self._of.setdefault(phrase, [])
        known += [other for other in others if other and other != phrase and other not in known]


def common_groups(language: str) -> list[list[str]]:
    """Of the dictionary that comes with the program, words that mean the same; none for a language that it lacks."""
    return [_words(line) for line in _lines(language) if _KINDS not in line]


def common_kinds(language: str) -> dict[str, list[str]]:
    """Of that dictionary, one way: broader words, and the names of kinds that they stand for as well."""
    parts = (line.split(_KINDS) for line in _lines(language) if _KINDS in line)
    return {broader: _words(names) for words, names in parts for broader in _words(words)}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _lines(language: str) -> list[str]:
    file = resources.files(__package__).joinpath(f"synonyms_{language}.txt")
    if not file.is_file():
        return []
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
