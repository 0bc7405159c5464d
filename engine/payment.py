"""What an order asks of a payment provider and what the provider answers: the contract of every gateway.

Each call carries an idempotency key: the same key gets the same result, however often it is asked.
"""

from .kernel import Answer, Command
from .money import Money


class Authorize(Command, frozen=True):
    """Reserve the amount with the payer's bank and, with `capture`, take it in the same call."""

    key: str
    amount: Money
    token: str
    order_id: str
    capture: bool = True


class Capture(Command, frozen=True):
    """Take an authorized amount."""

    key: str
    payment_id: str
    amount: Money


class Void(Command, frozen=True):
    """Undo whatever `Authorize` with `authorize_key` did or may still do: nothing, an authorization or a capture.

    It is safe to send when the answer to the authorization was never heard: a later `Authorize` with that key is
    declined, and money that was already taken goes back.
    """

    key: str
    authorize_key: str
    amount: Money
    token: str


class Refund(Command, frozen=True):
    """Give captured money back."""

    key: str
    payment_id: str
    amount: Money


class Authorized(Answer, frozen=True):
    """The money is reserved and, if `captured`, taken."""

    payment_id: str
    captured: bool


class Captured(Answer, frozen=True):
    payment_id: str


class Voided(Answer, frozen=True):
    pass


class Refunded(Answer, frozen=True):
    refund_id: str


class Declined(Answer, frozen=True):
    """The provider refuses for good; `code` is a stable identifier such as `card_declined`."""

    code: str


class Pending(Answer, frozen=True):
    """Accepted, and settled later by a callback (`order.SettlePayment`); asking again is allowed too."""

    payment_id: str
