"""What the processes of the shop count and measure."""

from starlette.responses import Response

from ...metrics.metrics import MEDIA_TYPE
from ..auth import ADMIN_KEY
from ..openapi import problems
from ..routing import MerchantRoute, TheShop, router_of

router = router_of(MerchantRoute, "health", "admin", security=ADMIN_KEY)

_TEXT = {"description": "The figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}


@router.get("/metrics", response_class=Response, responses={200: _TEXT, **problems(401)})
async def look_metrics(shop: TheShop) -> Response:
    """Counters, gauges and histograms in the Prometheus text format. Each is labelled with the process it is of."""
    return Response(await shop.metrics.text_of_all(), headers={"content-type": MEDIA_TYPE})
