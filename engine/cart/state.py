"""What is in a cart and who has sealed it, and how events change that."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..kernel import Instant, Message
from ..wishes import CartWishes, WishesSet
from .messages import (
    CartCleared,
    CartEvent,
    CartMerged,
    CartOpened,
    CartSealed,
    CartUnsealed,
    CartView,
    Line,
    LineRemoved,
    LineSet,
    LinesTakenIn,
    MergeDone,
    MergeUndone,
    OrderBarred,
)

ADDITIONS_KEPT = 64
"""Additions that are remembered by id: more than one shopper has under way at a time."""

CARTS_TAKEN_IN_KEPT = 64
"""Carts that are remembered because their lines are here; a cart gives its lines to one other, once."""

BARRED_ORDERS_KEPT = 16
"""Failed checkouts that are remembered by order, until no message of theirs can be under way."""


class Cart(msgspec.Struct, array_like=True, gc=False):
    """The state of a cart; its version counts its changes and is 0 until it is opened.

    `lines` are in the order in which they were first added. `added` are the ids of the newest additions, so that a
    repeated one is known; `barred` the newest orders that gave the seal back or never came to it, so that a seal of
    theirs that arrives late can't lock the cart for nobody.
    """

    cart_id: str
    version: int = 0
    updated_at: Instant = 0
    sealed_by: str = ""
    lines: dict[str, Line] = {}
    added: dict[str, None] = {}
    barred: dict[str, None] = {}
    merged_into: str = ""
    merging: bool = False
    """The other cart hasn't answered yet."""
    taken_in: dict[str, None] = {}
    """The newest carts whose lines are here."""
    wishes: CartWishes | None = None


def _apply_opened(_cart: Cart, _event: CartOpened) -> None:
    """An open cart is one with a version."""


def _apply_line_set(cart: Cart, event: LineSet) -> None:
    cart.lines[event.line.sku] = event.line
    if event.command_id:
        _remember(cart.added, event.command_id, ADDITIONS_KEPT)


def _apply_line_removed(cart: Cart, event: LineRemoved) -> None:
    del cart.lines[event.sku]


def _apply_cleared(cart: Cart, _event: CartCleared) -> None:
    cart.lines = {}


def _apply_sealed(cart: Cart, event: CartSealed) -> None:
    cart.sealed_by = event.order_id


def _apply_unsealed(cart: Cart, event: CartUnsealed) -> None:
    cart.sealed_by = ""
    _remember(cart.barred, event.order_id, BARRED_ORDERS_KEPT)


def _apply_barred(cart: Cart, event: OrderBarred) -> None:
    _remember(cart.barred, event.order_id, BARRED_ORDERS_KEPT)


def _apply_merged(cart: Cart, event: CartMerged) -> None:
    cart.merged_into = event.target
    cart.merging = True


def _apply_merge_done(cart: Cart, _event: MergeDone) -> None:
    cart.merging = False
    cart.lines = {}


def _apply_merge_undone(cart: Cart, _event: MergeUndone) -> None:
    cart.merging = False
    cart.merged_into = ""


def _apply_taken_in(cart: Cart, event: LinesTakenIn) -> None:
    for line in event.lines:
        cart.lines[line.sku] = line
    _remember(cart.taken_in, event.cart_id, CARTS_TAKEN_IN_KEPT)


def _apply_wishes(cart: Cart, event: WishesSet) -> None:
    cart.wishes = event.wishes


def _remember(ids: dict[str, None], new: str, most: int) -> None:
    ids[new] = None
    if len(ids) > most:
        del ids[next(iter(ids))]


_CHANGES: dict[type[Message], Callable[[Cart, Any], None]] = {
    CartOpened: _apply_opened,
    LineSet: _apply_line_set,
    LineRemoved: _apply_line_removed,
    CartCleared: _apply_cleared,
    CartSealed: _apply_sealed,
    CartUnsealed: _apply_unsealed,
    OrderBarred: _apply_barred,
    CartMerged: _apply_merged,
    MergeDone: _apply_merge_done,
    MergeUndone: _apply_merge_undone,
    LinesTakenIn: _apply_taken_in,
    WishesSet: _apply_wishes,
}


def apply(cart: Cart, event: CartEvent) -> None:
    """Change the cart as the event tells."""
    _CHANGES[type(event)](cart, event)
    if type(event) is not OrderBarred:
        cart.version += 1
        cart.updated_at = event.at


def view(cart: Cart) -> CartView:
    """The cart as the world sees it."""
    lines = tuple(cart.lines.values())
    return CartView(cart.cart_id, cart.version, lines, cart.sealed_by, cart.updated_at, cart.merged_into, cart.wishes)
