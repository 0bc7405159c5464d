"""A report's question: its days in a time zone, and what it refuses."""

from datetime import UTC, datetime

import pytest

from serve.reports.errors import WrongQuestion
from serve.reports.question import question_of
from serve.reports.zone import beginning_of, day_of, offsets, zone_of

NOON = int(datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp() * 1_000)
HOUR_MS = 3_600_000


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1_000)


def test_the_last_thirty_days_are_meant_where_nothing_is_said() -> None:
    question = question_of("sales", {}, NOON)
    assert (str(question.first), str(question.last), question.days) == ("2026-10-29", "2026-11-27", 30)
    assert (question.since, question.until) == (at(2026, 10, 29), at(2026, 11, 28))


def test_days_begin_where_the_zone_says() -> None:
    question = question_of("sales", {"from": "2026-07-01", "to": "2026-07-01", "timezone": "Europe/Berlin"}, NOON)
    assert (question.since, question.until) == (at(2026, 6, 30, 22), at(2026, 7, 1, 22))


def test_a_day_of_a_changing_clock_is_longer_or_shorter() -> None:
    berlin = zone_of("Europe/Berlin")
    spring, autumn = datetime(2026, 3, 29).date(), datetime(2026, 10, 25).date()  # noqa: DTZ001
    for day, hours in ((spring, 23), (autumn, 25)):
        following = day.fromordinal(day.toordinal() + 1)
        assert beginning_of(following, berlin) - beginning_of(day, berlin) == hours * HOUR_MS


def test_the_change_of_an_offset_is_found_to_the_millisecond() -> None:
    found = offsets(zone_of("Europe/Berlin"), at(2026, 1, 1), at(2027, 1, 1))
    assert found == [
        (at(2026, 1, 1), HOUR_MS),
        (at(2026, 3, 29, 1), 2 * HOUR_MS),
        (at(2026, 10, 25, 1), HOUR_MS),
    ]


def test_the_day_is_the_one_of_the_zone() -> None:
    assert str(day_of(at(2026, 11, 27, 20), zone_of("Asia/Tokyo"))) == "2026-11-28"


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"from": "2026-13-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-28", "to": "2026-11-27"}, "from"),
        ({"from": "1980-01-01", "to": "2026-11-27"}, "from"),
        ({"from": "1971-01-01", "to": "1971-01-01", "limit": "0"}, "limit"),
        ({"interval": "minute"}, "interval"),
        ({"from": "2000-01-01", "to": "2026-01-01", "interval": "hour"}, "interval"),
        ({"by": "mood"}, "by"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_the_name_of_what_is_wrong(
    given: dict[str, str], parameter: str
) -> None:
    with pytest.raises(WrongQuestion) as refused:
        question_of("sales", given, NOON)
    assert refused.value.parameter == parameter
