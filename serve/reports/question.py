"""What a report is asked for: its period in a time zone, its currency, and how it is cut."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from engine.kernel import Instant

from .errors import WrongQuestion
from .zone import beginning_of, day_of, offsets, zone_of

INTERVALS = ("", "hour", "day", "week", "month")
"""What a period is cut into; empty: it stays whole."""
DIMENSIONS = ("", "product", "category", "vendor", "country", "group")
"""What rows are told apart by beside the period."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LONGEST_PERIOD_DAYS = 366 * 30
DEFAULT_PERIOD_DAYS = 30
MOST_ROWS = 100_000
MOST_PERIODS = 50_000
_INTERVAL_DAYS = {"": LONGEST_PERIOD_DAYS, "hour": 1 / 24, "day": 1, "week": 7, "month": 28}


class Question(NamedTuple):
    """A report's parameters, all of them sane. `since` and `until` are where the first day begins and the last ends."""

    report: str
    first: date
    last: date
    """The last day that is in it."""
    zone: ZoneInfo
    since: Instant
    until: Instant
    currency: str = ""
    """Empty: each by itself."""
    interval: str = ""
    by: str = ""
    limit: int = MOST_ROWS

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def values(self) -> dict[str, Any]:
        """By which SQL refers to them."""
        return {"since": self.since, "until": self.until, "currency": self.currency, "limit": self.limit}

    def shift(self, column: str = "happened_at") -> str:
        """SQL: the milliseconds by which the zone's wall clock is ahead of UTC at an instant's column."""
        changes = offsets(self.zone, self.since, self.until)
        shift = str(changes[0].ms)
        for change in changes[1:]:
            shift = f"CASE WHEN epoch_ms({column}) >= {change.since} THEN {change.ms} ELSE {shift} END"
        return shift

    def slot(self, column: str = "happened_at") -> str:
        """SQL: a number for the local hour or day that an instant is in, the same for the whole of it: what rows are
        first added up by, because a calendar is slow. 0, if the period isn't cut."""
        if not self.interval:
            return "0"
        return f"(epoch_ms({column}) + ({self.shift(column)})) // {HOUR_MS if self.interval == 'hour' else DAY_MS}"

    def period(self, slot: str = "slot") -> str:
        """SQL: the beginning of the interval that a slot is in, as text: `2026-11-27T09:00`, `2026-11-27` or
        `2026-11`; of the whole period, if it isn't cut."""
        match self.interval:
            case "":
                return f"'{self.first}'"
            case "hour":
                return f"strftime(make_timestamp_ms({slot} * {HOUR_MS}), '%Y-%m-%dT%H:00')"
            case "month":
                return f"strftime(make_timestamp_ms({slot} * {DAY_MS}), '%Y-%m')"
            case other:
                return f"strftime(date_trunc('{other}', make_timestamp_ms({slot} * {DAY_MS})), '%Y-%m-%d')"


def question_of(report: str, given: Mapping[str, str], now: Instant) -> Question:
    """Read the parameters as they come with a request: `from`, `to` (days, both in it), `timezone`, `currency`,
    `interval`, `by`, `limit`. Raises WrongQuestion."""
    zone = zone_of(given.get("timezone") or "UTC")
    last = _day("to", given.get("to")) or day_of(now, zone)
    first = _day("from", given.get("from")) or last - timedelta(days=DEFAULT_PERIOD_DAYS - 1)
    if not 0 <= (last - first).days < LONGEST_PERIOD_DAYS:
        raise WrongQuestion("from", f"must not be after `to`, nor more than {LONGEST_PERIOD_DAYS} days before it")
    interval, by = given.get("interval", ""), given.get("by", "")
    if interval not in INTERVALS:
        raise WrongQuestion("interval", f"must be one of {', '.join(INTERVALS[1:])}")
    if by not in DIMENSIONS:
        raise WrongQuestion("by", f"must be one of {', '.join(DIMENSIONS[1:])}")
    if ((last - first).days + 1) / _INTERVAL_DAYS[interval] > MOST_PERIODS:
        raise WrongQuestion("interval", f"must not cut the period into more than {MOST_PERIODS} parts")
    return Question(
        report,
        first,
        last,
        zone,
        beginning_of(first, zone),
        beginning_of(last + timedelta(days=1), zone),
        _currency(given.get("currency", "")),
        interval,
        by,
        _limit(given.get("limit")),
    )


def _day(name: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise WrongQuestion(name, "must be a day such as 2026-11-27") from error
    if not date(1971, 1, 1) <= day <= date(9000, 1, 1):
        raise WrongQuestion(name, "must be a day of this age")
    return day


def _currency(text: str) -> str:
    if text and not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise WrongQuestion("currency", "must be an ISO 4217 code such as EUR")
    return text


def _limit(text: str | None) -> int:
    if not text:
        return MOST_ROWS
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_ROWS):
        raise WrongQuestion("limit", f"must be 1 to {MOST_ROWS}")
    return int(text)
