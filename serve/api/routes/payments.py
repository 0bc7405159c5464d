"""Whether the books of payment providers agree with the orders: looked at, or put right where that is safe."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..openapi import problems
from ..payments import reconcile
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.payments import PaymentReconciliation
from ..schemas.times import InstantText

router = router_of(MerchantRoute, "payments", "admin", security=ADMIN_KEY)

Since = Annotated[InstantText, Query(description="Payments and orders made from then on ...")]
Until = Annotated[InstantText, Query(description="... and before then, at most a day later.")]


@router.get("/v1/payments/reconciliation", response_model=PaymentReconciliation, responses=problems(401))
async def compare_payments(shop: TheShop, since: Since, until: Until) -> Response:
    """Compare what providers took and gave back with what orders say. Nothing is changed."""
    return shaped(await reconcile(shop, since, until))


@router.post("/v1/payments/reconciliation", response_model=PaymentReconciliation, responses=problems(401))
async def mend_payments(shop: TheShop, since: Since, until: Until) -> Response:
    """The same, and put right what is safe: tell orders what they missed, give back or release what nobody wants."""
    return shaped(await reconcile(shop, since, until, repair=True))
