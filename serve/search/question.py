"""What somebody asks for: terms, and for each what may stand in its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .generation import Snapshot
from .synonyms import Synonyms
from .weights import Weights

MOST_TERMS = 12
"""Terms of a question that count."""
LONGEST_QUESTION = 200
"""Characters."""

_FIGURE_AND_UNIT = re.compile(r"(\d+)([a-z]+)|([a-z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class Alternative:
    """Terms that together stand for another term; `weight` is what their match counts beside its own."""

    terms: tuple[str, ...]
    weight: float


@dataclass(slots=True)
class Term:
    """One stem that was asked for."""

    stem: str
    alternatives: list[Alternative] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Question:
    """A text as terms. `corrected` tells which words were taken for others, as they would be written."""

    text: str
    terms: tuple[Term, ...]
    corrected: dict[str, str]

    @property
    def stems(self) -> frozenset[str]:
        """Everything that a match may consist of."""
        others = (stem for term in self.terms for other in term.alternatives for stem in other.terms)
        return frozenset([*(term.stem for term in self.terms), *others])


class Reader:
    """Reads questions against one state of the index."""

    def __init__(self, snapshot: Snapshot, synonyms: Synonyms, weights: Weights) -> None:
        self._snapshot = snapshot
        self._synonyms = synonyms
        self._weights = weights
        self._known: dict[str, bool] = {}

    def read(self, text: str) -> Question:
        """The question in the index's own terms."""
        analysis = self._snapshot.analysis
        words = analysis.words(text[:LONGEST_QUESTION])[:MOST_TERMS]
        asked = analysis.asked_stems(" ".join(words))
        terms = [Term(stem) for stem in asked]
        stems = [term.stem for term in terms]
        for start, end, other in self._synonyms.within(stems):
            for term in terms[start:end]:
                # What has "notebook computer" has notebook itself.
                if term.stem not in other:
                    term.alternatives.append(Alternative(other, self._weights.synonym / (end - start)))
        self._join(terms)
        for term in terms:
            self._separate(term)
            _leave_out_narrower(term)
        return Question(text, tuple(terms), self._correct(words, terms))

    def is_known(self, stem: str) -> bool:
        """Whether any product has it."""
        known = self._known.get(stem)
        if known is None:
            known = self._known[stem] = self._snapshot.searcher.doc_freq("anything", stem) > 0
        return known

    def _join(self, terms: Sequence[Term]) -> None:
        """ "smart watch" finds the smartwatch, "500 gb" finds 500gb."""
        for left, right in pairwise(terms):
            (joined,) = self._snapshot.analysis.stems(left.stem + right.stem)[:1] or ("",)
            if joined and self.is_known(joined):
                for term in (left, right):
                    term.alternatives.append(Alternative((joined,), 0.5))

    def _separate(self, term: Term) -> None:
        """ "500gb" finds 500 GB."""
        match = _FIGURE_AND_UNIT.fullmatch(term.stem)
        if match:
            parts = [part for part in match.groups() if part]
            term.alternatives.append(Alternative(tuple(parts), 0.5))

    def _correct(self, words: Sequence[str], terms: Sequence[Term]) -> dict[str, str]:
        """For terms that nothing has: two words written as one, or the words nearest to it."""
        corrected: dict[str, str] = {}
        analysis, vocabulary = self._snapshot.analysis, self._snapshot.vocabulary
        written = {stem: word for word in words for stem in analysis.stems(word)}
        for term in terms:
            if self.is_known(term.stem) or any(self._is_whole(other) for other in term.alternatives):
                continue
            word = written.get(term.stem, term.stem)
            if parts := vocabulary.split(word):
                stems = tuple(stem for part in parts for stem in analysis.stems(part))
                term.alternatives.append(Alternative(stems, self._weights.corrected / len(stems)))
                corrected[word] = " ".join(parts)
            elif found := vocabulary.corrections(word):
                for candidate in found:
                    term.alternatives.append(Alternative(tuple(analysis.stems(candidate)), self._weights.corrected))
                corrected[word] = found[0]
        return corrected

    def _is_whole(self, alternative: Alternative) -> bool:
        return all(self.is_known(stem) for stem in alternative.terms)


def _leave_out_narrower(term: Term) -> None:
    """What has "desktop computer" has "computer" itself: it finds nothing more, and takes as long."""
    wider = [frozenset(other.terms) for other in term.alternatives]
    term.alternatives = [other for other in term.alternatives if not any(one < frozenset(other.terms) for one in wider)]
