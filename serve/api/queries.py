"""Query parameters that several routes take."""

from typing import Annotated

from fastapi import Query

Currency = Annotated[
    str,
    Query(
        pattern=r"^([A-Z]{3})?$",
        description="To be priced in; left out: each product's own. A product without a price in it isn't sold in it.",
        examples=["EUR"],
    ),
]
