"""When scheduled reports are due, and what they are about: on the wall clock of their zone."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from engine.report_schedule import ReportSchedulePut
from serve.reports.timing import SETTLING_MS, days_of, due_after, newest_due

DAILY = ReportSchedulePut("sales", {}, "csv", ("ada@example.org",), "day", 6, 1, 1, "Europe/London", True, 1)
WEEKLY = replace(DAILY, every="week", weekday=5)
MONTHLY = replace(DAILY, every="month", day=31)
NIGHTLY = replace(DAILY, hour=1)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("schedule", "after", "due", "days"),
    [
        (DAILY, "2026-11-18T05:00Z", "2026-11-18T06:00Z", "2026-11-17"),
        (DAILY, "2026-11-18T06:02Z", "2026-11-19T06:00Z", "2026-11-18"),
        # In summer the same hour is earlier; in New York it is later.
        (DAILY, "2026-07-18T05:02Z", "2026-07-19T05:00Z", "2026-07-18"),
        (replace(DAILY, timezone="America/New_York"), "2026-11-18T06:02Z", "2026-11-18T11:00Z", "2026-11-17"),
        # The clock changes on 29 March and on 25 October: each day has its hour once.
        (DAILY, "2026-03-28T06:02Z", "2026-03-29T05:00Z", "2026-03-28"),
        (NIGHTLY, "2026-03-28T01:02Z", "2026-03-29T01:00Z", "2026-03-28"),
        (NIGHTLY, "2026-03-29T01:02Z", "2026-03-30T00:00Z", "2026-03-29"),
        (NIGHTLY, "2026-10-24T00:02Z", "2026-10-25T00:00Z", "2026-10-24"),
        (NIGHTLY, "2026-10-25T00:02Z", "2026-10-26T01:00Z", "2026-10-25"),
        (WEEKLY, "2026-11-18T05:00Z", "2026-11-20T06:00Z", "2026-11-09 to 2026-11-15"),
        (WEEKLY, "2026-11-20T06:02Z", "2026-11-27T06:00Z", "2026-11-16 to 2026-11-22"),
        (MONTHLY, "2026-11-18T05:00Z", "2026-11-30T06:00Z", "2026-10-01 to 2026-10-31"),
        (MONTHLY, "2028-01-31T06:02Z", "2028-02-29T06:00Z", "2028-01-01 to 2028-01-31"),
    ],
)
def test_the_next_time_and_what_was_over_by_then(schedule: ReportSchedulePut, after: str, due: str, days: str) -> None:
    found = due_after(schedule, ms(after))
    assert found == ms(due) + SETTLING_MS
    assert str(days_of(schedule, found)) == days
    assert newest_due(schedule, found) == found
    assert newest_due(schedule, found - 1) < found


@pytest.mark.parametrize("schedule", [DAILY, WEEKLY, MONTHLY, NIGHTLY])
def test_going_on_from_each_time_leaves_none_out(schedule: ReportSchedulePut) -> None:
    at = ms("2026-01-01T00:00Z")
    for _ in range(40):
        following = due_after(schedule, at)
        assert newest_due(schedule, following + 1) == following
        if at > ms("2026-02-01T00:00Z"):
            assert newest_due(schedule, following - 1) == at
        at = following
