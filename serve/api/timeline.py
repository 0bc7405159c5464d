"""An order's journal entries as its timeline: who did what and when, for the customer or the shop's own people."""

from collections.abc import Iterator
from typing import NamedTuple

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.kernel import Event
from engine.money import Money
from engine.order import ORDER, OrderView, events
from engine.order.aftersale.cancellation import UnitsCancelled
from engine.order.aftersale.edits import EditBegun, EditEnded, EditPaymentAsked, EditPaymentDeclined, EditPaymentMoved
from engine.order.aftersale.fulfilment import ShipmentCreated, ShipmentMoved, ShipmentTracked
from engine.order.aftersale.notes import NoteAdded
from engine.order.aftersale.records import LineUnits, ReturnedUnits
from engine.order.aftersale.refunds import PartRefunded, PartRefundRefused, RefundAsked
from engine.order.aftersale.returns import ReturnInspected, ReturnMoved, ReturnRequested, ReturnSettled
from engine.order.importing import CreditedUnits, OrderImported, ReturnImported

from ..access.principal import Kind
from ..shop import Shop
from .answers import timestamp
from .schemas.aftersale import TimelineRow

ENTRIES_AT_ONCE = 500

_decode = KindCodec(ORDER).decode_events


class Told(NamedTuple):
    """An event in words; one that is `internal` is none of the customer's business."""

    what: str
    text: str = ""
    by: str = ""
    internal: bool = False


async def timeline_of(shop: Shop, order: OrderView, *, staff: bool) -> list[TimelineRow]:
    """Everything that happened, oldest first. Entries that were trimmed from the journal are gone."""
    rows: list[TimelineRow] = []
    after = 0
    while entries := await shop.client.history("order", order.order_id, after_version=after, limit=ENTRIES_AT_ONCE):
        for entry in entries:
            rows += rows_of(order, entry, staff=staff)
        after = entries[-1].version
    return rows


def rows_of(order: OrderView, entry: Entry, *, staff: bool) -> list[TimelineRow]:
    """What one entry tells. The order is at least as new as the entry."""
    return [
        TimelineRow(at=timestamp(entry.at), what=told.what, by=_who(told.by, staff=staff), text=told.text)
        for event in _decode(entry.events)
        for told in _tell(order, event)
        if staff or not told.internal
    ]


def _who(actor: str, *, staff: bool) -> str:
    """The customer needn't know which of the shop's people it was."""
    if staff or not actor or actor == Kind.CUSTOMER:
        return actor
    return str(Kind.CUSTOMER) if actor.startswith(f"{Kind.CUSTOMER}:") else "shop"


def _tell(order: OrderView, event: Event) -> Iterator[Told]:
    yield from _tell_of_checkout(event)
    yield from _tell_of_parcels(order, event)
    yield from _tell_of_money(event)
    yield from _tell_of_returns(order, event)
    yield from _tell_of_edits(event)
    yield from _tell_of_history(order, event)


def _tell_of_checkout(event: Event) -> Iterator[Told]:
    match event:
        case events.OrderPlaced():
            yield Told("placed", by=Kind.CUSTOMER)
        case events.PaymentCaptured(payment_id=payment_id):
            yield Told("paid", payment_id)
        case events.OrderConfirmed():
            yield Told("confirmed")
        case events.OrderRejected(reason=reason):
            yield Told("rejected", str(reason))
        case events.OrderExpired():
            yield Told("expired")
        case events.OrderCancelled(note=note, by=by) | events.CancelRequested(note=note, by=by):
            yield Told("cancelled", note, by)
        case events.OrderFulfilled(by=by):
            yield Told("fulfilled", by=by)
        case events.PaymentMismatched(amount=amount):
            yield Told("payment-mismatched", _written(amount), internal=True)
        case events.PaymentVoided(returned=returned):
            yield Told("payment-voided", f"{_written(returned)} went back" if returned is not None else "")
        case events.PaymentRefunded(refund_id=reference):
            yield Told("refunded", reference)
        case events.SurplusPaymentFound(payment_id=payment_id):
            yield Told("surplus-payment", payment_id, internal=True)
        case events.SurplusRefunded(refund_id=reference):
            yield Told("surplus-refunded", reference)
        case events.UndoRefused(code=code):
            yield Told("refund-refused", code, internal=True)
        case events.LineHeld(line=line):
            yield Told("held", f"line {line}", internal=True)
        case NoteAdded(text=text, internal=internal, by=by):
            yield Told("note", text, by, internal)


