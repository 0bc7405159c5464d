"""Every type of public event: its name, what it means, what its data is. The names are for good."""

from collections.abc import Mapping
from typing import NamedTuple

from . import models

PREFIX = "doorbuster."
CHANNEL = "doorbuster.events"
"""The stream or topic that relays write to, unless their URL names another."""


class EventType(NamedTuple):
    """One type; `name` has its version at its end."""

    name: str
    meaning: str
    data: type

    @property
    def full_name(self) -> str:
        """As CloudEvents carry it."""
        return PREFIX + self.name

    @property
    def schema_id(self) -> str:
        """By which the schema of its data is known: the `dataschema` of the event."""
        return f"urn:{PREFIX.rstrip('.')}:{self.name}"


_TYPES = (
    EventType("order.placed.v1", "The checkout began, and the lines are known: nothing is sold yet.", models.Order),
    EventType("order.confirmed.v1", "Every line is sold and paid for.", models.Order),
    EventType("order.rejected.v1", "The checkout ended without a sale.", models.OrderEnded),
    EventType("order.expired.v1", "The payment did not come in its time.", models.Order),
    EventType("order.cancelled.v1", "The order is undone, before or after it was confirmed.", models.OrderEnded),
    EventType("order.shipped.v1", "A parcel has left.", models.OrderShipped),
    EventType("order.fulfilled.v1", "All goods have left.", models.Order),
    EventType("order.returned.v1", "Goods came back.", models.OrderReturned),
    EventType("refund.created.v1", "Money went back to the customer.", models.Refund),
    EventType(
        "stock.changed.v1",
        "Quantities changed. Of changes that follow each other quickly only the last may be told.",
        models.Stock,
    ),
    EventType("stock.low.v1", "Few units are left at a location.", models.Stock),
    EventType("stock.out.v1", "No unit is left at a location.", models.Stock),
    EventType("stock.back.v1", "There are enough units again.", models.Stock),
    EventType("product.put.v1", "A product was created or replaced.", models.Product),
    EventType("product.changed.v1", "It went on sale or off it, was restored, or its prices changed.", models.Product),
    EventType("product.removed.v1", "A product was taken out of the shop.", models.Removed),
    EventType("customer.registered.v1", "An account was opened.", models.Customer),
    EventType(
        "customer.erased.v1", "An account was erased: what you keep of the person has to go, too.", models.Customer
    ),
)
EVENT_TYPES: Mapping[str, EventType] = {each.name: each for each in _TYPES}
