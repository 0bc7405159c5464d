"""What a cart does at each command."""

from collections.abc import Callable
from typing import Any

import msgspec

from ..kernel import Accepted, Command, EffectAnswered, Event, Instant, Outcome, Rejected, invalid
from ..reasons import Reason
from ..wishes import CartWishes, KeepCoupon, KeepDelivery, KeepGiftCard, WishCommand, WishesSet, wished
from .messages import (
    AddLine,
    CartCleared,
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
from .state import Cart, view

MOST_LINES = 500

MOST_OF_ONE_SKU = 10_000
"""Units in one line. The price of a full cart still fits the 64 bits of the journal's codec."""

LONGEST_NAME = 255
"""Characters of a SKU."""

LONGEST_TITLE = 500
"""Characters."""

IDLE_MS = 30 * 86_400 * 1_000
"""A cart that nobody changed for this long has expired."""


def _open(cart: Cart, _command: OpenCart, now: Instant) -> Outcome:
    if refusal := _closed(cart, now) if cart.version else None:
        return refusal
    if cart.version:
        return Accepted((), view(cart))
    return Accepted((CartOpened(now),), CartView(cart.cart_id, 1, (), "", now))


def _add(cart: Cart, command: AddLine, now: Instant) -> Outcome:
    if refusal := _misshapen(command):
        return refusal
    if command.command_id and command.command_id in cart.added:
        # A retry adds nothing: the reply to the first was lost, or a button was pressed twice.
        return Accepted((), view(cart))
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    held = cart.lines.get(command.sku)
    quantity = command.quantity + (held.quantity if held else 0)
    if quantity > MOST_OF_ONE_SKU:
        return invalid("quantity", f"not bring the line above {MOST_OF_ONE_SKU}")
    return _set_to(cart, Line(command.sku, quantity, command.price, command.title), now, command.command_id)


def _set(cart: Cart, command: SetLine, now: Instant) -> Outcome:
    if refusal := _misshapen(command):
        return refusal
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    return _set_to(cart, Line(command.sku, command.quantity, command.price, command.title), now)


def _set_to(cart: Cart, line: Line, now: Instant, command_id: str = "") -> Outcome:
    held = cart.lines.get(line.sku)
    if held == line and not command_id:
        return Accepted((), view(cart))
    if held is None and len(cart.lines) >= MOST_LINES:
        return Rejected(Reason.CART_FULL, {"limit": MOST_LINES})
    currency = _currency_beside(cart, line.sku)
    if currency and currency != line.price.currency:
        return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted((currency, line.price.currency))})
    # No copy of the lines as they are kept: a full cart takes another line about as fast as an empty one.
    others = cart.lines.values()
    lines = (*others, line) if held is None else tuple([line if other is held else other for other in others])
    return _changed(cart, LineSet(line, now, command_id), lines, now)


def _remove(cart: Cart, command: RemoveLine, now: Instant) -> Outcome:
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    if command.sku not in cart.lines:
        return Accepted((), view(cart))
    lines = tuple([line for sku, line in cart.lines.items() if sku != command.sku])
    return _changed(cart, LineRemoved(command.sku, now), lines, now)


def _clear(cart: Cart, command: ClearCart, now: Instant) -> Outcome:
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    return _changed(cart, CartCleared(now), (), now) if cart.lines else Accepted((), view(cart))


def _reprice(cart: Cart, command: Reprice, now: Instant) -> Outcome:
    if not all(price.is_price() for price in command.prices.values()):
        return invalid("prices", "be prices in minor units and an ISO 4217 currency")
    if refusal := _unchangeable(cart, None, now):
        return refusal
    lines = dict(cart.lines)
    for sku, line in cart.lines.items():
        lines[sku] = Line(sku, line.quantity, command.prices.get(sku, line.price), line.title)
    currencies = {line.price.currency for line in lines.values()}
    if len(currencies) > 1:
        return Rejected(Reason.CURRENCY_MISMATCH, {"currencies": sorted(currencies)})
    events = tuple(LineSet(line, now) for sku, line in lines.items() if line != cart.lines[sku])
    if not events:
        return Accepted((), view(cart))
    version = cart.version + len(events)
    return Accepted(events, CartView(cart.cart_id, version, tuple(lines.values()), "", now, "", cart.wishes))


def _seal(cart: Cart, command: Seal, now: Instant) -> Outcome:
    if not command.order_id:
        return invalid("order_id", "not be empty")
    if cart.sealed_by == command.order_id:
        return Accepted((), view(cart))
    if command.order_id in cart.barred:
        return Rejected(Reason.ORDER_CANCELLED, {"order_id": command.order_id})
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    if not cart.lines:
        return Rejected(Reason.CART_EMPTY)
    lines = tuple(cart.lines.values())
    sealed = CartView(cart.cart_id, cart.version + 1, lines, command.order_id, now, "", cart.wishes)
    return Accepted((CartSealed(command.order_id, now),), sealed)


def _unseal(cart: Cart, command: Unseal, now: Instant) -> Outcome:
    if not command.order_id:
        return invalid("order_id", "not be empty")
    if command.order_id in cart.barred:
        return Accepted((), view(cart))
    if cart.version and (refusal := _closed(cart, now)):
        return refusal
    if cart.sealed_by != command.order_id:
        # Also where nobody has opened the cart yet: that may happen before the order's own seal arrives.
        return Accepted((OrderBarred(command.order_id, now),), view(cart))
    return _changed(cart, CartUnsealed(command.order_id, now), tuple(cart.lines.values()), now)


