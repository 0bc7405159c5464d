"""The gateway port: how an order reaches a payment provider.

GatewayError
`-- GatewayUnavailable retryable: no answer was heard, and the call may still have happened
"""

from typing import Protocol

from engine.kernel import Answer, Command


class GatewayError(Exception):
    """Base of all gateway errors."""


class GatewayUnavailable(GatewayError, ConnectionError):
    """The provider could not be reached, or failed before it answered: make the same call again.

    It is a `ConnectionError` too, by which a runtime that knows no gateways tells it from a bug.
    """

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
