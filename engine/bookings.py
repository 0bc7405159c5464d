"""Goods on their way into a stock: what a transfer or a purchase order still has to book, by the id of the booking.

A booking is wanted until the stock has answered it; the stock takes one id once, so repeating it is harmless.
"""

from collections.abc import Iterator, Mapping

import msgspec

from .kernel import Send
from .stock import Receive, stock_key


class Booking(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units that arrived somewhere; `cost` is for all of them, in minor units of `currency` (none: unknown)."""

    sku: str
    location: str
    quantity: int
    cost: int = 0
    currency: str = ""


def booking_effects(pending: Mapping[str, Booking], reason: str, reference: str) -> Iterator[Send]:
    """The commands that book what is pending; each effect is called like its booking."""
    for booking_id, each in pending.items():
        receive = Receive(booking_id, each.quantity, reason, reference, each.cost, each.currency)
        yield Send(booking_id, "stock", stock_key(each.sku, each.location), receive)
