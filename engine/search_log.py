"""What people looked for and didn't find, and what took long, over all processes of the shop: each tells now and then
what it noted. Nothing says who asked."""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, invalid

THE_SEARCH_LOG = "searches"
"""The entity's key: there is one."""
QUESTIONS_KEPT = 1_000
"""Of each sort. The one that was asked longest ago is forgotten first."""
MOST_TOLD = 200
"""Questions at a time."""
WRITERS_KEPT = 100
"""Processes whose last word is known, so that its retry counts once. The one that is silent longest is forgotten."""
LONGEST_TEXT = 200
"""Characters of a question, a sort, a writer."""


class NotedQuestion(Message, frozen=True):
    """A question in small letters, why it was noted (`zero_results`, `slow`), how often, and the longest it took."""

    why: str
    text: str
    times: int
    last_at: Instant
    slowest_us: int


class NoteSearches(Command, frozen=True):
    """A process made so many searches since its last word, these among them. It numbers its words from 1."""

    writer: str
    number: int
    searches: int
    noted: tuple[NotedQuestion, ...] = ()


class LookSearchLog(Command, frozen=True):
    """Read the questions of one sort, those noted most often first; of equals, those asked last."""

    why: str
    limit: int


class SearchesNoted(Event, frozen=True):
    writer: str
    number: int
    searches: int
    noted: tuple[NotedQuestion, ...] = ()


class SearchesTaken(Answer, frozen=True):
    """The word with that number counts, once."""

    number: int


class SearchLogView(Answer, frozen=True):
    """Searches in all, and the questions that were asked for."""

    searches: int
    noted: tuple[NotedQuestion, ...]


class SearchLog(msgspec.Struct, array_like=True, gc=False):
    """The state: questions by sort and text, the one asked longest ago first, and the last word of each writer."""

    key: str
    version: int = 0
    searches: int = 0
    questions: dict[str, dict[str, NotedQuestion]] = {}
    told: dict[str, int] = {}


def _note(log: SearchLog, command: NoteSearches, _now: Instant) -> Outcome:
    if not 0 < len(command.writer) <= LONGEST_TEXT:
        return invalid("writer", f"have 1 to {LONGEST_TEXT} characters")
    if command.searches < 0 or len(command.noted) > MOST_TOLD:
        return invalid("noted", f"be at most {MOST_TOLD}, of at least no searches")
    if not all(0 < len(text) <= LONGEST_TEXT for one in command.noted for text in (one.why, one.text)):
        return invalid("noted", f"have texts of 1 to {LONGEST_TEXT} characters")
    if command.number <= log.told.get(command.writer, 0):
        return Accepted((), SearchesTaken(command.number))
    event = SearchesNoted(command.writer, command.number, command.searches, command.noted)
    return Accepted((event,), SearchesTaken(command.number))


def _look(log: SearchLog, command: LookSearchLog, _now: Instant) -> Outcome:
    kept = log.questions.get(command.why, {}).values()
    found = sorted(kept, key=lambda one: (-one.times, -one.last_at))[: max(0, command.limit)]
    return Accepted((), SearchLogView(log.searches, tuple(found)))


_DECISIONS: dict[type[Command], Callable[[SearchLog, Any, Instant], Outcome]] = {
    NoteSearches: _note,
    LookSearchLog: _look,
}


def decide(log: SearchLog, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](log, command, now)


def apply(log: SearchLog, event: SearchesNoted) -> None:
    """Count what the event tells."""
    log.version += 1
    log.searches += event.searches
    _put_last(log.told, event.writer, event.number, WRITERS_KEPT)
    for one in event.noted:
        kept = log.questions.setdefault(one.why, {})
        known = kept.get(one.text)
        _put_last(kept, one.text, one if known is None else _together(known, one), QUESTIONS_KEPT)


def _together(known: NotedQuestion, told: NotedQuestion) -> NotedQuestion:
    times, slowest_us = known.times + told.times, max(known.slowest_us, told.slowest_us)
    return NotedQuestion(told.why, told.text, times, max(known.last_at, told.last_at), slowest_us)


def _put_last(kept: dict[str, Any], key: str, value: Any, most: int) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


SEARCH_LOG = Kind(
    name="search-log",
    new=SearchLog,
    decide=decide,
    apply=apply,
    commands=NoteSearches | LookSearchLog,
    events=SearchesNoted,
    answers=SearchesTaken | SearchLogView,
    state=SearchLog,
)
