"""What a report is: its columns and the SQL that fills them, with words for people."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ml.lake.summaries import Partial

from .question import Question


class Unit(StrEnum):
    """What a column's values are."""

    TEXT = "text"
    PERIOD = "period"
    """The beginning of an hour, day, week or month on the wall clock of the question's time zone."""
    COUNT = "count"
    MONEY = "money"
    """Minor units of the row's `currency`."""
    SHARE = "share"
    """0 to 1; null where nothing can be divided."""
    NUMBER = "number"
    DAYS = "days"


class Column(NamedTuple):
    """One column: its name in every format, and what it means."""

    name: str
    unit: Unit
    about: str


class Chart(NamedTuple):
    """How a report is drawn: `y` over `x`, a line or bar for each value of `split`."""

    x: str
    y: str
    kind: str = "bar"
    split: str = ""


class Report(NamedTuple):
    """`sql` refers to the lake's tables and to `$since`, `$until`, `$currency` and `$limit`; `after` makes rows of rows
    where SQL isn't the language for it. What can be added up of each file by itself is in `partials`, by the names by
    which `sql` refers to them: of large files that is done once.
    """

    name: str
    title: str
    about: str
    columns: Callable[[Question], Sequence[Column]]
    sql: Callable[[Question], str]
    chart: Chart
    intervals: Sequence[str] = ("",)
    dimensions: Sequence[str] = ("",)
    default_interval: str = ""
    default_by: str = ""
    after: Callable[[Question, list[tuple[Any, ...]]], list[tuple[Any, ...]]] | None = None
    partials: Callable[[Question], Mapping[str, Partial]] = lambda _question: {}


class Answer(NamedTuple):
    """A report's rows, in the order of its columns."""

    report: Report
    question: Question
    columns: Sequence[Column]
    rows: list[tuple[Any, ...]]


CURRENCY = Column("currency", Unit.TEXT, "ISO 4217; rows of several currencies are never added")


def in_period(question: Question, column: str = "happened_at") -> str:
    """SQL: the row is of the question's period, and of its currency."""
    return f"{during(column)}" + (" AND currency = $currency" if question.currency else "")


def of_currency(question: Question) -> str:
    """SQL: the row is of the question's currency, if it has one."""
    return "currency = $currency" if question.currency else "true"


def during(column: str = "happened_at") -> str:
    """SQL: the row is of the question's period."""
    return f"{column} >= make_timestamptz($since::BIGINT * 1000) AND {column} < make_timestamptz($until::BIGINT * 1000)"
