"""What a stock is told, what it records, and what it answers, beside reservations."""

from ..kernel import Answer, Command, Event, Instant

DEFAULT_LOCATION = "default"


def stock_key(sku: str, location: str = DEFAULT_LOCATION) -> str:
    """The key of a SKU's stock at a location; its tag is the SKU."""
    return f"{sku}@{location}"


class Receive(Command, frozen=True):
    """Goods arrived. The same `receipt_id` again changes nothing and gets the same answer.

    `cost` is what all of them cost in minor units of `currency`, landed here; without a currency nobody knows.
    """

    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""
    cost: int = 0
    currency: str = ""


class Adjust(Command, frozen=True):
    """Correct on_hand by `delta` (breakage, count), never below what is reserved."""

    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class SetPolicy(Command, frozen=True):
    """Change safety stock, the limit per customer (0: none) or what is expected to come; None leaves as it is.

    `backorder_limit` units are sold beyond what is here, to be shipped from `available_from` on (0: nobody knows).
    """

    safety_stock: int | None = None
    customer_limit: int | None = None
    incoming: int | None = None
    backorder_limit: int | None = None
    available_from: Instant | None = None


class LookStock(Command, frozen=True):
    """Read the quantities."""


class Received(Event, frozen=True):
    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""
    cost: int = 0
    currency: str = ""


class Adjusted(Event, frozen=True):
    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class PolicySet(Event, frozen=True):
    safety_stock: int
    customer_limit: int
    incoming: int
    backorder_limit: int = 0
    available_from: Instant = 0


class StockView(Answer, frozen=True):
    """Quantities in units; available = on_hand - reserved - safety_stock, shown as at least 0.

    `incoming` is what was set by hand and what purchase orders and transfers are to bring, the first of it at
    `expected_at` (0: nobody knows). The average cost is in thousandths of a minor unit.
    """

    on_hand: int
    reserved: int
    available: int
    safety_stock: int
    incoming: int
    customer_limit: int
    version: int
    expected_at: Instant = 0
    average_cost_milli: int = 0
    cost_currency: str = ""
    backorder_limit: int = 0
    promised: int = 0
    """Units sold that aren't here yet."""
    available_from: Instant = 0

    @property
    def backorderable(self) -> int:
        """Units that can be sold before they are here."""
        return max(0, self.backorder_limit - self.promised)
