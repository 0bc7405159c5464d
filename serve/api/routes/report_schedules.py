"""Saved reports that go out by mail at their times: for the merchant."""

from typing import Annotated, Any

from fastapi import Path
from starlette.responses import Response

from engine.document import DocumentView, Look
from engine.reasons import Reason
from engine.report_schedule import REPORT_SCHEDULE, ReportSchedulePut, ReportScheduleView

from ...reports.errors import WrongQuestion
from ...reports.formats import MEDIA_TYPES, Format
from ...reports.library import REPORTS
from ...reports.question import question_of
from ...reports.running import report_of
from ...reports.timing import days_of, due_after
from ...shop import Shop
from ..auth import ADMIN_KEY
from ..bounds import DOCUMENT_KEY_PATTERN
from ..documents import Resource, document_routes
from ..openapi import problems
from ..problems import ProblemError
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.report_schedules import ReportScheduleIn, ReportScheduleOut
from ..sending import answered

_PATH = "/v1/admin/report-schedules"


def _content_of(shop: Shop, schedule: ReportScheduleIn) -> ReportSchedulePut:
    """With the time of its next mail; raises ProblemError where there is no such report."""
    now = shop.now()
    try:
        question = question_of(schedule.report, {**schedule.parameters.given(), "timezone": schedule.timezone}, now)
        report_of(question, REPORTS)
    except WrongQuestion as error:
        name = "report" if error.parameter == "name" else error.parameter
        raise ProblemError("invalid-request", f"{name} {error.detail}") from error
    content = schedule.to_content()
    return schedule.to_content(due_after(content, now)) if schedule.enabled else content


def _shown(view: DocumentView[Any]) -> ReportScheduleOut:
    assert isinstance(view, ReportScheduleView)
    return ReportScheduleOut.of(view)


schedules_router = document_routes(
    Resource(
        REPORT_SCHEDULE,
        "report schedule",
        "report schedules",
        _PATH,
        ReportScheduleIn,
        ReportScheduleOut,
        DOCUMENT_KEY_PATTERN,
        "weekly-sales",
        "reports",
        MerchantRoute,
        _content_of,
        _shown,
    )
)
router = router_of(MerchantRoute, "reports", "admin", security=ADMIN_KEY)

_FILES = {
    str(MEDIA_TYPES[wanted]).partition(";")[0]: {"schema": {"type": "string"}}
    for wanted in (Format.CSV, Format.PARQUET, Format.PNG)
}


@router.get(
    _PATH + "/{key}/report",
    response_class=Response,
    responses={200: {"content": _FILES, "description": "The file."}, **problems(401, 403, 404, 422)},
)
async def look_scheduled_report(
    key: Annotated[str, Path(pattern=DOCUMENT_KEY_PATTERN, examples=["weekly-sales"])], shop: TheShop
) -> Response:
    """The file that it would send now."""
    view = await answered(shop, REPORT_SCHEDULE.name, key, Look(), ReportScheduleView)
    if (content := view.content) is None:
        raise ProblemError(Reason.NOT_FOUND)
    asked = {"name": content.report, "given": days_of(content, shop.now()).asked(content), "wanted": content.format}
    body = await shop.feed.ask("reports.run", asked)
    return Response(body, media_type=MEDIA_TYPES[Format(content.format)])
