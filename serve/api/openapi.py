"""The OpenAPI document: what FastAPI derives from the routes, with every problem that a route can answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi

from .schemas.common import Problem

_DESCRIPTION = """\
Sell products to everyone at once, and never one too many.

* Money is in **minor units** (cents) of an ISO 4217 currency.
* Purchases need an **`Idempotency-Key`**: the same key with the same body gets the same answer, byte for byte, however
  often it is sent; with another body it is refused. A refusal *before* an order exists (sold out by then, a product
  unknown, a price changed, the shop unavailable) is not remembered: the same key may be tried again.
* Errors are **problem details** (RFC 9457) whose `type` is stable and explains itself when you open it.
* Every answer has an `X-Request-Id`: yours, if you sent one.
* `ETag`s of products and carts go into `If-Match`; a product's changes with its availability too, but `If-Match` only
  compares the product's own version.
"""
_TAGS = [
    {"name": "catalogue", "description": "Products with price and availability."},
    {"name": "search", "description": "Finding products, and what they are like."},
    {"name": "stock", "description": "Quantities, what changes them, and the ledger."},
    {"name": "purchasing", "description": "Suppliers, purchase orders, reordering."},
    {"name": "webhooks", "description": "What the shop tells other systems, by the Standard Webhooks specification."},
    {"name": "carts", "description": "Carts by unguessable id, and their checkout."},
    {"name": "sales", "description": "Flash sales: countdown, the line before them, and their schedule."},
    {"name": "accounts", "description": "Registering, logging in, and what a customer keeps here."},
    {"name": "behaviour", "description": "What visitors do, and what a customer may know and undo of it."},
    {"name": "recommendations", "description": "What somebody may like, and the merchant's rules for it."},
    {"name": "orders", "description": "The express purchase, and what became of an order."},
    {"name": "payments", "description": "Where payment providers call back, and whether their books agree with ours."},
    {"name": "promotions", "description": "Promotions, coupon codes and shipping methods."},
    {"name": "gift cards", "description": "Gift cards and store credit."},
    {"name": "reports", "description": "What was sold, what is left, and what the running minutes bring."},
    {"name": "admin", "description": "For whoever runs the shop."},
    {"name": "health", "description": "For whatever watches the shop."},
]
_REQUEST_ID = {"X-Request-Id": {"description": "Names this request in our logs.", "schema": {"type": "string"}}}
_SCHEMAS = "#/components/schemas/"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": _SCHEMAS + Problem.__name__}}}
_METHODS = frozenset(("get", "put", "post", "patch", "delete"))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route can answer, beside those that every route can."""
    # By reference: given as a model, each of more than a thousand would get a validator of its own at the start.
    return {status: {"content": _PROBLEM} for status in sorted({*statuses, 413, 422, 429, 500, 503})}


def body_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route that reads a JSON body."""
    return problems(400, 415, *statuses)


class Api(FastAPI):
    """FastAPI with our document."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            schema = get_openapi(
                title=self.title,
                version=self.version,
                openapi_version=self.openapi_version,
                description=_DESCRIPTION,
                routes=self.routes,
                tags=_TAGS,
                license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            )
            schemas = schema["components"]["schemas"]
            schema["components"]["schemas"] = dict(sorted({**schemas, **_problem_schemas()}.items()))
            for path in schema["paths"].values():
                for method in _METHODS & path.keys():
                    _add_forbidden(path[method])
                    for status, response in path[method]["responses"].items():
                        _complete(int(status), response)
            self.openapi_schema = schema
        return self.openapi_schema


def _problem_schemas() -> dict[str, Any]:
    """The schema of problems and those that it refers to."""
    schema = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}", mode="serialization")
    others = schema.pop("$defs")
    found: dict[str, Any] = jsonable_encoder({**others, Problem.__name__: schema}, exclude_none=True)
    return found


def _add_forbidden(operation: dict[str, Any]) -> None:
    """Where a token is asked for, a good one may lack the scope."""
    responses = operation["responses"]
    if "401" in responses and operation.get("security"):
        responses.setdefault("403", {**responses["401"], "description": "Forbidden"})


def _complete(status: int, response: dict[str, Any]) -> None:
    """Every answer has a request id; one that says that nothing changed has no body."""
    response["headers"] = {**_REQUEST_ID, **response.get("headers", {})}
    if status == 304:
        response.pop("content", None)


def header(description: str) -> dict[str, Any]:
    """A response header for a route's `responses`."""
    return {"description": description, "schema": {"type": "string"}}
