"""Price lists with their prices, and tax regions: for whoever runs the shop."""

from asyncio import gather
from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from engine.kernel import Rejected
from engine.price_list import PRICE_LIST
from engine.product import ListPrice, SetListPrices
from engine.reasons import Reason
from engine.tax_region import TAX_REGION

from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import CATALOGUE_KEY_PATTERN
from ..documents import Resource, document_routes
from ..openapi import body_problems
from ..problems import ProblemError
from ..routing import ImportRoute, TheShop, router_of
from ..schemas.pricing import (
    ListPriceResult,
    ListPriceResults,
    ListPricesIn,
    PriceList,
    PriceListIn,
    TaxRegion,
    TaxRegionIn,
)

PRICE_LISTS = Resource(
    PRICE_LIST,
    "price list",
    "price lists",
    "/v1/admin/price-lists",
    PriceListIn,
    PriceList,
    CATALOGUE_KEY_PATTERN,
    "club-eur",
    "catalogue",
)
TAX_REGIONS = Resource(
    TAX_REGION,
    "tax region",
    "tax regions",
    "/v1/admin/tax-regions",
    TaxRegionIn,
    TaxRegion,
    r"^[a-z]{2}(-[a-z0-9]{1,3})?$",
    "de",
    "catalogue",
)

lists_router = document_routes(PRICE_LISTS)
regions_router = document_routes(TAX_REGIONS)
router = router_of(ImportRoute, "catalogue", "admin", security=ADMIN_KEY)


@router.post(
    "/v1/admin/price-lists/{key}/prices", response_model=ListPriceResults, responses=body_problems(401, 403, 404)
)
async def set_list_prices(
    key: Annotated[str, Path(pattern=CATALOGUE_KEY_PATTERN, examples=["club-eur"])], prices: ListPricesIn, shop: TheShop
) -> Response:
    """Set products' prices in the list, and take others out of it. Each by itself: one at fault is told."""
    if shop.tables[PRICE_LIST].get(key) is None:
        raise ProblemError(Reason.NOT_FOUND)
    changes = [(price.sku, ListPrice(key, price.amount, price.compare_at)) for price in prices.prices]
    removals = [(sku, None) for sku in prices.removed]
    results = await gather(*(_set(shop, sku, key, price) for sku, price in (*changes, *removals)))
    return shaped(ListPriceResults(results=results))


async def _set(shop: Shop, sku: str, key: str, price: ListPrice | None) -> ListPriceResult:
    command = SetListPrices((price,)) if price else SetListPrices(removed=(key,))
    reply = await shop.client.send("product", sku, command)
    if isinstance(reply, Rejected):
        return ListPriceResult(sku=sku, status="error", error=str(reply.reason))
    return ListPriceResult(sku=sku, status="set" if price else "removed")
