"""The contract of the comparison between payment providers and orders."""

from typing import Annotated

from pydantic import Field

from ...reconciliation import Finding, Kind
from .common import Output, Timestamp

MAX_FINDINGS = 1_000
"""Findings that one answer lists: whoever has more has one fault many times."""


class PaymentFinding(Output):
    """One difference between a provider's books and an order."""

    kind: Annotated[
        Kind,
        Field(
            description="money-missing, amount-differs, refund-differs and order-unknown are for people; surplus, "
            "unheard and held are mended when that is asked for."
        ),
    ]
    method: Annotated[str, Field(examples=["stripe"])]
    order_id: str
    payment_id: str
    expected: Annotated[int, Field(description="What the order says, in minor units.")]
    found: Annotated[int, Field(description="What the provider says, in minor units.")]
    currency: str
    mended: Annotated[bool, Field(description="Whether it has been put right.")]

    @classmethod
    def of(cls, finding: Finding) -> "PaymentFinding":
        return cls(**finding._asdict())


class PaymentReconciliation(Output):
    """What the comparison came to."""

    since: Timestamp
    until: Timestamp
    methods: Annotated[list[str], Field(description="The providers that were asked.")]
    payments: Annotated[int, Field(ge=0, description="Payments of providers that were compared.")]
    orders: Annotated[int, Field(ge=0, description="Orders that were compared.")]
    open: Annotated[int, Field(ge=0, description="Differences that are left.")]
    findings: list[PaymentFinding]
