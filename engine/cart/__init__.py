"""One shopper's cart: lines with the price at the time of adding; sealed by the order that checks it out.

A seal can't be lost or taken twice: two tabs that check one cart out get one order, and nothing is added while paying.
"""

from ..kernel import Effect, Kind, Send
from .decisions import IDLE_MS, MOST_LINES, MOST_OF_ONE_SKU, decide
from .messages import (
    AddLine,
    CartCleared,
    CartCommand,
    CartEvent,
    CartMerged,
    CartOpened,
    CartSealed,
    CartUnsealed,
    CartView,
    ClearCart,
    Line,
    LineRemoved,
    LineSet,
    LinesTakenIn,
    LookCart,
    MergeDone,
    MergeInto,
    MergeUndone,
    OpenCart,
    OrderBarred,
    RemoveLine,
    Reprice,
    Seal,
    SetLine,
    TakeIn,
    Unseal,
)
from .state import ADDITIONS_KEPT, BARRED_ORDERS_KEPT, Cart, apply, view

__all__ = [
    "ADDITIONS_KEPT",
    "BARRED_ORDERS_KEPT",
    "CART",
    "IDLE_MS",
    "MOST_LINES",
    "MOST_OF_ONE_SKU",
    "AddLine",
    "Cart",
    "CartCleared",
    "CartMerged",
    "CartOpened",
    "CartSealed",
    "CartUnsealed",
    "CartView",
    "ClearCart",
    "Line",
    "LineRemoved",
    "LineSet",
    "LinesTakenIn",
    "LookCart",
    "MergeDone",
    "MergeInto",
    "MergeUndone",
    "OpenCart",
    "OrderBarred",
    "RemoveLine",
    "Reprice",
    "Seal",
    "SetLine",
    "TakeIn",
    "Unseal",
]


def effects(cart: Cart) -> tuple[Effect, ...]:
    """A merged cart waits until the other one has its lines."""
    if not cart.merging:
        return ()
    return (Send("take-in", "cart", cart.merged_into, TakeIn(cart.cart_id, tuple(cart.lines.values()))),)


def settled(cart: Cart) -> CartView | None:
    """The cart, unless its lines are on their way to another."""
    return None if cart.merging else view(cart)


CART = Kind(
    name="cart",
    new=Cart,
    decide=decide,
    apply=apply,
    commands=CartCommand,
    events=CartEvent,
    answers=CartView,
    state=Cart,
    effects=effects,
    settled=settled,
)
