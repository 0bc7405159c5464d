"""What a cart is told, what it records, and what it answers."""

from ..kernel import Answer, Command, Event, Instant
from ..money import Money
from ..wishes import CartWishes, WishCommand, WishesSet


class OpenCart(Command, frozen=True):
    """Begin an empty cart; again: no change."""


class AddLine(Command, frozen=True):
    """Add `quantity` to the SKU's line. A `command_id` seen before changes nothing (an empty one is never seen)."""

    sku: str
    quantity: int
    price: Money
    title: str = ""
    command_id: str = ""
    if_version: int | None = None


class SetLine(Command, frozen=True):
    """Make the SKU's line exactly `quantity` (1 or more)."""

    sku: str
    quantity: int
    price: Money
    title: str = ""
    if_version: int | None = None


class RemoveLine(Command, frozen=True):
    sku: str
    if_version: int | None = None


class ClearCart(Command, frozen=True):
    if_version: int | None = None


class Reprice(Command, frozen=True):
    """Take over the catalogue's prices of now, by SKU, for the lines that have another."""

    prices: dict[str, Money]


class Seal(Command, frozen=True):
    """An order checks the cart out: no change until it is unsealed. Only one order can hold the seal."""

    order_id: str
    if_version: int | None = None


class Unseal(Command, frozen=True):
    """The order that held the seal failed: the cart can be changed and checked out again."""

    order_id: str


class LookCart(Command, frozen=True):
    """Read the cart."""


class Line(Answer, frozen=True):
    """A line; `price` is for one unit, as it was when the line was last set."""

    sku: str
    quantity: int
    price: Money
    title: str = ""


class MergeInto(Command, frozen=True):
    """Give all lines to another cart, for good: a guest has logged in. Only one cart can get them."""

    target: str


class TakeIn(Command, frozen=True):
    """To the other cart: these lines are yours now. Those of a cart that were taken in before change nothing."""

    cart_id: str
    lines: tuple[Line, ...]


class CartOpened(Event, frozen=True):
    at: Instant


class LineSet(Event, frozen=True):
    """The line is now this; `command_id` of an AddLine, to know its retry."""

    line: Line
    at: Instant
    command_id: str = ""


class LineRemoved(Event, frozen=True):
    sku: str
    at: Instant


class CartCleared(Event, frozen=True):
    at: Instant


class CartSealed(Event, frozen=True):
    order_id: str
    at: Instant


class CartUnsealed(Event, frozen=True):
    order_id: str
    at: Instant


class CartMerged(Event, frozen=True):
    """The cart is no more: its lines go to another."""

    target: str
    at: Instant


class MergeDone(Event, frozen=True):
    """The other cart has the lines."""

    at: Instant


class MergeUndone(Event, frozen=True):
    """The other cart can't take them now: the cart is as it was."""

    at: Instant


class LinesTakenIn(Event, frozen=True):
    """These lines are now as said, because of what another cart had."""

    cart_id: str
    lines: tuple[Line, ...]
    at: Instant


class OrderBarred(Event, frozen=True):
    """An order gave up without holding the seal; its own may still be on the way. For a shopper nothing changed."""

    order_id: str
    at: Instant


class CartView(Answer, frozen=True):
    """The cart; `sealed_by` is an order id or empty; version counts its changes."""

    cart_id: str
    version: int
    lines: tuple[Line, ...]
    sealed_by: str
    updated_at: Instant
    merged_into: str = ""
    wishes: CartWishes | None = None
    """Codes, cards and delivery; None: nothing was ever entered."""


CartCommand = (
    OpenCart
    | AddLine
    | SetLine
    | RemoveLine
    | ClearCart
    | Reprice
    | Seal
    | Unseal
    | LookCart
    | MergeInto
    | TakeIn
    | WishCommand
)

CartEvent = (
    CartOpened
    | LineSet
    | LineRemoved
    | CartCleared
    | CartSealed
    | CartUnsealed
    | OrderBarred
    | CartMerged
    | MergeDone
    | MergeUndone
    | LinesTakenIn
    | WishesSet
)
