"""A report schedule: a saved report that goes out by mail at its times, each time once.

A document to the merchant, and a process beside that: at `next_at` it records that a report has fallen due, has the
runtime ask a gateway to send it until that answers, and goes on with the time that the answer names. Calendars and
time zones are the gateway's; here is only which time is next.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from .document import DocumentRemoved, DocumentView, Look, Put, Remove
from .foreseen import accepted_with_view
from .kernel import (
    Accepted,
    Answer,
    Command,
    Effect,
    EffectAnswered,
    Event,
    Instant,
    Kind,
    Outcome,
    Rejected,
    ReminderDue,
    Request,
    invalid,
)
from .reasons import Reason

GATEWAY = "reports"
FORMATS = ("csv", "parquet", "png")
INTERVALS = ("day", "week", "month")
MOST_RECIPIENTS = 20
MOST_PARAMETERS = 10
LONGEST_TEXT = 255


class ReportSchedulePut(Event, frozen=True):
    """Which report goes to whom, and when: at `hour` in the zone, of every day, of the `weekday` (1: Monday) of every
    week, or of the `day` of every month (its last, where it is shorter)."""

    report: str
    parameters: dict[str, str]
    format: str
    recipients: tuple[str, ...]
    every: str
    hour: int
    weekday: int
    day: int
    timezone: str
    enabled: bool
    next_at: Instant
    """Of the next mail; 0, if it isn't enabled."""


class ReportFellDue(Event, frozen=True):
    """It is to be sent now."""

    due_at: Instant


class ReportSent(Event, frozen=True):
    """It has left, or will not: `problem` says why. `due_at` is the time that it was sent for: the newest, where
    several had passed."""

    due_at: Instant
    next_at: Instant
    at: Instant
    problem: str = ""


class SendReport(Command, frozen=True):
    """The call to the outside: mail what was due at `due_at`, or the newest that is due by now."""

    key: str
    schedule: ReportSchedulePut
    due_at: Instant


class ReportAnswered(Answer, frozen=True):
    """What came of it, and when the next is due."""

    due_at: Instant
    next_at: Instant
    problem: str = ""


class ReportScheduleView(DocumentView[ReportSchedulePut], frozen=True):
    """The schedule with the time of its next mail, and what came of the last."""

    due_at: Instant = 0
    """Of what is on its way; 0: nothing is."""
    last: ReportSent | None = None


class ReportSchedule(msgspec.Struct, array_like=True, gc=False):
    """The state of a schedule."""

    key: str
    version: int = 0
    content: ReportSchedulePut | None = None
    due_at: Instant = 0
    last: ReportSent | None = None


def _put(schedule: ReportSchedule, command: Put[ReportSchedulePut], _now: Instant) -> Outcome:
    if refusal := _check(command.content):
        return refusal
    held = schedule.content
    # Its next time moves on by itself: who says the same again changes nothing.
    same = held is not None and msgspec.structs.replace(command.content, next_at=held.next_at) == held
    if same and command.if_version in (None, schedule.version - 1, schedule.version):
        return Accepted((), view(schedule))
    return _changed_since(schedule, command.if_version) or _accepted(schedule, command.content)


def _remove(schedule: ReportSchedule, command: Remove, _now: Instant) -> Outcome:
    if schedule.content is None:
        return Accepted((), view(schedule))
    return _changed_since(schedule, command.if_version) or _accepted(schedule, DocumentRemoved())


def _look(schedule: ReportSchedule, _command: Look, _now: Instant) -> Outcome:
    return Accepted((), view(schedule)) if schedule.version else Rejected(Reason.NOT_FOUND)


def _remind(schedule: ReportSchedule, _command: ReminderDue, now: Instant) -> Outcome:
    wanted = remind_at(schedule)
    return Accepted() if wanted is None or wanted > now else Accepted((ReportFellDue(wanted),))


def _answered(schedule: ReportSchedule, command: EffectAnswered, now: Instant) -> Outcome:
    reply = command.reply
    if not schedule.due_at or command.effect_id != _effect_id(schedule):
        return Accepted()
    assert isinstance(reply, ReportAnswered), "the gateway always says what came of it"
    return Accepted((ReportSent(reply.due_at, reply.next_at, now, reply.problem[:LONGEST_TEXT]),))


