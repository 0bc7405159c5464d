"""The shop's log of searches: what processes tell of, and what is kept of it."""

from engine.kernel import Accepted, Rejected
from engine.search_log import (
    MOST_TOLD,
    QUESTIONS_KEPT,
    SEARCH_LOG,
    WRITERS_KEPT,
    LookSearchLog,
    NotedQuestion,
    NoteSearches,
    SearchesTaken,
    SearchLog,
    SearchLogView,
)


def eels(times: int = 1, last_at: int = 0, text: str = "eels", slowest_us: int = 5) -> NotedQuestion:
    return NotedQuestion("zero_results", text, times, last_at, slowest_us)


def told(log: SearchLog, *commands: NoteSearches) -> None:
    for command in commands:
        outcome = SEARCH_LOG.decide(log, command, 0)
        assert isinstance(outcome, Accepted)
        assert outcome.answer == SearchesTaken(command.number)
        for event in outcome.events:
            SEARCH_LOG.apply(log, event)


def looked(log: SearchLog, why: str = "zero_results", limit: int = 10) -> SearchLogView:
    outcome = SEARCH_LOG.decide(log, LookSearchLog(why, limit), 0)
    assert isinstance(outcome, Accepted)
    assert isinstance(outcome.answer, SearchLogView)
    return outcome.answer


def test_what_several_processes_noted_is_summed_and_a_retry_counts_once() -> None:
    log = SearchLog("searches")
    first = NoteSearches("a", 1, 3, (eels(2, 10),))
    told(log, first, first, NoteSearches("b", 1, 1, (eels(1, 20, slowest_us=9),)), first)
    assert looked(log) == SearchLogView(4, (eels(3, 20, slowest_us=9),))
    assert looked(log, "slow") == SearchLogView(4, ())
    told(log, NoteSearches("a", 2, 0, (eels(1, 5),)))
    assert looked(log, limit=1).noted == (eels(4, 20, slowest_us=9),)


def test_what_was_asked_longest_ago_is_forgotten_first() -> None:
    log = SearchLog("searches")
    told(log, NoteSearches("a", 1, 1, (eels(9, text="first"),)))
    for number in range(QUESTIONS_KEPT):
        told(log, NoteSearches(f"w{number}", 1, 1, (eels(text=f"q{number}"),)))
    assert len(log.questions["zero_results"]) == QUESTIONS_KEPT
    assert "first" not in log.questions["zero_results"]
    assert len(log.told) == WRITERS_KEPT


def test_a_word_of_too_much_is_refused() -> None:
    log = SearchLog("searches")
    for command in (
        NoteSearches("", 1, 1),
        NoteSearches("a", 1, -1),
        NoteSearches("a", 1, 1, (eels(),) * (MOST_TOLD + 1)),
        NoteSearches("a", 1, 1, (eels(text=""),)),
    ):
        assert isinstance(SEARCH_LOG.decide(log, command, 0), Rejected)
