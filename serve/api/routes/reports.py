"""Reports over everything that was recorded, and the figures of the running minutes: for the merchant."""

from typing import Annotated, Literal

from fastapi import Path, Query
from starlette.responses import Response

from ...reports.formats import MEDIA_TYPES, Format
from ...reports.library import REPORTS
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..openapi import problems
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.reports import Figures, ReportAnswer, ReportKind, ReportKinds

router = router_of(MerchantRoute, "reports", "admin", security=ADMIN_KEY)

ReportName = Annotated[str, Path(pattern=r"^[a-z][a-z-]{0,39}$", examples=["sales"])]
Day = Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", examples=["2026-11-27"])]
Zone = Annotated[str, Query(pattern=r"^[A-Za-z0-9_+/-]{0,64}$", examples=["Europe/London"])]
OneCurrency = Annotated[str, Query(pattern=r"^([A-Z]{3})?$", examples=["EUR"])]
Interval = Annotated[Literal["", "hour", "day", "week", "month"], Query(description="What the period is cut into.")]
By = Annotated[
    Literal["", "product", "category", "vendor", "country", "group"], Query(description="What tells rows apart.")
]
Rows = Annotated[int, Query(ge=1, le=100_000)]

_OTHERS = (Format.CSV, Format.PARQUET, Format.PNG)
_FORMATS = {str(MEDIA_TYPES[wanted]).partition(";")[0]: {"schema": {"type": "string"}} for wanted in _OTHERS}


@router.get("/v1/reports", response_model=ReportKinds, responses=problems(401))
async def list_reports() -> Response:
    """What can be asked for."""
    return shaped(ReportKinds(items=[ReportKind.of(report) for report in REPORTS.values()]))


@router.get("/v1/reports/now", response_model=Figures, responses=problems(401, 404))
async def figures_of_now(
    shop: TheShop,
    minutes: Annotated[int, Query(ge=1, le=1_440)] = 15,
    skus: Annotated[int, Query(ge=0, le=1_000)] = 20,
) -> Response:
    """Orders, revenue, units, refusals and conversion of the last minutes, some two seconds old."""
    return shaped(Figures.of(await shop.feed.ask("reports.now", {"minutes": minutes, "skus": skus})))


@router.get(
    "/v1/reports/{name}",
    response_model=ReportAnswer,
    responses={200: {"content": _FORMATS, "description": "The report."}, **problems(401, 404, 422)},
)
async def look_report(
    name: ReportName,
    shop: TheShop,
    first: Annotated[Day, Query(alias="from", description="30 days before the last, unless it is said.")] = "",
    to: Annotated[Day, Query(description="The last day, which is in it; today, unless it is said.")] = "",
    timezone: Annotated[Zone, Query(description="Where days begin; UTC, unless it is said.")] = "",
    currency: Annotated[OneCurrency, Query(description="Only it; else rows of each.")] = "",
    interval: Interval = "",
    by: By = "",
    limit: Rows = 10_000,
    wanted: Annotated[Format, Query(alias="format")] = Format.JSON,
) -> Response:
    """A report over a period of whole days in a time zone. Of several currencies each has rows of its own."""
    given = {
        "from": first,
        "to": to,
        "timezone": timezone,
        "currency": currency,
        "interval": interval,
        "by": by,
        "limit": str(limit),
    }
    body = await shop.feed.ask("reports.run", {"name": name, "given": given, "wanted": wanted})
    return Response(body, media_type=MEDIA_TYPES[wanted])
