"""The contract of reports."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ...reports.report import Report
from .common import Output, Timestamp

Cell = str | int | float | bool | None


class ReportColumn(Output):
    """A column of a report."""

    name: str
    unit: Annotated[
        Literal["text", "period", "count", "money", "share", "number", "days"],
        Field(description="`money` is in minor units of the row's `currency`, a `share` is 0 to 1."),
    ]
    about: str


class ReportAnswer(Output):
    """A report's rows, with the question as it was understood."""

    name: str
    title: str
    from_: Annotated[str, Field(alias="from", description="The first day.")]
    to: Annotated[str, Field(description="The last day, which is in it.")]
    timezone: str
    since: Timestamp
    until: Timestamp
    currency: str
    interval: str
    by: str
    columns: list[ReportColumn]
    rows: list[dict[str, Cell]]


class ReportKind(Output):
    """What can be asked for."""

    name: Annotated[str, Field(examples=["sales"])]
    title: str
    about: str
    intervals: Annotated[list[str], Field(description="What its period can be cut into.")]
    dimensions: Annotated[list[str], Field(description="What its rows can be told apart by.")]

    @classmethod
    def of(cls, report: Report) -> "ReportKind":
        return cls(
            name=report.name,
            title=report.title,
            about=report.about,
            intervals=[interval for interval in report.intervals if interval],
            dimensions=[dimension for dimension in report.dimensions if dimension],
        )


class ReportKinds(Output):
    """Every report."""

    items: list[ReportKind]


class MinuteFigures(Output):
    """What happened in one minute, or in several."""

    begins_at: Timestamp | None = None
    placed: int
    orders: Annotated[int, Field(description="Confirmed.")]
    rejected: Annotated[int, Field(description="Orders that ended without a sale.")]
    refused: Annotated[int, Field(description="Purchases that were refused before they became an order.")]
    reasons: Annotated[dict[str, int], Field(description="Why they were rejected or refused.")]
    units: Annotated[int, Field(description="Sold, less those that came back.")]
    revenue: Annotated[dict[str, int], Field(description="Charged less given back, in minor units by currency.")]
    views: int
    adds: int
    checkouts: int
    conversion: Annotated[float | None, Field(description="Orders for each view of a product; null without views.")]


class SkuFigures(Output):
    """What happened to one SKU."""

    sku: str
    units: int
    views: int
    revenue: dict[str, int]
    conversion: float | None


class Figures(Output):
    """What a control room asks every second."""

    at: Timestamp
    minutes: Annotated[list[MinuteFigures], Field(description="The oldest first; the last one is running.")]
    sum: MinuteFigures
    skus: Annotated[list[SkuFigures], Field(description="Those that sold most in the last hour of it.")]

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Figures":
        return cls.model_validate(told)
