"""What the outside is told of what the journal records: a small public set of events, and nothing of the inside.

This is the one place where entry types meet public names; the names and the members of `data` are for good.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.kernel import Event
from engine.order import ORDER, OrderView
from engine.order.aftersale.fulfilment import ShipmentMoved
from engine.order.aftersale.records import ShipmentStatus
from engine.order.aftersale.refunds import PartRefunded
from engine.order.events import OrderCancelled, OrderConfirmed, OrderFulfilled, PaymentRefunded
from engine.stock import StockView

EVENT_TYPES: Mapping[str, str] = {
    "order.confirmed": "Every line is sold and paid for.",
    "order.shipped": "A parcel has left.",
    "order.fulfilled": "All goods have left.",
    "order.cancelled": "The order is undone.",
    "refund.created": "Money went back to the customer, whole or in part.",
    "product.updated": "A product was put, changed or taken away.",
    "stock.low": "Few units of a SKU are left at a location.",
    "stock.out": "No unit of a SKU is left at a location.",
    "stock.back": "There are units again.",
    "webhook.test": "Somebody wanted to see whether it arrives.",
}

_decode_order = KindCodec(ORDER).decode_events

_ORDER_MARKS = (
    b"OrderConfirmed",
    b"OrderFulfilled",
    b"OrderCancelled",
    b"PaymentRefunded",
    b"PartRefunded",
    b"ShipmentMoved",
)
"""Entry types as they stand in the bytes: most entries of an order have none, and are never decoded."""


class PublicEvent(NamedTuple):
    """One thing that happened; `id` is made from the entry, so reading it again makes the same one."""

    id: str
    type: str
    at: int
    key: str
    facts: Mapping[str, Any]


def order_events(entry: Entry) -> Iterator[PublicEvent]:
    """What an order's entry tells the outside."""
    if not any(mark in entry.events for mark in _ORDER_MARKS):
        return
    for index, event in enumerate(_decode_order(entry.events)):
        if (told := _told(event)) is not None:
            yield PublicEvent(f"order:{entry.key}:{entry.version}:{index}", told[0], entry.at, entry.key, told[1])


def _told(event: Event) -> tuple[str, Mapping[str, Any]] | None:
    match event:
        case OrderConfirmed():
            return "order.confirmed", {}
        case OrderFulfilled():
            return "order.fulfilled", {}
        case OrderCancelled(note=note):
            return "order.cancelled", {"reason": note}
        case ShipmentMoved(shipment_id=shipment, status=ShipmentStatus.SHIPPED):
            return "order.shipped", {"shipment_id": shipment}
        case PaymentRefunded(refund_id=refund):
            return "refund.created", {"refund_id": refund}
        case PartRefunded(refund_id=refund):
            return "refund.created", {"refund_id": refund}
    return None


def product_event(entry: Entry) -> PublicEvent:
    """A product changed."""
    return PublicEvent(f"product:{entry.key}:{entry.version}", "product.updated", entry.at, entry.key, {})


def stock_level(view: StockView, low_units: int) -> str:
    """`out`, `low` or `back`: there are enough."""
    if view.available <= 0:
        return "out"
    return "low" if view.available <= low_units else "back"


def order_data(order: OrderView, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The public data of an order's event: no address, no payment."""
    total = order.total
    return {
        "order_id": order.order_id,
        "status": str(order.status),
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines],
        "total": None if total is None else {"amount": total.amount, "currency": total.currency},
        **facts,
    }
