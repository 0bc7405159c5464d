"""Many at once, each by itself: what is at fault is told, the others go in, and the same again changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from engine.document import DocumentView, Put
from engine.family import FAMILY
from engine.kernel import Rejected
from engine.product import ProductView, PutProduct

from ..shop import Shop
from .lookups import product_of
from .schemas.catalogue import is_put_by

Row = TypeVar("Row", bound=BaseModel)


class Fault(NamedTuple):
    """What is wrong with a row."""

    detail: str


def checked(rows: Sequence[Mapping[str, Any]], model: type[Row], key: Callable[[Row], str]) -> list[Row | Fault]:
    """Each row, or what is wrong with it. Rows go in side by side, so of one key there can be only one."""
    found: list[Row | Fault] = []
    seen: set[str] = set()
    for given in rows:
        try:
            row = model.model_validate(given)
        except ValidationError as error:
            found.append(Fault(_sentence(error)))
            continue
        if key(row) in seen:
            found.append(Fault(f"{key(row)} stands in this request already"))
            continue
        seen.add(key(row))
        found.append(row)
    return found


async def put_product(shop: Shop, sku: str, command: PutProduct) -> str | Fault:
    """created, updated or unchanged. Raises actors.errors.Unavailable: then all may be sent again."""
    known = await product_of(shop, sku)
    if known is not None and is_put_by(command, known):
        return "unchanged"
    reply = await shop.client.send("product", sku, command)
    if isinstance(reply, Rejected):
        return fault_of(reply)
    assert isinstance(reply, ProductView)
    return "updated" if known else "created"


async def put_family(shop: Shop, handle: str, content: Any) -> str | Fault:
    """As `put_product`, for the page of a family."""
    table = shop.tables[FAMILY]
    known = table.get(handle)
    if known == content:
        return "unchanged"
    reply = await shop.client.send(FAMILY.name, handle, Put(content))
    if isinstance(reply, Rejected):
        return fault_of(reply)
    assert isinstance(reply, DocumentView)
    table.put(handle, reply.version, reply)
    return "updated" if known else "created"


def fault_of(rejected: Rejected) -> Fault:
    """A refusal in a sentence."""
    details = rejected.details
    if "field" in details and "must" in details:
        return Fault(f"{details['field']} must {details['must']}")
    return Fault(str(details.get("detail") or rejected.reason))


def _sentence(error: ValidationError) -> str:
    faults = (f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return "; ".join(faults)
