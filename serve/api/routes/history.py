"""History from another system: its orders, what came back of them, its credits. Each row by itself, any number of
times."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.credit import CREDIT, CreditView, LookCredit

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import CREDIT_ID_PATTERN
from ..bulk import checked
from ..history import import_credits, import_orders, import_returns
from ..openapi import body_problems, problems
from ..routing import ImportRoute, SupportRoute, TheShop, router_of
from ..schemas.history import (
    CreditOut,
    HistoryCredit,
    HistoryCreditsIn,
    HistoryOrder,
    HistoryOrdersIn,
    HistoryResults,
    HistoryReturn,
    HistoryReturnsIn,
)
from ..sending import answered

router = router_of(ImportRoute, "orders", "admin", security=ADMIN_KEY)
support_router = router_of(SupportRoute, "orders", "admin", security=ADMIN_KEY)

CreditPath = Annotated[str, Path(pattern=CREDIT_ID_PATTERN, examples=["crd_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]


@router.post("/v1/admin/imports/orders", response_model=HistoryResults, responses=body_problems(401, 403))
async def import_order_history(given: HistoryOrdersIn, shop: TheShop) -> Response:
    """Bring in orders with their own dates: nothing is reserved, charged or mailed. The same again changes nothing.

    Customers become accounts; products that aren't known here, archived ones.
    """
    found = checked(given.orders, HistoryOrder, lambda row: row.reference)
    return shaped(HistoryResults(results=await import_orders(shop, given.source, given.orders, found)))


@router.post("/v1/admin/imports/returns", response_model=HistoryResults, responses=body_problems(401, 403))
async def import_return_history(given: HistoryReturnsIn, shop: TheShop) -> Response:
    """Bring in what came back of imported orders, with its own date. The same again changes nothing."""
    found = checked(given.returns, HistoryReturn, lambda row: f"{row.reference} of {row.order}")
    return shaped(HistoryResults(results=await import_returns(shop, given.source, given.returns, found)))


@router.post("/v1/admin/imports/credits", response_model=HistoryResults, responses=body_problems(401, 403))
async def import_credit_history(given: HistoryCreditsIn, shop: TheShop) -> Response:
    """Bring in what was given back for no sale that is known. The same again changes nothing."""
    found = checked(given.credits, HistoryCredit, lambda row: row.reference)
    return shaped(HistoryResults(results=await import_credits(shop, given.source, given.credits, found)))


@support_router.get("/v1/admin/credits/{credit_id}", response_model=CreditOut, responses=problems(401, 403, 404))
async def look_credit(credit_id: CreditPath, shop: TheShop) -> Response:
    """What another system gave back for no sale that is known here."""
    return shaped(CreditOut.of(await answered(shop, CREDIT.name, credit_id, LookCredit(), CreditView)))
