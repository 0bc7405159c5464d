"""What an order asks of a payment provider and what the provider answers: the contract of every gateway.

Each call carries an idempotency key: the same key gets the same result, however often it is asked.
"""

from .kernel import Answer, Command, Instant, Message
from .money import Money

ALREADY_REFUNDED = "already_refunded"
"""The code of a declined refund where everything that was taken is back with the payer."""
ABOVE_CAPTURED = "above_captured"
"""The code of a declined refund of more than is left of what was captured."""


class Authorize(Command, frozen=True):
    """Reserve the amount with the payer's bank; with `capture`, a provider that can takes it in the same call."""

    key: str
    amount: Money
    token: str
    order_id: str
    capture: bool = True
    payment_id: str = ""
    """The payment that this key made, once it is known: a provider forgets keys sooner than payments."""
    since: Instant = 0
    """When this may first have been asked for: what is asked for again late is looked for first."""


class Capture(Command, frozen=True):
    """Take an authorized amount, or a part of it; what isn't taken is released."""

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
    payment_id: str = ""
    """As in `Authorize`."""
    since: Instant = 0
    """As in `Authorize`."""


class Refund(Command, frozen=True):
    """Give captured money back, all or a part. Each refund of a payment has a key of its own; together they never give
    back more than was captured."""

    key: str
    payment_id: str
    amount: Money


class PaymentAction(Message, frozen=True):
    """What the shopper has to do before a payment can go on: open a page, or confirm in the provider's own widget."""

    redirect_url: str = ""
    client_secret: str = ""


class Authorized(Answer, frozen=True):
    """The money is reserved and, if `captured`, taken. `amount` is what the provider says; None where it doesn't."""

    payment_id: str
    captured: bool
    amount: Money | None = None


class Captured(Answer, frozen=True):
    """The money is taken: `amount` as in `Authorized`."""

    payment_id: str
    amount: Money | None = None


class Voided(Answer, frozen=True):
    """Nothing is or will be taken; `returned` had been taken and went back."""

    returned: Money | None = None


class Refunded(Answer, frozen=True):
    refund_id: str


class Declined(Answer, frozen=True):
    """The provider refuses for good; `code` is a stable identifier such as `card_declined`."""

    code: str


class Pending(Answer, frozen=True):
    """Accepted, and settled later by a callback (`order.SettlePayment`); asking again is allowed too."""

    payment_id: str
    action: PaymentAction | None = None