def _check(content: ReportSchedulePut) -> Rejected | None:
    if content.every not in INTERVALS:
        return invalid("every", f"be one of {', '.join(INTERVALS)}")
    if content.format not in FORMATS:
        return invalid("format", f"be one of {', '.join(FORMATS)}")
    if len(content.recipients) > MOST_RECIPIENTS or (content.enabled and not content.recipients):
        return invalid("recipients", f"be 1 to {MOST_RECIPIENTS} addresses, or none where it isn't enabled")
    if content.enabled != (content.next_at > 0):
        return invalid("next_at", "be the next time, and 0 where it isn't enabled")
    texts = (content.report, content.timezone, *content.recipients, *content.parameters.values())
    if len(content.parameters) > MOST_PARAMETERS or any(len(text) > LONGEST_TEXT for text in texts):
        return invalid("parameters", f"be at most {MOST_PARAMETERS}, and no text longer than {LONGEST_TEXT}")
    return None


def _changed_since(schedule: ReportSchedule, if_version: int | None) -> Rejected | None:
    """As for any document: 0 asks for "there is none"."""
    now_at = schedule.version if schedule.content is not None else 0
    return None if if_version in (None, now_at) else Rejected(Reason.VERSION_CONFLICT, {"version": now_at})


def _accepted(schedule: ReportSchedule, event: Event) -> Accepted:
    return accepted_with_view(schedule, event, apply, view)


def view(schedule: ReportSchedule) -> ReportScheduleView:
    """The schedule as the merchant sees it; without content, once it is removed."""
    return ReportScheduleView(schedule.key, schedule.version, schedule.content, schedule.due_at, schedule.last)


def _apply_put(schedule: ReportSchedule, event: ReportSchedulePut) -> None:
    # What is on its way is given up: the new content has a time of its own.
    schedule.content, schedule.due_at = event, 0


def _apply_due(schedule: ReportSchedule, event: ReportFellDue) -> None:
    schedule.due_at = event.due_at


def _apply_sent(schedule: ReportSchedule, event: ReportSent) -> None:
    assert schedule.content is not None, "nothing of a removed schedule is on its way"
    schedule.content = msgspec.structs.replace(schedule.content, next_at=event.next_at)
    schedule.due_at, schedule.last = 0, event


def _apply_removed(schedule: ReportSchedule, _event: DocumentRemoved) -> None:
    schedule.content, schedule.due_at, schedule.last = None, 0, None


_DECISIONS: dict[type[Command], Callable[[ReportSchedule, Any, Instant], Outcome]] = {
    Put: _put,
    Remove: _remove,
    Look: _look,
    ReminderDue: _remind,
    EffectAnswered: _answered,
}

_CHANGES: dict[type[Event], Callable[[ReportSchedule, Any], None]] = {
    ReportSchedulePut: _apply_put,
    ReportFellDue: _apply_due,
    ReportSent: _apply_sent,
    DocumentRemoved: _apply_removed,
}


def decide(schedule: ReportSchedule, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](schedule, command, now)


def apply(schedule: ReportSchedule, event: Event) -> None:
    """Change the schedule as the event tells."""
    schedule.version += 1
    _CHANGES[type(event)](schedule, event)


def effects(schedule: ReportSchedule) -> Iterator[Effect]:
    """The mail that is due."""
    if schedule.due_at:
        assert schedule.content is not None
        yield Request(_effect_id(schedule), GATEWAY, SendReport(schedule.key, schedule.content, schedule.due_at))


def _effect_id(schedule: ReportSchedule) -> str:
    return f"send:{schedule.due_at}"


def remind_at(schedule: ReportSchedule) -> Instant | None:
    """The next mail, while none is on its way."""
    return None if schedule.content is None or schedule.due_at else schedule.content.next_at or None


REPORT_SCHEDULE = Kind(
    name="report-schedule",
    new=ReportSchedule,
    decide=decide,
    apply=apply,
    commands=Put[ReportSchedulePut] | Remove | Look,
    events=ReportSchedulePut | ReportFellDue | ReportSent | DocumentRemoved,
    answers=ReportScheduleView,
    state=ReportSchedule,
    effects=effects,
    remind_at=remind_at,
    view=view,
    listed=True,
)
