"""Words that mean the same: a small dictionary that serves any shop, and what the merchant adds.

They are looked up when somebody asks, never written into the index: a change counts from the next search on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources

from .analysis import Analysis

LONGEST_PHRASE = 4
"""Words of a synonym."""

Phrase = tuple[str, ...]


class Synonyms:
    """For each phrase, as stems, the phrases that may stand for it."""

    def __init__(
        self, analysis: Analysis, groups: Iterable[Sequence[str]], one_way: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._of: dict[Phrase, list[Phrase]] = {}
        for group in groups:
            phrases = [tuple(analysis.stems(text)) for text in group]
            for phrase in phrases:
                self._add(phrase, phrases)
        for text, others in (one_way or {}).items():
            self._add(tuple(analysis.stems(text)), [tuple(analysis.stems(other)) for other in others])

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


def common_synonyms(language: str) -> list[list[str]]:
    """The groups of the dictionary that comes with the program; none for a language that it doesn't have."""
    file = resources.files(__package__).joinpath(f"synonyms_{language}.txt")
    if not file.is_file():
        return []
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [[word.strip() for word in line.split(",")] for line in lines if line and not line.startswith("#")]
