"""What people looked for and didn't find, and what took long: for the merchant, who knows what it should have found.

Kept by this replica since it began, a bounded number of questions; nothing tells who asked.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from engine.kernel import Instant

QUESTIONS_KEPT = 1_000
"""Of each sort. The one that was asked longest ago is forgotten first."""
SLOW_MS = 50.0
LONGEST_KEPT = 200
"""Characters of a question."""


class Noted(StrEnum):
    """Why a question is kept."""

    ZERO_RESULTS = "zero_results"
    SLOW = "slow"


@dataclass(slots=True)
class NotedQuestion:
    """A question, in small letters, with how often it was noted."""

    text: str
    times: int
    last_at: Instant
    slowest_ms: float


class QueryLog:
    """Questions worth a look."""

    def __init__(self) -> None:
        self._kept: dict[Noted, OrderedDict[str, NotedQuestion]] = {why: OrderedDict() for why in Noted}
        self.searches = 0

    def note(self, text: str, total: int, took_ms: float, now: Instant) -> None:
        """A search was made."""
        self.searches += 1
        question = " ".join(text.lower().split())[:LONGEST_KEPT]
        if question and total == 0:
            self._keep(Noted.ZERO_RESULTS, question, took_ms, now)
        if took_ms >= SLOW_MS:
            self._keep(Noted.SLOW, question, took_ms, now)

    def most_frequent(self, why: Noted, limit: int) -> list[NotedQuestion]:
        """The questions noted most often; of equals, those asked last."""
        kept = self._kept[why].values()
        return sorted(kept, key=lambda question: (-question.times, -question.last_at))[:limit]

    def _keep(self, why: Noted, text: str, took_ms: float, now: Instant) -> None:
        kept = self._kept[why]
        known = kept.pop(text, None) or NotedQuestion(text, 0, now, 0.0)
        known.times += 1
        known.last_at = now
        known.slowest_ms = max(known.slowest_ms, took_ms)
        kept[text] = known
        if len(kept) > QUESTIONS_KEPT:
            kept.popitem(last=False)
