"""Money is a whole number of minor units (cents) with an ISO 4217 currency: no float ever holds an amount."""

import msgspec

MOST_AMOUNT = 1_000_000_000_000
"""Minor units: the highest price of one unit. A total of many stays far inside the 64 bits of the journal's codec."""

MOST_TOTAL = 1_000 * MOST_AMOUNT
"""Minor units: the highest sum of an order."""


class Money(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An amount in minor units of one currency."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, "amounts of two currencies are never added"
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    def is_price(self) -> bool:
        """Whether this can be the price of one unit: not negative, bounded, in a currency of three capitals."""
        currency = self.currency
        return (
            0 <= self.amount <= MOST_AMOUNT and len(currency) == 3 and currency.isascii() and currency.isalpha()
        ) and currency.isupper()
