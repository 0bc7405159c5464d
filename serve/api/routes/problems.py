"""What a problem's `type` means."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.reasons import Reason

from ..answers import shaped
from ..openapi import problems
from ..problems import PROBLEM_TYPES, ProblemError
from ..routing import StrictRoute, router_of
from ..schemas.common import ProblemExplanation

router = router_of(StrictRoute, "health")


@router.get("/problems/{name}", response_model=ProblemExplanation, responses=problems(404))
async def explain_problem(name: Annotated[str, Path(max_length=64, examples=["insufficient-stock"])]) -> Response:
    """The problem type in words."""
    if (kind := PROBLEM_TYPES.get(name)) is None:
        raise ProblemError(Reason.NOT_FOUND)
    explanation = ProblemExplanation(type=kind.uri, title=kind.title, status=kind.status, explanation=kind.explanation)
    return shaped(explanation, headers={"cache-control": "public, max-age=86400"})
