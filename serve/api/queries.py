"""Query parameters that several routes take."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.requests import Request

from .auth import principal_of
from .prices import groups_of
from .problems import ProblemError
from .routing import TheShop

Currency = Annotated[
    str,
    Query(
        pattern=r"^([A-Z]{3})?$",
        description="To be priced in; left out: each product's own. A product without a price in it isn't sold in it.",
        examples=["EUR"],
    ),
]


async def groups_of_request(request: Request, shop: TheShop) -> tuple[str, ...]:
    """The groups of whoever asks. Who only looks is never turned away: a token that opens nothing is a guest's."""
    try:
        principal = await principal_of(request)
    except ProblemError:
        return ()
    return groups_of(shop, principal.account_id)


TheGroups = Annotated[tuple[str, ...], Depends(groups_of_request)]
"""What price lists ask for."""
