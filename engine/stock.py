"""The stock of one SKU at one location: what is on hand, what is held for whom, and until when."""

from .kernel import Answer, Command, Event, Instant


def stock_key(sku: str, location: str = "default") -> str:
    """The key of a SKU's stock at a location; its tag is the SKU."""
    return f"{sku}@{location}"


class Receive(Command, frozen=True):
    """Goods arrived. The same `receipt_id` again changes nothing and gets the same answer."""

    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""


class Adjust(Command, frozen=True):
    """Correct on_hand by `delta` (breakage, count), never below what is reserved."""

    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class SetPolicy(Command, frozen=True):
    """Change safety stock, the limit per customer (0: none) or what is expected to come; None leaves as it is."""

    safety_stock: int | None = None
    customer_limit: int | None = None
    incoming: int | None = None


class Reserve(Command, frozen=True):
    """Hold `quantity` until `expires_at` for `customer` (who the limit per customer counts)."""

    reservation_id: str
    quantity: int
    expires_at: Instant
    customer: str = ""


class Commit(Command, frozen=True):
    """The held units are sold: they leave on_hand. `sequence` is the one that `Reserve` was answered with."""

    reservation_id: str
    sequence: int
    expires_at: Instant


class Release(Command, frozen=True):
    """The hold ends without a sale. One that never was is remembered as ended, so that it can't begin late."""

    reservation_id: str


class Return(Command, frozen=True):
    """Committed units come back on hand (a cancelled order)."""

    reservation_id: str
    quantity: int
    customer: str = ""


class LookStock(Command, frozen=True):
    """Read the quantities."""


class Received(Event, frozen=True):
    receipt_id: str
    quantity: int
    reason: str = ""
    reference: str = ""


class Adjusted(Event, frozen=True):
    adjustment_id: str
    delta: int
    reason: str
    reference: str = ""


class PolicySet(Event, frozen=True):
    safety_stock: int
    customer_limit: int
    incoming: int


class Reserved(Event, frozen=True):
    reservation_id: str
    quantity: int
    expires_at: Instant
    customer: str = ""


class Committed(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Released(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Expired(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant


class Returned(Event, frozen=True):
    reservation_id: str
    quantity: int
    at: Instant
    customer: str = ""


class Held(Answer, frozen=True):
    """The reservation stands; `sequence` counts the SKU's reservations from 1."""

    sequence: int
    expires_at: Instant


class Done(Answer, frozen=True):
    """The command is (or already was) carried out."""


class StockView(Answer, frozen=True):
    """Quantities in units; available = on_hand - reserved - safety_stock, shown as at least 0."""

    on_hand: int
    reserved: int
    available: int
    safety_stock: int
    incoming: int
    customer_limit: int
    version: int
