"""The gateway port: how an order reaches a payment provider, and how a provider far away reaches the order.

GatewayError
|-- GatewayUnavailable retryable: no answer was heard, and the call may still have happened
`-- ForgedWebhook      terminal: whatever this is, the provider didn't send it to us, or not now
"""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from engine.kernel import Answer, Command, Instant
from engine.money import Money
from engine.payment import Authorized, Declined, Pending


class GatewayError(Exception):
    """Base of all gateway errors."""


class GatewayUnavailable(GatewayError, ConnectionError):
    """The provider could not be reached, or failed before it answered: make the same call again.

    It is a `ConnectionError` too, by which a runtime that knows no gateways tells it from a bug.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ForgedWebhook(GatewayError):
    """A webhook whose signature isn't the provider's, or too old: nothing may come of it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Gateway(Protocol):
    """A payment provider.

    Guarantees: the same call with the same key has one effect and gets the same answer, however often it is made.
    Whatever the provider refuses for good is answered `Declined`, never raised: an error means that asking again can
    help. Calls and answers are those of `engine.payment`:

    | call | answers |
    |---|---|
    | `Authorize` | `Authorized` (taken, or to be taken by `Capture`), `Pending`, `Declined` |
    | `Capture` | `Captured`, `Declined` |
    | `Void` | `Voided`, `Declined` |
    | `Refund` | `Refunded`; `Declined`: `already_refunded`, `above_captured`, or what the provider says |
    """

    def answer_at_once(self, call: Command) -> Answer | None:
        """The answer of `call` where it is known without going out, else None: a provider far away knows none."""
        ...

    async def call(self, call: Command) -> Answer:
        """Carry the call out. Raises `GatewayUnavailable`."""
        ...

    async def close(self) -> None:
        """Release connections; calls that were under way are made again by whoever wants them."""
        ...


class PaymentStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    """The payer has done his part: asked again, the provider authorizes it."""
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"


class PaymentReport(NamedTuple):
    """What a provider says of one payment now."""

    payment_id: str
    authorize_key: str
    """The key of our `Authorize` that it was made for; empty if it wasn't made by this shop."""
    status: PaymentStatus
    amount: Money
    """What was captured, or before that what is authorized or asked for."""
    refunded: int
    """Minor units of what was captured that went back."""
    created_at: Instant
    code: str = ""
    """Why it was declined."""

    @property
    def order_id(self) -> str:
        return self.authorize_key.partition(":")[0]

    @property
    def kept(self) -> int:
        """Minor units that the shop has of it."""
        return self.amount.amount - self.refunded if self.status is PaymentStatus.CAPTURED else 0

    def settlement(self) -> Authorized | Declined | Pending | None:
        """What its order has to hear of it, if anything: not of money that is back with the payer."""
        if self.status is PaymentStatus.DECLINED:
            return Declined(self.code)
        if self.status is PaymentStatus.APPROVED:
            return Pending(self.payment_id)
        if self.status is PaymentStatus.AUTHORIZED or self.kept:
            return Authorized(self.payment_id, self.status is PaymentStatus.CAPTURED, self.amount)
        return None


class Provider(Gateway, Protocol):
    """A gateway to a provider far away, which keeps books of its own and calls back."""

    async def look_up(self, payment_id: str) -> PaymentReport | None:
        """The payment as it is now; None if there is none, or it isn't this shop's. Raises `GatewayUnavailable`."""
        ...

    async def hear(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The id of the payment that a webhook tells of, if it tells of one; header names are in small letters.

        What it says of the payment isn't believed: events come late, twice and out of order, so whoever hears of one
        looks the payment up. Raises `ForgedWebhook` and `GatewayUnavailable`.
        """
        ...

    def payments(self, since: Instant, until: Instant) -> AsyncIterator[PaymentReport]:
        """The payments of this shop that were made from `since` to before `until`. Raises `GatewayUnavailable`."""
        ...