def _written(amount: Money) -> str:
    return f"{amount.amount} {amount.currency}"


def _tell_of_parcels(order: OrderView, event: Event) -> Iterator[Told]:
    match event:
        case ShipmentCreated(units=units, by=by):
            yield Told("shipment-packed", _units(order, units), by)
        case ShipmentTracked(carrier=carrier, tracking_number=number, by=by):
            yield Told("shipment-tracked", f"{carrier} {number}".strip(), by)
        case ShipmentMoved(shipment_id=name, status=status, note=note, by=by):
            assert order.after is not None, "an order with a parcel has an after-sale state"
            (shipment,) = (each for each in order.after.shipments if each.shipment_id == name)
            words = (_units(order, shipment.units), shipment.carrier, shipment.tracking_number, note)
            yield Told(f"shipment-{status}", ", ".join(word for word in words if word), by)
        case UnitsCancelled(units=units, reason=reason, by=by):
            yield Told("units-cancelled", ", ".join(filter(None, (_units(order, units), reason))), by)


def _tell_of_money(event: Event) -> Iterator[Told]:
    match event:
        case RefundAsked(amount=amount, reason=reason, by=by):
            yield Told("refund-asked", f"{amount.amount} {amount.currency} (minor units) {reason}".strip(), by)
        case PartRefunded(refund_id=name, reference=reference):
            yield Told("refunded", reference or name)
        case PartRefundRefused(refund_id=name, code=code):
            yield Told("refund-refused", f"{name}: {code}", internal=True)


def _tell_of_returns(order: OrderView, event: Event) -> Iterator[Told]:
    match event:
        case ReturnRequested(units=units, note=note, by=by):
            yield Told("return-requested", ", ".join(filter(None, (_units(order, units), note))), by)
        case ReturnMoved(status=status, note=note, by=by):
            yield Told(f"return-{status}", note, by)
        case ReturnInspected(findings=findings, by=by):
            restocked = sum(each.restocked for each in findings)
            written_off = sum(each.written_off for each in findings)
            yield Told("return-inspected", f"{restocked} restocked, {written_off} written off", by)
        case ReturnSettled(status=status, credit=credit, fee=fee, by=by):
            yield Told(f"return-{status}", f"{credit} in minor units, after a fee of {fee}", by)


def _tell_of_edits(event: Event) -> Iterator[Told]:
    match event:
        case EditBegun(added=added, reason=reason, due=due, by=by):
            more = f"{due.amount} {due.currency} (minor units) more to pay" if due is not None else ""
            names = ", ".join(f"{line.quantity} x {line.sku}" for line in added)
            yield Told("edit-begun", ", ".join(filter(None, (names, more, reason))), by)
        case EditPaymentAsked(gateway=gateway, by=by):
            yield Told("edit-payment-asked", gateway, by)
        case EditPaymentMoved(payment=payment, payment_id=payment_id):
            yield Told(f"edit-payment-{payment}", payment_id, internal=True)
        case EditPaymentDeclined(code=code):
            yield Told("edit-payment-declined", code)
        case EditEnded(status=status, reason=why, by=by):
            yield Told(f"edit-{status}", str(why or ""), by)


def _tell_of_history(order: OrderView, event: Event) -> Iterator[Told]:
    match event:
        case OrderImported(source=source, reference=reference, at=at):
            yield Told("imported", f"{reference} of {source}, {timestamp(at)}")
        case ReturnImported(return_id=name, units=units, at=at):
            yield Told("return-imported", f"{_units(order, units)}, {name}, {timestamp(at)}")


def _units(order: OrderView, units: tuple[LineUnits | ReturnedUnits | CreditedUnits, ...]) -> str:
    lines = [item.line for item in order.after.items] if order.after is not None else order.lines
    return ", ".join(f"{each.quantity} x {lines[each.line].sku}" for each in units)
