"""The bulk import: products with their opening stock, each row by itself."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from engine.kernel import Rejected
from engine.product import ProductView
from engine.stock import Receive, stock_key

from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..lookups import product_of
from ..openapi import body_problems
from ..routing import ImportRoute, TheShop, router_of
from ..schemas.catalogue import is_put_by
from ..schemas.imports import ImportIn, ImportResult, ImportResults, ImportRow

router = router_of(ImportRoute, "admin", security=ADMIN_KEY)


@router.post("/v1/admin/import", response_model=ImportResults, responses=body_problems(401))
async def import_products(rows: ImportIn, shop: TheShop) -> Response:
    """Create or replace products and receive their stock; a bad row is told, the good ones go in.

    Sending the same rows again changes nothing: each SKU's stock is received once.
    """
    checked = _checked(rows.rows)
    results = await gather(*(_bring_in(shop, row) for row in checked if isinstance(row, ImportRow)))
    brought_in = iter(results)
    ordered = [next(brought_in) if isinstance(row, ImportRow) else row for row in checked]
    return shaped(ImportResults(results=ordered))


def _checked(rows: Sequence[Mapping[str, Any]]) -> list[ImportRow | ImportResult]:
    """Each row, or what is wrong with it. Rows go in side by side, so of one SKU there can be only one."""
    checked: list[ImportRow | ImportResult] = []
    seen: set[str] = set()
    for given in rows:
        try:
            row = ImportRow.model_validate(given)
        except ValidationError as error:
            checked.append(_refused(given, _sentence(error)))
            continue
        if row.sku in seen:
            checked.append(_refused(given, f"sku: {row.sku} stands in this request already"))
            continue
        seen.add(row.sku)
        checked.append(row)
    return checked


async def _bring_in(shop: Shop, row: ImportRow) -> ImportResult:
    """Raises actors.errors.Unavailable: then the whole request may be sent again."""
    command = row.to_command()
    known = await product_of(shop, row.sku)
    status = "unchanged"
    if known is None or not is_put_by(command, known):
        reply = await shop.client.send("product", row.sku, command)
        if isinstance(reply, Rejected):
            return _rejected(row, reply)
        assert isinstance(reply, ProductView)
        status = "updated" if known else "created"
    if row.quantity:
        receive = Receive(f"import:{row.sku}", row.quantity, "import", f"row {row.row}")
        reply = await shop.client.send("stock", stock_key(row.sku), receive)
        if isinstance(reply, Rejected):
            return _rejected(row, reply)
    return ImportResult.model_validate({"row": row.row, "sku": row.sku, "status": status})


def _rejected(row: ImportRow, rejected: Rejected) -> ImportResult:
    detail = rejected.details.get("detail") or rejected.reason
    return ImportResult(row=row.row, sku=row.sku, status="error", error=str(detail))


def _refused(given: Mapping[str, Any], detail: str) -> ImportResult:
    row, sku = given.get("row"), given.get("sku")
    return ImportResult(
        row=row if type(row) is int else None,
        sku=sku if isinstance(sku, str) else None,
        status="error",
        error=detail,
    )


def _sentence(error: ValidationError) -> str:
    faults = (f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return "; ".join(faults)
