"""The purchase request as a FastAPI developer would declare it: the hand-rolled contenders all parse this model."""

from typing import Annotated

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=1, le=10_000)


class Payment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: str = Field(max_length=32)
    token: str = Field(max_length=255)


class Purchase(BaseModel):
    """One line: the hand-rolled rows sell a single SKU, which makes them simpler and faster than a shop."""

    model_config = ConfigDict(extra="forbid")

    lines: list[Line] = Field(min_length=1, max_length=1)
    email: str = Field(max_length=254)
    payment: Payment


IdempotencyKey = Annotated[str, Header(min_length=1, max_length=255)]
