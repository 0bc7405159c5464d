"""What every part of the contract is built from: strict models, bounded texts, money, problems."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from engine.money import Money as EngineMoney

from ..bounds import (
    CURRENCY_PATTERN,
    EMAIL_PATTERN,
    MAX_AMOUNT,
    MAX_EMAIL_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_QUANTITY,
    SKU_PATTERN,
)


class Input(BaseModel):
    """A request body: no unknown field, no "1" for 1, no 1.0 for 1, no true for 1."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Output(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


Sku = Annotated[str, Field(pattern=SKU_PATTERN, description="Key of a sellable unit.", examples=["RETRO-CLOCK"])]
Email = Annotated[str, Field(max_length=MAX_EMAIL_LENGTH, pattern=EMAIL_PATTERN, examples=["ada@example.org"])]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY, description="Units.", examples=[1])]
Label = Annotated[str, Field(max_length=MAX_LABEL_LENGTH)]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-22T11:46:00.000Z"])]


class Money(Input):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.", examples=[1999])]
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["USD"])]

    def to_engine(self) -> EngineMoney:
        return EngineMoney(self.amount, self.currency)

    @classmethod
    def of(cls, money: EngineMoney) -> "Money":
        # What the shop itself holds was checked on its way in: validating it again would cost a listing dearly.
        return cls.model_construct(amount=money.amount, currency=money.currency)


class TotalMoney(Output):
    """A sum in minor units: larger than any single price may be."""

    amount: Annotated[int, Field(ge=0, description="Minor units.", examples=[3998])]
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN, examples=["USD"])]

    @classmethod
    def of(cls, money: EngineMoney) -> "TotalMoney":
        return cls.model_construct(amount=money.amount, currency=money.currency)


class FieldError(Output):
    """One thing that is wrong with a request."""

    location: Annotated[str, Field(alias="in", examples=["body"], description="body, path, query or header")]
    pointer: Annotated[str | None, Field(examples=["#/lines/0/quantity"], description="JSON pointer into the body")] = (
        None
    )
    name: Annotated[str | None, Field(examples=["limit"], description="Name of the parameter or header")] = None
    detail: Annotated[str, Field(examples=["Input should be greater than or equal to 1"])]


class Problem(Output):
    """Problem details by RFC 9457. Extension members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[
        str, Field(json_schema_extra={"format": "uri-reference"}, examples=["/problems/insufficient-stock"])
    ]
    title: Annotated[str, Field(examples=["Insufficient stock"])]
    status: Annotated[int, Field(examples=[409])]
    detail: Annotated[str, Field(examples=["RETRO-CLOCK: 3 requested, 1 left."])]
    instance: Annotated[str | None, Field(json_schema_extra={"format": "uri-reference"})] = None
    errors: Annotated[list[FieldError] | None, Field(description="What is wrong with the request, field by field")] = (
        None
    )
    lines: Annotated[
        list[dict[str, Any]] | None, Field(description="The lines that can't be had: what was asked, what is left")
    ] = None


class ProblemExplanation(Output):
    """What a problem type means."""

    type: str
    title: str
    status: int
    explanation: str


class Empty(Output):
    """Nothing: an empty JSON object."""


class Health(Output):
    status: Annotated[str, Field(examples=["alive"])]
