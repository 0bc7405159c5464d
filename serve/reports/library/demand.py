"""What will be wanted: a forecast by SKU and week, with the error that it would have made on weeks it had not seen."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ml.lake.summaries import Partial

from ..forecast import HELD_OUT, forecast
from ..question import Question
from ..report import Chart, Column, Report, Unit

WEEK_MS = 7 * 86_400_000

_COLUMNS = (
    Column("sku", Unit.TEXT, ""),
    Column("week", Unit.PERIOD, "the Monday of the week that is foretold"),
    Column("units", Unit.NUMBER, "expected"),
    Column("method", Unit.TEXT, "which of the methods erred least on the weeks held out"),
    Column("weeks", Unit.COUNT, "of history"),
    Column("mean_weekly", Unit.NUMBER, "units a week over the history"),
    Column("error", Unit.SHARE, f"WAPE on the last {HELD_OUT} weeks, unseen: summed absolute error / summed units"),
    Column("naive_error", Unit.SHARE, "the same for 'as last week'"),
)


def _added(question: Question) -> Mapping[str, Partial]:
    # Weeks begin on Monday of the wall clock: 1970-01-05 was one.
    week = f"((epoch_ms(happened_at) + ({question.shift()})) - 345600000) // {WEEK_MS}"
    sql = f"""
        SELECT sku, {week} AS week, sum(units)::BIGINT AS units FROM part
        WHERE kind = 'sale' AND sku <> '' GROUP BY ALL"""  # noqa: S608
    return {"added": Partial(sql)}


def _sql(_question: Question) -> str:
    return """
        SELECT sku, list(week), list(units)
        FROM (SELECT sku, week, sum(units)::BIGINT AS units FROM added GROUP BY ALL)
        GROUP BY sku ORDER BY sku"""


def _after(question: Question, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    # The week that is under way at the end isn't history yet: it would look like a fall of demand.
    ends = (question.last - date(1970, 1, 5)).days + 1
    last = ends // 7 - 1
    told: list[tuple[Any, ...]] = []
    for sku, numbers, units_of in rows:
        if len(told) >= question.limit:
            break
        weeks = dict(zip(numbers, units_of, strict=True))
        history = [weeks.get(week, 0) for week in range(min(weeks), last + 1)]
        if not history:
            continue
        found = forecast(history)
        mean = sum(history) / len(history)
        for ahead, units in enumerate(found.units, 1):
            monday = date(1970, 1, 5) + timedelta(weeks=last + ahead)
            told.append((sku, str(monday), units, found.method, len(history), mean, found.error, found.naive_error))
    return told[: question.limit]


REPORTS = (
    Report(
        "demand-forecast",
        "Demand forecast",
        "Units of each SKU in the weeks to come. For each the method is chosen that erred least on weeks held out.",
        lambda _question: _COLUMNS,
        _sql,
        Chart("week", "units", "line", "sku"),
        partials=_added,
        after=_after,
    ),
)
