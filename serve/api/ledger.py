"""A stock's journal entries as a ledger: what moved, by how much, and because of what."""

from collections.abc import Iterator

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.backorders import Backordered, BackorderFilled, BackorderReturned, BackorderSold
from engine.incoming import Dispatched, ExpectationSet
from engine.kernel import Event
from engine.stock import STOCK, Adjusted, Committed, Expired, PolicySet, Received, Released, Reserved, Returned

from .answers import timestamp
from .schemas.stock import LedgerRow

_decode = KindCodec(STOCK).decode_events


def rows_of(entry: Entry) -> Iterator[LedgerRow]:
    """The movements that one entry records."""
    at = timestamp(entry.at)
    for event in _decode(entry.events):
        if (row := _row(event, entry.version, at)) is not None:
            yield row


def _row(event: Event, version: int, at: str) -> LedgerRow | None:
    """The event as a movement; None for one that only serves the stock's own book-keeping."""

    def row(name: str, on_hand: int, reserved: int, id: str = "", reason: str = "", reference: str = "") -> LedgerRow:
        return LedgerRow(
            version=version,
            at=at,
            event=name,
            on_hand_change=on_hand,
            reserved_change=reserved,
            id=id,
            reason=reason,
            reference=reference,
        )

    match event:
        case Reserved(reservation_id=id, quantity=units):
            return row("reserved", 0, units, id)
        case Committed(reservation_id=id, quantity=units):
            return row("committed", -units, -units, id)
        case Released(reservation_id=id, quantity=units):
            return row("released", 0, -units, id)
        case Expired(reservation_id=id, quantity=units):
            return row("expired", 0, -units, id)
        case Returned(reservation_id=id, quantity=units):
            return row("returned", units, 0, id)
        case Received(receipt_id=id, quantity=units, reason=reason, reference=reference):
            return row("received", units, 0, id, reason, reference)
        case Adjusted(adjustment_id=id, delta=units, reason=reason, reference=reference):
            return row("adjusted", units, 0, id, reason, reference)
        case Dispatched(dispatch_id=id, quantity=units, reference=reference) if units:
            return row("dispatched", -units, 0, id, "transfer", reference)
        case ExpectationSet(expectation_id=id, quantity=units, at=expected_at):
            by = f" by {timestamp(expected_at)}" if expected_at and units else ""
            return row("expected", 0, 0, id, f"{units} incoming{by}")
        case Backordered(reservation_id=id, quantity=units):
            return row("backordered", 0, 0, id, f"{units} promised")
        case BackorderSold(reservation_id=id):
            return row("backorder-sold", 0, 0, id)
        case BackorderFilled(reservation_id=id, quantity=units):
            return row("backorder-filled", 0, units, id)
        case BackorderReturned(reservation_id=id, quantity=units):
            return row("backorder-returned", 0, 0, id, f"{units} not promised any more")
        case PolicySet(safety_stock=safety, customer_limit=limit, incoming=incoming):
            return row("policy-set", 0, 0, reason=f"safety stock {safety}, customer limit {limit}, incoming {incoming}")
    return None