def _wish(cart: Cart, command: WishCommand, now: Instant) -> Outcome:
    if refusal := _unchangeable(cart, command.if_version, now):
        return refusal
    before = cart.wishes or CartWishes()
    wishes = wished(before, command)
    if isinstance(wishes, Rejected):
        return wishes
    if wishes == before:
        return Accepted((), view(cart))
    changed = msgspec.structs.replace(view(cart), version=cart.version + 1, updated_at=now, wishes=wishes)
    return Accepted((WishesSet(wishes, now),), changed)


def _look(cart: Cart, _command: LookCart, now: Instant) -> Outcome:
    return _closed(cart, now) or Accepted((), view(cart))


def _merge_into(cart: Cart, command: MergeInto, now: Instant) -> Outcome:
    if not 0 < len(command.target) <= LONGEST_NAME or command.target == cart.cart_id:
        return invalid("target", f"be another cart, of 1 to {LONGEST_NAME} characters")
    if cart.merged_into == command.target:
        return Accepted((), view(cart))
    if refusal := _unchangeable(cart, None, now):
        return refusal
    merged = CartView(cart.cart_id, cart.version + 1, tuple(cart.lines.values()), "", now, command.target)
    return Accepted((CartMerged(command.target, now),), merged)


def _take_in(cart: Cart, command: TakeIn, now: Instant) -> Outcome:
    if command.cart_id in cart.taken_in:
        return Accepted((), view(cart))
    if refusal := _unchangeable(cart, None, now):
        return refusal
    taken: dict[str, Line] = {}
    for line in command.lines:
        held = cart.lines.get(line.sku)
        if held is None and not _has_room_for(cart, taken, line):
            # What doesn't fit stays out: a customer who logs in must not be told that it can't be done.
            continue
        kept = held or line
        quantity = min(MOST_OF_ONE_SKU, line.quantity + (held.quantity if held else 0))
        taken[line.sku] = Line(line.sku, quantity, kept.price, kept.title)
    lines = tuple({**cart.lines, **taken}.values())
    return _changed(cart, LinesTakenIn(command.cart_id, tuple(taken.values()), now), lines, now)


def _has_room_for(cart: Cart, taken: dict[str, Line], line: Line) -> bool:
    new = sum(sku not in cart.lines for sku in taken)
    first = next(iter(cart.lines.values()), None) or next(iter(taken.values()), None)
    fits = first is None or first.price.currency == line.price.currency
    return fits and len(cart.lines) + new < MOST_LINES


def _merge_answered(cart: Cart, command: EffectAnswered, now: Instant) -> Outcome:
    if not cart.merging:
        return Accepted()
    return Accepted((MergeUndone(now) if isinstance(command.reply, Rejected) else MergeDone(now),))


def _misshapen(command: AddLine | SetLine) -> Rejected | None:
    if not 0 < len(command.sku) <= LONGEST_NAME or "@" in command.sku:
        return invalid("sku", f"have 1 to {LONGEST_NAME} characters and no @")
    if not 0 < command.quantity <= MOST_OF_ONE_SKU:
        return invalid("quantity", f"be 1 to {MOST_OF_ONE_SKU}")
    if not command.price.is_price():
        return invalid("price", "be a price in minor units and an ISO 4217 currency")
    if len(command.title) > LONGEST_TITLE:
        return invalid("title", f"have at most {LONGEST_TITLE} characters")
    return None


def _closed(cart: Cart, now: Instant) -> Rejected | None:
    """Why the cart isn't there, or not any more."""
    if not cart.version:
        return Rejected(Reason.NOT_FOUND)
    if cart.merged_into:
        return Rejected(Reason.CART_MERGED)
    if now - cart.updated_at > IDLE_MS:
        return Rejected(Reason.CART_EXPIRED)
    return None


def _unchangeable(cart: Cart, if_version: int | None, now: Instant) -> Rejected | None:
    """Why the cart can't be changed by whoever saw it at `if_version`."""
    if refusal := _closed(cart, now):
        return refusal
    if cart.sealed_by:
        return Rejected(Reason.CART_SEALED, {"order_id": cart.sealed_by})
    if if_version is not None and if_version != cart.version:
        return Rejected(Reason.VERSION_CONFLICT, {"version": cart.version})
    return None


def _currency_beside(cart: Cart, sku: str) -> str:
    """The currency of the lines other than the SKU's: they all have one."""
    for line in cart.lines.values():
        if line.sku != sku:
            return line.price.currency
    return ""


def _changed(cart: Cart, event: Event, lines: tuple[Line, ...], now: Instant) -> Accepted:
    return Accepted((event,), CartView(cart.cart_id, cart.version + 1, lines, "", now, "", cart.wishes))


_DECISIONS: dict[type[Command], Callable[[Cart, Any, Instant], Outcome]] = {
    AddLine: _add,
    SetLine: _set,
    RemoveLine: _remove,
    ClearCart: _clear,
    Reprice: _reprice,
    Seal: _seal,
    Unseal: _unseal,
    LookCart: _look,
    OpenCart: _open,
    MergeInto: _merge_into,
    TakeIn: _take_in,
    KeepCoupon: _wish,
    KeepGiftCard: _wish,
    KeepDelivery: _wish,
    EffectAnswered: _merge_answered,
}


def decide(cart: Cart, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](cart, command, now)
