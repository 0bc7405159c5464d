"""Report schedules: saved as documents, due at their times, each sent once."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.document import DocumentRemoved, Look, Put, Remove
from engine.kernel import Accepted, Command, EffectAnswered, Outcome, Rejected, ReminderDue, Request, invalid
from engine.reasons import Reason
from engine.report_schedule import (
    REPORT_SCHEDULE,
    ReportAnswered,
    ReportFellDue,
    ReportSchedule,
    ReportSchedulePut,
    ReportScheduleView,
    ReportSent,
    SendReport,
    effects,
    remind_at,
)

from .world import named

DUE, NEXT, NOW = 1_000, 2_000, 1_500
SALES = ReportSchedulePut("sales", {}, "csv", ("ada@example.org",), "day", 6, 1, 1, "UTC", True, DUE)
KEPT = replace(SALES, enabled=False, next_at=0, recipients=())
PUT: Command = Put(SALES)
ANSWER: Command = EffectAnswered(f"send:{DUE}", ReportAnswered(DUE, NEXT))
SENT = ReportSent(DUE, NEXT, NOW)


def told(*commands: Command) -> tuple[ReportSchedule, Outcome]:
    """The schedule after these commands, and the outcome of the last."""
    schedule, outcome = REPORT_SCHEDULE.new("daily"), Accepted()
    for command in commands:
        outcome = REPORT_SCHEDULE.decide(schedule, command, NOW)
        for event in outcome.events if isinstance(outcome, Accepted) else ():
            REPORT_SCHEDULE.apply(schedule, event)
    return schedule, outcome


def seen(version: int, content: ReportSchedulePut | None = SALES, **more: Any) -> ReportScheduleView:
    return ReportScheduleView("daily", version, content, **more)


LATER = replace(SALES, next_at=NEXT)


@pytest.mark.parametrize(
    ("before", "command", "outcome"),
    named(
        [
            ("put", (), PUT, Accepted((SALES,), seen(1))),
            ("put again", (PUT,), PUT, Accepted((), seen(1))),
            ("put again later", (PUT,), Put(LATER, 1), Accepted((), seen(1))),
            ("put if there is none", (PUT,), Put(KEPT, 0), Rejected(Reason.VERSION_CONFLICT, {"version": 1})),
            ("only kept", (PUT,), Put(KEPT, 1), Accepted((KEPT,), seen(2, KEPT))),
            ("nobody to send to", (), Put(replace(SALES, recipients=())), "recipients"),
            ("too many to send to", (), Put(replace(SALES, recipients=("a@b",) * 21)), "recipients"),
            ("no such format", (), Put(replace(SALES, format="xls")), "format"),
            ("no such interval", (), Put(replace(SALES, every="year")), "every"),
            ("enabled without a time", (), Put(replace(SALES, next_at=0)), "next_at"),
            ("a long parameter", (), Put(replace(SALES, parameters={"by": "x" * 256})), "parameters"),
            ("look at none", (), Look(), Rejected(Reason.NOT_FOUND)),
            ("look", (PUT,), Look(), Accepted((), seen(1))),
            ("remove", (PUT,), Remove(), Accepted((DocumentRemoved(),), seen(2, None))),
            ("remove none", (), Remove(), Accepted((), seen(0, None))),
            ("remove another", (PUT,), Remove(7), Rejected(Reason.VERSION_CONFLICT, {"version": 1})),
            ("due", (PUT,), ReminderDue(), Accepted((ReportFellDue(DUE),))),
            ("too early", (Put(LATER),), ReminderDue(), Accepted()),
            ("due already", (PUT, ReminderDue()), ReminderDue(), Accepted()),
            ("due, but removed", (PUT, Remove()), ReminderDue(), Accepted()),
            ("sent", (PUT, ReminderDue()), ANSWER, Accepted((SENT,))),
            ("sent, told twice", (PUT, ReminderDue(), ANSWER), ANSWER, Accepted()),
            ("sent, replaced meanwhile", (PUT, ReminderDue(), Put(KEPT)), ANSWER, Accepted()),
            ("look after it", (PUT, ReminderDue(), ANSWER), Look(), Accepted((), seen(3, LATER, last=SENT))),
        ]
    ),
)
def test_what_is_decided(before: tuple[Command, ...], command: Command, outcome: Outcome | str) -> None:
    _, found = told(*before, command)
    if isinstance(outcome, str):
        assert isinstance(found, Rejected)
        assert (found.reason, found.details["field"]) == (invalid("", "").reason, outcome)
    else:
        assert found == outcome


def test_it_waits_for_its_time_or_for_its_mail_and_never_for_both() -> None:
    schedule, _ = told(PUT)
    assert (remind_at(schedule), list(effects(schedule))) == (DUE, [])
    schedule, _ = told(PUT, ReminderDue())
    assert remind_at(schedule) is None
    assert list(effects(schedule)) == [Request(f"send:{DUE}", "reports", SendReport("daily", SALES, DUE))]
    schedule, _ = told(PUT, ReminderDue(), ANSWER)
    assert (remind_at(schedule), list(effects(schedule))) == (NEXT, [])
    schedule, _ = told(PUT, ReminderDue(), Remove())
    assert (remind_at(schedule), list(effects(schedule))) == (None, [])
