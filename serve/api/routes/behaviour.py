"""What visitors do: batches of events, and what a customer may know and undo of their own."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from engine.account import AccountView
from engine.kernel import Rejected
from engine.reasons import Reason
from engine.visitor import VISITOR, ForgetVisitor

from ...behaviour import Visitors
from ..answers import response_of, shaped
from ..auth import CUSTOMER_TOKEN
from ..behaviour import objects, record
from ..openapi import body_problems, problems
from ..problems import refused
from ..routing import CustomerRoute, StrictRoute, TheCustomer, ThePrincipal, TheShop, router_of
from ..schemas.behaviour import EventsIn, EventsNoted, OwnBehaviour, OwnPreferences

router = router_of(StrictRoute, "behaviour")
own_router = router_of(CustomerRoute, "behaviour", security=CUSTOMER_TOKEN)

DAY_MS = 86_400_000
FORGET_S = 5.0
_FORGOTTEN = {"description": "Forgotten."}


@router.post("/v1/events", response_model=EventsNoted, status_code=202, responses=body_problems(401, 403))
async def record_events(given: EventsIn, request: Request, principal: ThePrincipal, shop: TheShop) -> Response:
    """Record what visitors did. The answer means that it is on stable storage; send again what was not answered: an
    event counts once by its id."""
    return response_of(await record(shop, given.to_request(), principal, unlinked=objects(request.headers)))


@own_router.get("/v1/me/behaviour", response_model=OwnBehaviour, responses=problems(401))
async def look_own_behaviour(customer: TheCustomer, shop: TheShop) -> Response:
    """What you did last, on all your devices."""
    seen = await Visitors(shop.client).customer(customer)
    return shaped(OwnBehaviour.of(seen, shop.now() - shop.settings.behaviour_days * DAY_MS))


@own_router.delete("/v1/me/behaviour", status_code=204, responses={204: _FORGOTTEN, **problems(401)})
async def forget_own_behaviour(customer: TheCustomer, shop: TheShop) -> Response:
    """Have what you did forgotten, and what was learned from it; also what your devices did since they logged out."""
    reply = await shop.client.send(VISITOR.name, customer, ForgetVisitor(), settle_s=FORGET_S)
    if isinstance(reply, Rejected):
        raise refused(reply)
    return Response(status_code=204)


@own_router.get("/v1/me/preferences", response_model=OwnPreferences, responses=problems(401, 404))
async def look_own_preferences(customer: TheCustomer, shop: TheShop) -> Response:
    """What you prefer: as you told, and as what you did tells."""
    account, seen = await asyncio.gather(shop.accounts.look(customer), Visitors(shop.client).customer(customer))
    if not isinstance(account, AccountView):
        raise refused(Rejected(Reason.NOT_FOUND))
    return shaped(OwnPreferences.of(account.preferences, seen))
