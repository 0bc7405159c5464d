"""What somebody probably meant to write, judged by the index's own words: names of brands are no mistakes."""

from collections.abc import Sequence

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST_CORRECTED = 4
"""Letters; of shorter words every other is a neighbour."""
LETTERS_FOR_TWO_MISTAKES = 8
MOST_CORRECTIONS = 3
"""Words that may stand for one that nothing has."""
CANDIDATES = 12


class Vocabulary:
    """The index's words as people write them, each with the number of products that have it."""

    def __init__(self, words: Sequence[tuple[str, int]]) -> None:
        known = [(word, count) for word, count in words if len(word) >= SHORTEST_CORRECTED - 1 and word.isalpha()]
        self._words = [word for word, _ in known]
        self._count = dict(known)

    @classmethod
    def of(cls, searcher: tantivy.Searcher) -> "Vocabulary":
        return cls(searcher.terms_with_prefix("words", ""))

    def __contains__(self, word: str) -> bool:
        return word in self._count

    def corrections(self, word: str) -> list[str]:
        """The words nearest to one that nothing has, the most probable first; the first letter is mostly right."""
        if len(word) < SHORTEST_CORRECTED or not word.isalpha():
            return []
        mistakes = 2 if len(word) >= LETTERS_FOR_TWO_MISTAKES else 1
        found = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=mistakes, limit=CANDIDATES)
        if not found:
            return []
        nearest = min(distance for _, distance, _ in found)
        likely = [candidate for candidate, distance, _ in found if distance == nearest]
        likely.sort(key=lambda candidate: (candidate[0] != word[0], -self._count[candidate]))
        return likely[:MOST_CORRECTIONS]

    def split(self, word: str) -> tuple[str, str] | None:
        """The two words that were written as one: "screenprotector" is a screen protector."""
        parts = [
            (min(self._count[word[:at]], self._count[word[at:]]), word[:at], word[at:])
            for at in range(SHORTEST_CORRECTED - 1, len(word) - SHORTEST_CORRECTED + 2)
            if word[:at] in self._count and word[at:] in self._count
        ]
        if not parts:
            return None
        _, left, right = max(parts)
        return left, right
