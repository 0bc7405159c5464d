"""Orders that another system sold, with their own dates, and what came back of them: history, not trade.

Nothing is reserved, paid, mailed or put on a shelf: an imported order is fulfilled from its first event on, and what
came back of it is told by whoever knows. Of its own accord nobody can change it here, only write notes.
"""

from collections.abc import Callable
from typing import Any

from ..address import DeliveryAddress
from ..cart import Line
from ..history import LONGEST_TEXT, Imported, misdated_import, misnamed_import
from ..kernel import Accepted, Command, Event, Instant, Message, Outcome, Rejected, invalid
from ..money import MOST_TOTAL, Money
from ..pricing import Quote, QuotedLine, QuotedShipping
from ..reasons import Reason
from ..reservation import MOST_UNITS
from .aftersale.records import Finding, Return, ReturnedUnits, ReturnReason, ReturnStatus
from .aftersale.state import after_of, begun, misnamed, too_many
from .messages import Settlement, Status
from .state import Order, Payment, total_of

MOST_IMPORTED_LINES = 1_500
"""Wholesale invoices are longer than any cart; one of these still is one entry of the journal."""
MOST_IMPORTED_RETURNS = 500
SHIPPING = "Shipping"
"""What the charge for bringing the goods is called: other systems don't say by which method they came."""


class ImportOrder(Command, frozen=True):
    """This was sold by `source` under its own `reference` at `placed_at`; again: no change.

    `fingerprint` is of the content: the same order with another content is refused. A SKU may have several lines, one
    for each price. `shipping` is what bringing it cost, in minor units of `currency`.
    """

    source: str
    reference: str
    fingerprint: str
    placed_at: Instant
    currency: str
    lines: tuple[Line, ...]
    shipping: int = 0
    customer: str = ""
    email: str = ""
    address: DeliveryAddress | None = None


class CreditedUnits(Message, frozen=True):
    """Units of the line with this index came back, for which `amount` (minor units) was given back."""

    line: int
    quantity: int
    amount: int


class ImportReturn(Command, frozen=True):
    """To an imported order: these came back at `returned_at`. The same `return_id` again changes nothing."""

    return_id: str
    returned_at: Instant
    units: tuple[CreditedUnits, ...]


class OrderImported(Event, frozen=True):
    """The order as it was sold elsewhere: `at` is when that was."""

    source: str
    reference: str
    fingerprint: str
    at: Instant
    total: Money
    lines: tuple[Line, ...]
    shipping: int
    customer: str
    email: str
    address: DeliveryAddress | None


class ReturnImported(Event, frozen=True):
    """Units came back `at` that time, and this was given back for them."""

    return_id: str
    at: Instant
    units: tuple[CreditedUnits, ...]


ImportCommand = ImportOrder | ImportReturn
ImportEvent = OrderImported | ReturnImported


def _import_order(order: Order, command: ImportOrder, now: Instant) -> Outcome:
    if refusal := _misshapen(command, now) or _mispriced(command):
        return refusal
    if order.status is not None:
        # Once it is anonymous nobody knows any more what it was imported from.
        if order.source != command.source or order.fingerprint not in ("", command.fingerprint):
            return Rejected(Reason.KEY_REUSED)
        return Accepted((), Imported(False))
    goods = total_of(command.lines).amount if command.lines else 0
    imported = OrderImported(
        command.source,
        command.reference,
        command.fingerprint,
        command.placed_at,
        Money(goods + command.shipping, command.currency),
        command.lines,
        command.shipping,
        command.customer,
        command.email,
        command.address,
    )
    return Accepted((imported,), Imported(True))


def _misshapen(command: ImportOrder, now: Instant) -> Rejected | None:
    names = misnamed_import(command.source, command.reference, command.fingerprint, command.customer)
    if refusal := names or misdated_import(command.placed_at, command.currency, now):
        return refusal
    if len(command.email) > LONGEST_TEXT:
        return invalid("email", f"have at most {LONGEST_TEXT} characters")
    if len(command.lines) > MOST_IMPORTED_LINES or not (command.lines or command.shipping):
        return invalid("lines", f"be 1 to {MOST_IMPORTED_LINES}, or none where there is shipping")
    return None


