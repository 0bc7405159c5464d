"""What an order's entries tell the outside."""

from collections.abc import Iterator
from typing import Any

from actors.feed.fold import Folded
from engine.kernel import Event
from engine.order import OrderView
from engine.order.aftersale.fulfilment import ShipmentMoved
from engine.order.aftersale.records import Return, ReturnStatus, Shipment, ShipmentStatus
from engine.order.aftersale.refunds import PartRefunded
from engine.order.aftersale.returns import ReturnMoved
from engine.order.events import (
    CartTaken,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderFulfilled,
    OrderPlaced,
    OrderRejected,
    PaymentRefunded,
)
from engine.order.ownership import ACCOUNT_PREFIX
from engine.order.state import view

from ...instants import timestamp
from . import models
from .envelope import Told


def order_told(folded: Folded) -> Iterator[Told]:
    """Apply the entry's events, and tell of those that the outside is told of."""
    for index, event in enumerate(folded.events):
        folded.apply(event)
        if (teller := _TELLERS.get(type(event))) and (told := teller(event, view(folded.state))):
            yield index, *told


def _placed(event: OrderPlaced, order: OrderView) -> tuple[str, Any] | None:
    # A cart tells its lines a moment later, by `CartTaken`.
    return ("order.placed.v1", _order(order)) if event.lines else None


def _cart_taken(_event: CartTaken, order: OrderView) -> tuple[str, Any]:
    return "order.placed.v1", _order(order)


def _confirmed(_event: OrderConfirmed, order: OrderView) -> tuple[str, Any]:
    return "order.confirmed.v1", _order(order)


def _rejected(event: OrderRejected, order: OrderView) -> tuple[str, Any]:
    return "order.rejected.v1", _ended(order, str(event.reason))


def _expired(_event: OrderExpired, order: OrderView) -> tuple[str, Any]:
    return "order.expired.v1", _order(order)


def _cancelled(_event: OrderCancelled, order: OrderView) -> tuple[str, Any]:
    # The note may be a person's own words: they stay here.
    return "order.cancelled.v1", _ended(order, "cancelled")


def _fulfilled(_event: OrderFulfilled, order: OrderView) -> tuple[str, Any]:
    return "order.fulfilled.v1", _order(order)


def _shipped(event: ShipmentMoved, order: OrderView) -> tuple[str, Any] | None:
    if event.status is not ShipmentStatus.SHIPPED or order.after is None:
        return None
    shipment: Shipment = next(each for each in order.after.shipments if each.shipment_id == event.shipment_id)
    items = [models.Item(order.after.items[units.line].line.sku, units.quantity) for units in shipment.units]
    data = models.OrderShipped(*_named(order), shipment.shipment_id, shipment.carrier, shipment.tracking_number, items)
    return "order.shipped.v1", data


def _returned(event: ReturnMoved, order: OrderView) -> tuple[str, Any] | None:
    if event.status is not ReturnStatus.RECEIVED or order.after is None:
        return None
    found: Return = next(each for each in order.after.returns if each.return_id == event.return_id)
    items = [
        models.ReturnedItem(order.after.items[units.line].line.sku, units.quantity, str(units.reason))
        for units in found.units
    ]
    return "order.returned.v1", models.OrderReturned(*_named(order), found.return_id, items)


def _refunded_in_part(event: PartRefunded, order: OrderView) -> tuple[str, Any] | None:
    refunds = order.after.refunds if order.after is not None else ()
    amount = next((each.amount for each in refunds if each.refund_id == event.refund_id), None)
    if amount is None:
        return None
    money = models.Money(amount.amount, amount.currency)
    return "refund.created.v1", models.Refund(*_named(order), event.refund_id, money)


def _refunded(event: PaymentRefunded, order: OrderView) -> tuple[str, Any] | None:
    if (due := order.due) is None:
        return None
    money = models.Money(due.amount, due.currency)
    return "refund.created.v1", models.Refund(*_named(order), event.refund_id, money)


_TELLERS: dict[type[Event], Any] = {
    OrderPlaced: _placed,
    CartTaken: _cart_taken,
    OrderConfirmed: _confirmed,
    OrderRejected: _rejected,
    OrderExpired: _expired,
    OrderCancelled: _cancelled,
    OrderFulfilled: _fulfilled,
    ShipmentMoved: _shipped,
    ReturnMoved: _returned,
    PartRefunded: _refunded_in_part,
    PaymentRefunded: _refunded,
}


def _named(order: OrderView) -> tuple[str, str, str | None]:
    # A guest is counted by something made from an address: that is nobody's business.
    customer = order.customer if order.customer.startswith(ACCOUNT_PREFIX) else None
    return order.order_id, order.number, customer


def _order(order: OrderView) -> models.Order:
    return models.Order(**_fields(order))


def _ended(order: OrderView, reason: str) -> models.OrderEnded:
    return models.OrderEnded(**_fields(order), reason=reason)


def _fields(order: OrderView) -> dict[str, Any]:
    lines = [
        models.Line(line.sku, line.quantity, models.Money(line.price.amount, line.price.currency))
        for line in order.lines
    ]
    total = order.total
    order_id, number, customer = _named(order)
    return {
        "order_id": order_id,
        "number": number,
        "status": str(order.status),
        "customer_id": customer,
        "country": order.address.country if order.address is not None else "",
        "placed_at": timestamp(order.placed_at),
        "lines": lines,
        "total": models.Money(total.amount, total.currency) if total is not None else None,
    }
