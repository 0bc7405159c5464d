"""What the routes of processes share (transfers, purchase orders, counts): begin, send, look, list."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from engine.kernel import Command, Kind
from engine.reasons import Reason

from ..identity import process_id_of
from ..shop import Shop
from .answers import shaped
from .bounds import PROCESS_ID_PATTERN
from .cursors import cursor_after, read_cursor
from .problems import ProblemError
from .sending import answered, view_of

ProcessPath = Annotated[str, Path(pattern=PROCESS_ID_PATTERN, examples=["po_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]
StatusFilter = Annotated[str, Query(max_length=40, description="Only those in this status.")]

View = TypeVar("View")


def new_process_id(shop: Shop, prefix: str, idempotency_key: str | None) -> str:
    """The id of a process to begin: the same key begins the same one."""
    return process_id_of(shop.secret, prefix, idempotency_key or shop.new_id())


async def carry(shop: Shop, kind: Kind, key: str, command: Command, view: type[View]) -> View:
    """The process after the command, once it waits for nobody (or for long enough); raises ProblemError."""
    return await answered(shop, kind.name, key, command, view, settle_s=shop.settings.settle_wait_s)


async def looked_at(shop: Shop, kind: Kind, key: str, command: Command, view: type[View]) -> View:
    """The process as it is; raises ProblemError where there is none."""
    seen = await view_of(shop, kind.name, key, command, view)
    if seen is None:
        raise ProblemError(Reason.NOT_FOUND)
    return seen


def page_of(
    shop: Shop,
    kind: Kind,
    page_model: type[BaseModel],
    shown: Callable[[Any], BaseModel],
    limit: int,
    cursor: str,
    status: str,
) -> Response:
    """A page of the kind's roll."""
    # One more than asked for tells whether there is a next page.
    found = shop.rolls[kind].page(read_cursor(cursor), limit + 1, status)
    next_cursor = cursor_after(found[limit - 1][0]) if len(found) > limit else None
    items = [shown(view) for _, view in found[:limit]]
    return shaped(page_model.model_construct(items=items, next_cursor=next_cursor))