def _mispriced(command: ImportOrder) -> Rejected | None:
    if not 0 <= command.shipping <= MOST_TOTAL:
        return invalid("shipping", f"be 0 to {MOST_TOTAL} minor units")
    amount = command.shipping
    for line in command.lines:
        if not 0 < len(line.sku) <= LONGEST_TEXT or "@" in line.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters and no @")
        if not 0 < line.quantity <= MOST_UNITS:
            return invalid("quantity", f"be 1 to {MOST_UNITS}")
        if not line.price.is_price() or line.price.currency != command.currency:
            return invalid("price", "be a price in minor units of the order's currency")
        amount += line.price.amount * line.quantity
    return invalid("lines", f"cost at most {MOST_TOTAL} minor units together") if amount > MOST_TOTAL else None


def _import_return(order: Order, command: ImportReturn, now: Instant) -> Outcome:
    if refusal := misnamed(return_id=command.return_id):
        return refusal
    if order.status is None or not order.source:
        return Rejected(Reason.NOT_FOUND)
    known = after_of(order).returns.get(command.return_id)
    if known is not None:
        return Accepted((), Imported(False)) if _is_same(known, command) else Rejected(Reason.KEY_REUSED)
    if refusal := _misreturned(order, command, now):
        return refusal
    return Accepted((ReturnImported(command.return_id, command.returned_at, command.units),), Imported(True))


def _is_same(known: Return, command: ImportReturn) -> bool:
    units = tuple((each.line, each.quantity) for each in known.units)
    same = units == tuple((each.line, each.quantity) for each in command.units)
    return same and known.credit == sum(each.amount for each in command.units)


def _misreturned(order: Order, command: ImportReturn, now: Instant) -> Rejected | None:
    after = after_of(order)
    if not order.placed_at <= command.returned_at <= now:
        return invalid("returned_at", "not be before the order, nor in the future")
    if len(after.returns) >= MOST_IMPORTED_RETURNS:
        return too_many("returns", MOST_IMPORTED_RETURNS)
    named = {each.line for each in command.units}
    if not named or len(named) != len(command.units) or not named <= set(range(len(after.items))):
        return invalid("units", "name lines of the order, at least one and each once")
    for each in command.units:
        item = after.items[each.line]
        if not 0 <= each.amount <= MOST_TOTAL:
            return invalid("amount", f"be 0 to {MOST_TOTAL} minor units")
        if not 0 < each.quantity <= item.returnable:
            details = {"sku": item.line.sku, "requested": each.quantity, "available": item.returnable}
            return Rejected(Reason.UNITS_UNAVAILABLE, {"lines": [details]})
    return None


def _apply_order(order: Order, event: OrderImported) -> None:
    order.source = event.source
    order.number = event.reference
    order.fingerprint = event.fingerprint
    order.status = Status.FULFILLED
    order.settlement = Settlement(Status.CONFIRMED, event.at)
    order.placed_at = event.at
    order.lines = event.lines
    order.total = event.total
    order.payment = Payment.ELSEWHERE
    order.customer = event.customer
    order.email = event.email
    order.address = event.address
    if event.shipping:
        order.quote = _quote_of(event)


def _quote_of(event: OrderImported) -> Quote:
    """How the total comes about: the lines at their prices, and the shipping."""
    lines = tuple(
        QuotedLine(line.sku, line.quantity, line.price.amount, line.price.amount * line.quantity)
        for line in event.lines
    )
    shipping = QuotedShipping("", SHIPPING, event.shipping, event.shipping)
    return Quote(event.total.currency, lines, event.total.amount, shipping, at=event.at)


def _apply_return(order: Order, event: ReturnImported) -> None:
    after = begun(order)
    after.returns[event.return_id] = Return(
        event.return_id,
        len(after.returns) + 1,
        tuple(ReturnedUnits(each.line, each.quantity, ReturnReason.OTHER) for each in event.units),
        ReturnStatus.REFUNDED,
        "",
        "",
        # None of them goes to this shop's shelves.
        tuple(Finding(each.line, 0, each.quantity) for each in event.units),
        sum(each.amount for each in event.units),
        0,
        event.at,
        event.at,
    )
    for each in event.units:
        item = after.items[each.line]
        # What was given back for it may be more than this line had cost: other systems know other prices by then.
        refunded = min(each.amount, item.paid - item.refunded)
        after.change_item(each.line, returning=each.quantity, credited=each.quantity, refunded=refunded)


DECISIONS: dict[type[Command], Callable[[Order, Any, Instant], Outcome]] = {
    ImportOrder: _import_order,
    ImportReturn: _import_return,
}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    OrderImported: _apply_order,
    ReturnImported: _apply_return,
}
