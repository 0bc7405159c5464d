"""When a schedule's reports are due in its time zone, and which days each of them is about."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from engine.kernel import Instant
from engine.report_schedule import ReportSchedulePut

from .zone import day_of, instant_of, zone_of

SETTLING_MS = 60_000
"""After the hour: what was sold in the last second before it is in the lake by then."""
_A_MONTH_AND_A_DAY = 33
_DAY = timedelta(days=1)


class Days(NamedTuple):
    """Whole days; the last one is in it."""

    first: date
    last: date

    def asked(self, schedule: ReportSchedulePut) -> dict[str, str]:
        """What the schedule's report over them is asked for."""
        days = {"from": str(self.first), "to": str(self.last)}
        return {**schedule.parameters, **days, "timezone": schedule.timezone}

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def due_after(schedule: ReportSchedulePut, at: Instant) -> Instant:
    """The first time that is later than `at`. Each day has its hour once: where a clock that is put forward leaves it
    out, it is the hour after; where it comes twice, the first."""
    return next(due for due in _around(schedule, at, 1) if due > at)


def newest_due(schedule: ReportSchedulePut, at: Instant) -> Instant:
    """The last time that isn't later than `at`."""
    return next(due for due in _around(schedule, at, -1) if due <= at)


def days_of(schedule: ReportSchedulePut, due_at: Instant) -> Days:
    """What is over when it is due: the day before, the last whole week from Monday on, the last whole month."""
    today = day_of(due_at, zone_of(schedule.timezone))
    match schedule.every:
        case "day":
            return Days(today - _DAY, today - _DAY)
        case "week":
            monday = today - timedelta(days=today.weekday())
            return Days(monday - timedelta(days=7), monday - _DAY)
        case _:
            last = today.replace(day=1) - _DAY
            return Days(last.replace(day=1), last)


def _around(schedule: ReportSchedulePut, at: Instant, step: int) -> Iterator[Instant]:
    """The times on the days around, in order, from the day before on or, backwards, from the day after."""
    zone = zone_of(schedule.timezone)
    day = day_of(at, zone) - _DAY * step
    for _ in range(2 * _A_MONTH_AND_A_DAY):
        if _is_day_of(schedule, day):
            yield instant_of(datetime.combine(day, time(schedule.hour), zone)) + SETTLING_MS
        day += _DAY * step


def _is_day_of(schedule: ReportSchedulePut, day: date) -> bool:
    match schedule.every:
        case "day":
            return True
        case "week":
            return day.isoweekday() == schedule.weekday
        case _:
            return day.day == min(schedule.day, monthrange(day.year, day.month)[1])
