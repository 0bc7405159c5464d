"""The contract of the bulk import."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ..bounds import MAX_IMPORT_ROWS, MAX_RECEIPT_QUANTITY
from .assortment import FamilyIn
from .catalogue import CatalogueKey, ProductIn
from .common import Input, Output, Sku


class ImportRow(ProductIn):
    """A product with its opening stock."""

    row: Annotated[int, Field(ge=0, description="The row's number in its file, echoed in its result.")]
    sku: Sku
    quantity: Annotated[
        int | None,
        Field(ge=0, le=MAX_RECEIPT_QUANTITY, description="Units received, once per SKU; left out: no receipt."),
    ] = None


class ImportIn(Input):
    """Rows to bring in. Each is held to the fields of a product plus `row`, `sku` and `quantity`, by itself."""

    rows: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=MAX_IMPORT_ROWS,
            examples=[
                [{"row": 2, "sku": "RETRO-CLOCK", "title": "Retro", "price": {"amount": 1999, "currency": "USD"}}],
            ],
        ),
    ]


class ImportResult(Output):
    row: Annotated[int | None, Field(description="The row's number, if it had one.")]
    sku: str | None
    status: Literal["created", "updated", "unchanged", "error"]
    error: Annotated[str | None, Field(description="What is wrong with the row.")] = None


class ImportResults(Output):
    """What became of each row, in their order."""

    results: list[ImportResult]


class BulkRow(ProductIn):
    """A product with its SKU."""

    sku: Sku


class BulkIn(Input):
    """Products to create or replace. Each is held to the fields of a product plus `sku`, by itself."""

    products: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=MAX_IMPORT_ROWS,
            examples=[[{"sku": "RETRO-CLOCK", "title": "Retro", "price": {"amount": 1999, "currency": "USD"}}]],
        ),
    ]


class FamilyRow(FamilyIn):
    """A product family with its handle."""

    handle: CatalogueKey


class FamilyBulkIn(Input):
    """Product families to create or replace. Each is held to the fields of a family plus `handle`, by itself."""

    families: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=MAX_IMPORT_ROWS,
            examples=[[{"handle": "retro-clock", "title": "Retro clock", "variants": [{"sku": "RETRO-CLOCK"}]}]],
        ),
    ]


class BulkResult(Output):
    key: Annotated[str | None, Field(description="The SKU or handle, if it had one.")]
    status: Literal["created", "updated", "unchanged", "error"]
    error: Annotated[str | None, Field(description="What is wrong with it.")] = None


class BulkResults(Output):
    """What became of each, in the order of the request."""

    results: list[BulkResult]
