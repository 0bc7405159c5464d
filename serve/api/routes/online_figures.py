"""How recommendations do in the shop: for the merchant."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from ...recommendations.section import MOST_DAYS
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..openapi import problems
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.online_figures import OnlineFigures

router = router_of(MerchantRoute, "recommendations", "admin", security=ADMIN_KEY)


@router.get("/v1/admin/recommendations/online", response_model=OnlineFigures, responses=problems(401, 403, 404))
async def look_online_figures(
    shop: TheShop, days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="The last ones.")] = 7
) -> Response:
    """Lists shown, clicks, carts and revenue of each variant, with a test of significance of challenger against
    champion; half a minute old at most. 404: this shop keeps no lake."""
    return shaped(OnlineFigures.of(await shop.feed.ask("recommendations.online", {"days": days})))
