"""Shipments: which units left, in which parcel, and how far it has come.

An order may leave in parts. A unit is in one shipment at a time; one that came back, or never left, can be shipped
again, one that was lost can't.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ...kernel import Command, Event, Instant, Rejected
from ...reasons import Reason
from ..changes import forget_address
from ..messages import Status
from ..state import Order
from .records import LineUnits, Shipment, ShipmentStatus
from .state import AfterSale, begun, misnamed, not_kept, status_of, too_long, too_many, unavailable_units
from .transitions import SHIPMENT, may_follow

MOST_SHIPMENTS = 100


class CreateShipment(Command, frozen=True):
    """Pack these units. The same `shipment_id` again changes nothing."""

    shipment_id: str
    units: tuple[LineUnits, ...]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    by: str = ""


class TrackShipment(Command, frozen=True):
    """Correct the carrier and how the parcel is tracked."""

    shipment_id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    by: str = ""


class MoveShipment(Command, frozen=True):
    """The parcel has come this far."""

    shipment_id: str
    status: ShipmentStatus
    note: str = ""
    by: str = ""


class ShipmentCreated(Event, frozen=True):
    shipment_id: str
    units: tuple[LineUnits, ...]
    carrier: str
    tracking_number: str
    tracking_url: str
    by: str
    at: Instant


class ShipmentTracked(Event, frozen=True):
    shipment_id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    by: str
    at: Instant


class ShipmentMoved(Event, frozen=True):
    shipment_id: str
    status: ShipmentStatus
    note: str
    by: str
    at: Instant


Decided = tuple[Event, ...] | Rejected


def _misshapen(command: CreateShipment | TrackShipment) -> Rejected | None:
    return misnamed(
        shipment_id=command.shipment_id,
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        by=command.by,
    ) or too_long(tracking_url=command.tracking_url)


def _create(order: Order, after: AfterSale, command: CreateShipment, now: Instant) -> Decided:
    if refusal := _misshapen(command):
        return refusal
    if known := after.shipments.get(command.shipment_id):
        return () if known.units == command.units else Rejected(Reason.KEY_REUSED)
    if refusal := not_kept(order) or unavailable_units(after, command.units, "open"):
        return refusal
    if len(after.shipments) >= MOST_SHIPMENTS:
        return too_many("shipments", MOST_SHIPMENTS)
    created = ShipmentCreated(
        command.shipment_id,
        command.units,
        command.carrier,
        command.tracking_number,
        command.tracking_url,
        command.by,
        now,
    )
    return (created,)


def _track(_order: Order, after: AfterSale, command: TrackShipment, now: Instant) -> Decided:
    if refusal := _misshapen(command):
        return refusal
    if (shipment := after.shipments.get(command.shipment_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    wanted = (command.carrier, command.tracking_number, command.tracking_url)
    if (shipment.carrier, shipment.tracking_number, shipment.tracking_url) == wanted:
        return ()
    return (ShipmentTracked(command.shipment_id, *wanted, command.by, now),)


def _move(_order: Order, after: AfterSale, command: MoveShipment, now: Instant) -> Decided:
    if refusal := misnamed(shipment_id=command.shipment_id, note=command.note, by=command.by):
        return refusal
    if (shipment := after.shipments.get(command.shipment_id)) is None:
        return Rejected(Reason.NOT_FOUND)
    if shipment.status is command.status:
        return ()
    if not may_follow(SHIPMENT, shipment.status, command.status):
        return Rejected(Reason.STEP_NOT_ALLOWED, {"from": str(shipment.status), "to": str(command.status)})
    if (
        shipment.status is ShipmentStatus.SHIPPED
        and command.status is not ShipmentStatus.DELIVERED
        and _in_returns(after, shipment)
    ):
        # Its units can't both never have arrived and come back: the return is withdrawn or refused first.
        details = {"from": str(shipment.status), "to": str(command.status), "because": "returns were asked for"}
        return Rejected(Reason.STEP_NOT_ALLOWED, details)
    return (ShipmentMoved(command.shipment_id, command.status, command.note, command.by, now),)


def _in_returns(after: AfterSale, shipment: Shipment) -> bool:
    """Whether somebody has asked to return what would never have arrived."""
    return any(after.items[each.line].returnable < each.quantity for each in shipment.units)


def ship_the_rest(after: AfterSale, by: str, now: Instant) -> tuple[Event, ...]:
    """Everything that is open leaves, in one parcel, together with those that are packed."""
    units = tuple(LineUnits(line, item.open) for line, item in enumerate(after.items) if item.open > 0)
    packed = [each.shipment_id for each in after.shipments.values() if each.status is ShipmentStatus.CREATED]
    events: list[Event] = []
    if units:
        rest = f"rest-{len(after.shipments) + 1}"
        events.append(ShipmentCreated(rest, units, "", "", "", by, now))
        packed.append(rest)
    return (*events, *(ShipmentMoved(name, ShipmentStatus.SHIPPED, "", by, now) for name in packed))


def _apply_created(order: Order, event: ShipmentCreated) -> None:
    after = begun(order)
    after.shipments[event.shipment_id] = Shipment(
        event.shipment_id,
        event.units,
        ShipmentStatus.CREATED,
        event.carrier,
        event.tracking_number,
        event.tracking_url,
        event.at,
        event.at,
    )
    for each in event.units:
        after.change_item(each.line, packed=each.quantity)


def _apply_tracked(order: Order, event: ShipmentTracked) -> None:
    after = begun(order)
    after.shipments[event.shipment_id] = msgspec.structs.replace(
        after.shipments[event.shipment_id],
        carrier=event.carrier,
        tracking_number=event.tracking_number,
        tracking_url=event.tracking_url,
        changed_at=event.at,
    )


def _apply_moved(order: Order, event: ShipmentMoved) -> None:
    after = begun(order)
    shipment = after.shipments[event.shipment_id]
    for each in shipment.units:
        for counter in _COUNTED[shipment.status]:
            after.change_item(each.line, **{counter: -each.quantity})
        lost = event.status is ShipmentStatus.FAILED and shipment.status is ShipmentStatus.SHIPPED
        for counter in ("lost",) if lost else _COUNTED[event.status]:
            after.change_item(each.line, **{counter: each.quantity})
    after.shipments[event.shipment_id] = msgspec.structs.replace(shipment, status=event.status, changed_at=event.at)
    if not order.email and status_of(order) in (Status.FULFILLED, Status.DELIVERED):
        # Somebody who asked to be forgotten was only remembered until the parcels had left.
        forget_address(order)


_COUNTED: dict[ShipmentStatus, tuple[str, ...]] = {
    ShipmentStatus.CREATED: ("packed",),
    ShipmentStatus.SHIPPED: ("shipped",),
    ShipmentStatus.DELIVERED: ("shipped", "delivered"),
    ShipmentStatus.FAILED: (),
    ShipmentStatus.RETURNED_TO_SENDER: (),
}
"""The counters of an item in which a shipment's units stand."""

DECISIONS: dict[type[Command], Callable[[Order, AfterSale, Any, Instant], Decided]] = {
    CreateShipment: _create,
    TrackShipment: _track,
    MoveShipment: _move,
}
CHANGES: dict[type[Event], Callable[[Order, Any], None]] = {
    ShipmentCreated: _apply_created,
    ShipmentTracked: _apply_tracked,
    ShipmentMoved: _apply_moved,
}
