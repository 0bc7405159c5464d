"""Which step may follow which: the table that decisions obey and that the diagrams in docs/orders.md are drawn from.

A step is (before, what happens, after); nothing else is ever recorded. None is before the beginning.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from ..messages import Status
from .records import EditStatus, RefundStatus, ReturnStatus, ShipmentStatus


class Transition(NamedTuple):
    before: StrEnum | None
    happens: str
    after: StrEnum


_UNDER_WAY = (Status.SEALING, Status.RESERVING, Status.AWAITING_PAYMENT, Status.COMMITTING)

ORDER: tuple[Transition, ...] = (
    Transition(None, "cart", Status.SEALING),
    Transition(None, "express purchase", Status.RESERVING),
    Transition(None, "imported", Status.FULFILLED),
    Transition(Status.SEALING, "cart taken", Status.RESERVING),
    Transition(Status.RESERVING, "all lines held", Status.AWAITING_PAYMENT),
    Transition(Status.RESERVING, "all held, nothing to pay", Status.COMMITTING),
    Transition(Status.AWAITING_PAYMENT, "paid", Status.COMMITTING),
    Transition(Status.COMMITTING, "all lines sold", Status.CONFIRMED),
    Transition(Status.SEALING, "cart refused", Status.REJECTED),
    Transition(Status.RESERVING, "a line refused", Status.REJECTED),
    Transition(Status.AWAITING_PAYMENT, "declined", Status.REJECTED),
    Transition(Status.COMMITTING, "a hold was lost", Status.REJECTED),
    Transition(Status.RESERVING, "too late", Status.EXPIRED),
    Transition(Status.AWAITING_PAYMENT, "not paid in time", Status.EXPIRED),
    *(Transition(status, "cancelled", Status.CANCELLED) for status in _UNDER_WAY),
    Transition(Status.CONFIRMED, "cancelled, whole or the last unit", Status.CANCELLED),
    Transition(Status.CONFIRMED, "some units left", Status.PARTLY_FULFILLED),
    Transition(Status.CONFIRMED, "all left", Status.FULFILLED),
    Transition(Status.CONFIRMED, "all arrived at once", Status.DELIVERED),
    Transition(Status.PARTLY_FULFILLED, "all left, or the rest is cancelled", Status.FULFILLED),
    Transition(Status.FULFILLED, "all arrived", Status.DELIVERED),
    Transition(Status.PARTLY_FULFILLED, "the rest is cancelled, all arrived", Status.DELIVERED),
    Transition(Status.FULFILLED, "a parcel came back, or a line was added", Status.PARTLY_FULFILLED),
    Transition(Status.FULFILLED, "all parcels came back", Status.CONFIRMED),
    Transition(Status.PARTLY_FULFILLED, "all parcels came back", Status.CONFIRMED),
    Transition(Status.DELIVERED, "a line was added", Status.PARTLY_FULFILLED),
)
"""From `confirmed` on the status is read from where the units are: see `state.status_of`."""

SHIPMENT: tuple[Transition, ...] = (
    Transition(None, "packed", ShipmentStatus.CREATED),
    Transition(None, "everything leaves at once", ShipmentStatus.SHIPPED),
    Transition(ShipmentStatus.CREATED, "handed over", ShipmentStatus.SHIPPED),
    Transition(ShipmentStatus.CREATED, "arrived", ShipmentStatus.DELIVERED),
    Transition(ShipmentStatus.CREATED, "given up", ShipmentStatus.FAILED),
    Transition(ShipmentStatus.SHIPPED, "arrived", ShipmentStatus.DELIVERED),
    Transition(ShipmentStatus.SHIPPED, "lost", ShipmentStatus.FAILED),
    Transition(ShipmentStatus.SHIPPED, "came back", ShipmentStatus.RETURNED_TO_SENDER),
)

RETURN: tuple[Transition, ...] = (
    Transition(None, "asked for", ReturnStatus.REQUESTED),
    Transition(ReturnStatus.REQUESTED, "granted", ReturnStatus.AUTHORIZED),
    Transition(ReturnStatus.REQUESTED, "refused", ReturnStatus.REFUSED),
    Transition(ReturnStatus.REQUESTED, "withdrawn", ReturnStatus.WITHDRAWN),
    Transition(ReturnStatus.AUTHORIZED, "withdrawn", ReturnStatus.WITHDRAWN),
    Transition(ReturnStatus.AUTHORIZED, "arrived", ReturnStatus.RECEIVED),
    Transition(ReturnStatus.RECEIVED, "looked at", ReturnStatus.INSPECTED),
    Transition(ReturnStatus.INSPECTED, "paid back", ReturnStatus.REFUNDED),
    Transition(ReturnStatus.INSPECTED, "exchanged", ReturnStatus.EXCHANGED),
)

REFUND: tuple[Transition, ...] = (
    Transition(None, "asked of the provider", RefundStatus.ASKED),
    Transition(RefundStatus.ASKED, "given back", RefundStatus.DONE),
    Transition(RefundStatus.ASKED, "declined", RefundStatus.REFUSED),
)

EDIT: tuple[Transition, ...] = (
    Transition(None, "lines are added", EditStatus.RESERVING),
    Transition(None, "units are only taken out", EditStatus.DONE),
    Transition(EditStatus.RESERVING, "held, more to pay", EditStatus.AWAITING_PAYMENT),
    Transition(EditStatus.RESERVING, "held, nothing more to pay", EditStatus.COMMITTING),
    Transition(EditStatus.RESERVING, "a line refused", EditStatus.REFUSED),
    Transition(EditStatus.AWAITING_PAYMENT, "paid", EditStatus.COMMITTING),
    Transition(EditStatus.AWAITING_PAYMENT, "not paid in time", EditStatus.EXPIRED),
    Transition(EditStatus.AWAITING_PAYMENT, "paid another amount", EditStatus.REFUSED),
    Transition(EditStatus.RESERVING, "withdrawn", EditStatus.WITHDRAWN),
    Transition(EditStatus.AWAITING_PAYMENT, "withdrawn", EditStatus.WITHDRAWN),
    Transition(EditStatus.COMMITTING, "all lines sold", EditStatus.DONE),
    Transition(EditStatus.COMMITTING, "a hold was lost", EditStatus.REFUSED),
)

MACHINES: dict[str, tuple[Transition, ...]] = {
    "order": ORDER,
    "shipment": SHIPMENT,
    "return": RETURN,
    "refund": REFUND,
    "edit": EDIT,
}


def may_follow(table: Iterable[Transition], before: StrEnum | None, after: StrEnum) -> bool:
    """Whether the table has a step from `before` to `after`."""
    return any(step.before == before and step.after == after for step in table)
