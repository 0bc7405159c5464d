"""The contract of saved reports that go out by mail at their times."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.kernel import Instant
from engine.report_schedule import MOST_RECIPIENTS, ReportSchedulePut, ReportScheduleView, ReportSent

from ..bounds import DOCUMENT_KEY_PATTERN
from .common import Email, Input, Output, Timestamp
from .times import shown_instant

Every = Literal["day", "week", "month"]
FileFormat = Literal["csv", "parquet", "png"]
MOST_ROWS = 100_000


class ReportParameters(Input):
    """How the report is cut, as in `GET /v1/reports/{name}`; its days are those that were over when it fell due."""

    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$", examples=["EUR"])] = ""
    interval: Literal["", "hour", "day", "week", "month"] = ""
    by: Literal["", "product", "category", "vendor", "country", "group"] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows.")] = 10_000

    def given(self) -> dict[str, str]:
        """As texts, without what isn't said."""
        return {name: str(value) for name, value in self.model_dump().items() if value}

    @classmethod
    def of(cls, given: dict[str, str]) -> Self:
        return cls.model_validate({**given, "limit": int(given["limit"])})


class ReportScheduleIn(Input):
    """A saved report: which, how, to whom, and when. One that isn't enabled is only kept."""

    report: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$", examples=["sales"])]
    parameters: ReportParameters = ReportParameters()
    format: FileFormat = "csv"
    recipients: Annotated[list[Email], Field(max_length=MOST_RECIPIENTS)] = []
    every: Annotated[Every, Field(description="Of the day before, the last week from Monday on, the last month.")]
    hour: Annotated[int, Field(ge=0, le=23, description="On the wall clock there.")] = 6
    weekday: Annotated[int, Field(ge=1, le=7, description="With `every: week`; Monday is 1.")] = 1
    day: Annotated[int, Field(ge=1, le=31, description="With `every: month`; its last, where it is shorter.")] = 1
    timezone: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="Where days begin.", examples=["Europe/London"])
    ] = "UTC"
    enabled: bool = True

    @model_validator(mode="after")
    def _goes_to_somebody(self) -> Self:
        if self.enabled and not self.recipients:
            raise ValueError("recipients: one that is enabled goes to somebody")
        return self

    def to_content(self, next_at: Instant = 0) -> ReportSchedulePut:
        return ReportSchedulePut(
            self.report,
            self.parameters.given(),
            self.format,
            tuple(dict.fromkeys(self.recipients)),
            self.every,
            self.hour,
            self.weekday,
            self.day,
            self.timezone,
            self.enabled,
            next_at,
        )


class SentReport(Output):
    """What came of the last mail."""

    due_at: Timestamp
    at: Timestamp
    problem: Annotated[str, Field(description="Why it did not leave, or for whom; empty: all went well.")]

    @classmethod
    def of(cls, sent: ReportSent) -> Self:
        return cls(due_at=shown_instant(sent.due_at) or "", at=shown_instant(sent.at) or "", problem=sent.problem)


class ReportScheduleOut(Output):
    key: Annotated[str, Field(pattern=DOCUMENT_KEY_PATTERN)]
    version: Annotated[int, Field(description="Counts mails, too: each moves `next_at`.")]
    report: str
    parameters: ReportParameters
    format: FileFormat
    recipients: list[str]
    every: Every
    hour: int
    weekday: int
    day: int
    timezone: str
    enabled: bool
    next_at: Annotated[Timestamp | None, Field(description="A minute past the hour; null: it isn't enabled.")]
    sending: Annotated[bool, Field(description="One is on its way.")]
    last: SentReport | None

    @classmethod
    def of(cls, view: ReportScheduleView) -> Self:
        content = view.content
        assert content is not None, "only those that are there are shown"
        return cls.model_validate(
            {
                "key": view.key,
                "version": view.version,
                "report": content.report,
                "parameters": ReportParameters.of(content.parameters),
                "format": content.format,
                "recipients": list(content.recipients),
                "every": content.every,
                "hour": content.hour,
                "weekday": content.weekday,
                "day": content.day,
                "timezone": content.timezone,
                "enabled": content.enabled,
                "next_at": shown_instant(content.next_at),
                "sending": view.due_at > 0,
                "last": None if view.last is None else SentReport.of(view.last),
            }
        )
