"""Money is a whole number of minor units (cents) with an ISO 4217 currency: no float ever holds an amount."""

import msgspec


class Money(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An amount in minor units of one currency."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, "amounts of two currencies are never added"
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)
