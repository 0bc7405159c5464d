"""The number by which people speak of an order: claimed elsewhere (`engine.order_number`), kept here."""

import msgspec

from ..kernel import Accepted, Command, Event, Instant, Outcome, Rejected, invalid
from ..reasons import Reason
from .state import Order, view

LONGEST_NUMBER = 32
"""Characters."""


class NumberOrder(Command, frozen=True):
    """This claimed number is the order's; the first one stays."""

    number: str


class OrderNumbered(Event, frozen=True):
    number: str


def decide(order: Order, command: NumberOrder, _now: Instant) -> Outcome:
    """The order with its number."""
    if not 0 < len(command.number) <= LONGEST_NUMBER:
        return invalid("number", f"have 1 to {LONGEST_NUMBER} characters")
    if order.status is None:
        return Rejected(Reason.NOT_FOUND)
    if order.number:
        return Accepted((), view(order))
    numbered = view(order)
    return Accepted((OrderNumbered(command.number),), msgspec.structs.replace(numbered, number=command.number))


def apply(order: Order, event: OrderNumbered) -> None:
    """Keep the number."""
    order.number = event.number
