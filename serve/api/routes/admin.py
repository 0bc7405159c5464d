"""Products and their pages in bulk: the import with opening stock, and upserts; each row by itself."""

from asyncio import gather
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.kernel import Rejected
from engine.stock import Receive, stock_key

from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bulk import Fault, checked, fault_of, put_family, put_product
from ..openapi import body_problems
from ..placing import ensure_paths, placed
from ..routing import ImportRoute, TheShop, router_of
from ..schemas.imports import (
    BulkIn,
    BulkResult,
    BulkResults,
    BulkRow,
    FamilyBulkIn,
    FamilyRow,
    ImportIn,
    ImportResult,
    ImportResults,
    ImportRow,
)

router = router_of(ImportRoute, "admin", security=ADMIN_KEY)


@router.post("/v1/admin/import", response_model=ImportResults, responses=body_problems(401, 403))
async def import_products(rows: ImportIn, shop: TheShop) -> Response:
    """Create or replace products and receive their stock; a bad row is told, the good ones go in.

    Sending the same rows again changes nothing: each SKU's stock is received once.
    """
    found = checked(rows.rows, ImportRow, lambda row: row.sku)
    await ensure_paths(shop, [row for row in found if isinstance(row, ImportRow)])
    results = await gather(*(_import(shop, given, row) for given, row in zip(rows.rows, found, strict=True)))
    return shaped(ImportResults(results=list(results)))


@router.post("/v1/admin/products/bulk", response_model=BulkResults, responses=body_problems(401, 403))
async def put_products(products: BulkIn, shop: TheShop) -> Response:
    """Create or replace products; one at fault is told, the others go in. The same again changes nothing."""
    found = checked(products.products, BulkRow, lambda row: row.sku)
    await ensure_paths(shop, [row for row in found if isinstance(row, BulkRow)])
    results = await gather(*(_put(shop, row) for row in found))
    keys = (given.get("sku") for given in products.products)
    return shaped(BulkResults(results=[_result(key, result) for key, result in zip(keys, results, strict=True)]))


@router.post("/v1/admin/families/bulk", response_model=BulkResults, responses=body_problems(401, 403))
async def put_families(families: FamilyBulkIn, shop: TheShop) -> Response:
    """Create or replace product families; one at fault is told, the others go in. The same again changes nothing."""
    found = checked(families.families, FamilyRow, lambda row: row.handle)
    results = await gather(*(_put_family(shop, row) for row in found))
    keys = (given.get("handle") for given in families.families)
    return shaped(BulkResults(results=[_result(key, result) for key, result in zip(keys, results, strict=True)]))


async def _import(shop: Shop, given: Mapping[str, Any], row: ImportRow | Fault) -> ImportResult:
    """Raises actors.errors.Unavailable: then the whole request may be sent again."""
    if isinstance(row, Fault):
        number, sku = given.get("row"), given.get("sku")
        return ImportResult(
            row=number if type(number) is int else None,
            sku=sku if isinstance(sku, str) else None,
            status="error",
            error=row.detail,
        )
    result = await put_product(shop, row.sku, placed(shop, row))
    if row.quantity and not isinstance(result, Fault):
        receive = Receive(f"import:{row.sku}", row.quantity, "import", f"row {row.row}")
        reply = await shop.client.send("stock", stock_key(row.sku), receive)
        result = fault_of(reply) if isinstance(reply, Rejected) else result
    if isinstance(result, Fault):
        return ImportResult(row=row.row, sku=row.sku, status="error", error=result.detail)
    return ImportResult.model_validate({"row": row.row, "sku": row.sku, "status": result})


async def _put(shop: Shop, row: BulkRow | Fault) -> str | Fault:
    return row if isinstance(row, Fault) else await put_product(shop, row.sku, placed(shop, row))


async def _put_family(shop: Shop, row: FamilyRow | Fault) -> str | Fault:
    return row if isinstance(row, Fault) else await put_family(shop, row.handle, row.to_content())


def _result(key: Any, result: str | Fault) -> BulkResult:
    fault = result.detail if isinstance(result, Fault) else None
    status = "error" if isinstance(result, Fault) else result
    return BulkResult.model_validate({"key": key if isinstance(key, str) else None, "status": status, "error": fault})
