"""A gift card's or store credit's journal entries as a ledger."""

from collections.abc import Iterator

from actors.codec import KindCodec
from actors.journals.port import Entry
from engine.gift_card import GIFT_CARD, CardIssued, CardSet, ToppedUp
from engine.kernel import Event
from engine.reservation import Committed, Expired, Released, Reserved, Returned

from .answers import timestamp
from .schemas.vouchers import LedgerEntry

_decode = KindCodec(GIFT_CARD).decode_events


def movements_of(entry: Entry) -> Iterator[LedgerEntry]:
    """The movements that one entry records."""
    for event in _decode(entry.events):
        if (row := _row(event)) is not None:
            name, balance, reserved, row_id, note = row
            yield LedgerEntry(
                version=entry.version,
                at=timestamp(entry.at),
                event=name,
                balance_change=balance,
                reserved_change=reserved,
                id=row_id,
                note=note,
            )


def _row(event: Event) -> tuple[str, int, int, str, str] | None:
    match event:
        case CardIssued(amount=amount, note=note):
            return ("issued", amount.amount, 0, "", note)
        case ToppedUp(top_up_id=name, amount=amount, note=note):
            return ("topped-up", amount.amount, 0, name, note)
        case CardSet(blocked=blocked, note=note):
            return ("blocked" if blocked else "open", 0, 0, "", note)
        case Reserved(reservation_id=name, quantity=amount):
            return ("reserved", 0, amount, name, "")
        case Committed(reservation_id=name, quantity=amount):
            return ("spent", -amount, -amount, name, "")
        case Released(reservation_id=name, quantity=amount):
            return ("released", 0, -amount, name, "")
        case Expired(reservation_id=name, quantity=amount):
            return ("expired", 0, -amount, name, "")
        case Returned(reservation_id=name, quantity=amount):
            return ("returned", amount, 0, name, "")
    return None
