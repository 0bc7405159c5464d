"""Alive, able to sell, and the emptiest answer there is."""

from starlette.responses import Response

from ..answers import answer, response_of, shaped
from ..openapi import problems
from ..problems import ProblemError
from ..routing import StrictRoute, TheShop, router_of
from ..schemas.common import Empty, Health

router = router_of(StrictRoute, "health")

_RETRY = {"retry-after": "1"}


@router.get("/healthz", response_model=Health, responses=problems())
async def look_alive() -> Response:
    """The process is alive."""
    return shaped(Health(status="alive"))


@router.get("/readyz", response_model=Health, responses=problems())
async def look_ready(shop: TheShop) -> Response:
    """The shop can sell: it has its shards and its catalogue."""
    if not shop.ready():
        raise ProblemError("not-ready", headers=_RETRY)
    return shaped(Health(status="ready"))


@router.get("/v1/ping", response_model=Empty, responses=problems())
async def ping() -> Response:
    """An empty answer: what the way to the shop costs by itself."""
    return response_of(answer(200, b"{}"))
