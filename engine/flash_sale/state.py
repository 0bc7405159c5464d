"""How far a flash sale has come, and how events change that."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import msgspec

from .. import holds, waiting_room
from ..holds import Holds
from ..kernel import Event, Instant
from ..reservation import Committed, Expired, NextExpiryFound, Released, Reserved, Returned, count_back
from ..waiting_room import CallsLapsed, LineOpened, PlacesCalled, PlaceTaken, WaitingRoom
from .messages import OVER, LineMode, Phase, SalePhaseBegan, SalePinned, SaleScheduled, SaleUnpinned, SaleView, Terms


class FlashSale(msgspec.Struct, array_like=True, gc=False):
    """The state of a sale; `terms` is None until it is scheduled."""

    key: str
    revision: int = 0
    phase: Phase = Phase.SCHEDULED
    phase_at: Instant = 0
    terms: Terms | None = None
    seed: str = ""
    commitment: str = ""
    pinned: bool = False
    sold: int = 0
    holds: Holds = msgspec.field(default_factory=Holds)
    bought: dict[str, int] = {}
    """Units held and sold by customer, while there is a limit; not more entries than units."""
    version: int = 0
    """Counts events."""
    room: WaitingRoom = msgspec.field(default_factory=WaitingRoom)

    @property
    def free(self) -> int:
        return 0 if self.terms is None else self.terms.allotment - self.holds.reserved - self.sold

    @property
    def line_open(self) -> bool:
        return self.room.opened_at > 0


_NEXT = {
    Phase.SCHEDULED: ("announce_at", Phase.ANNOUNCED),
    Phase.ANNOUNCED: ("warm_at", Phase.WARMED),
    Phase.WARMED: ("starts_at", Phase.STARTED),
    Phase.STARTED: ("ends_at", Phase.ENDED),
}


def steps_ahead(sale: FlashSale) -> Iterator[tuple[Instant, Phase]]:
    """The phases to come, each with its instant."""
    phase = sale.phase
    while sale.terms is not None and phase in _NEXT:
        field, phase = _NEXT[phase]
        yield getattr(sale.terms, field), phase


def steps_due(sale: FlashSale, now: Instant) -> tuple[Event, ...]:
    return tuple(SalePhaseBegan(phase, now) for at, phase in steps_ahead(sale) if at <= now)


def phase_at(sale: FlashSale, now: Instant) -> Phase:
    """The phase by the clock: the reminder that records it may be late."""
    phase = sale.phase
    for at, following in steps_ahead(sale):
        if at <= now:
            phase = following
    return phase


def _apply_scheduled(sale: FlashSale, event: SaleScheduled) -> None:
    sale.terms = event.terms
    sale.seed = event.seed
    sale.commitment = sha256(event.seed.encode()).hexdigest()
    sale.revision += 1
    sale.phase_at = sale.phase_at or event.at
    if sale.phase in (Phase.ANNOUNCED, Phase.WARMED):
        _open_line(sale, event.at)


def _apply_phase(sale: FlashSale, event: SalePhaseBegan) -> None:
    sale.phase, sale.phase_at = event.phase, event.at
    room = sale.room
    if event.phase is Phase.ANNOUNCED:
        _open_line(sale, event.at)
    elif event.phase is Phase.STARTED:
        room.early = room.joined
    elif event.phase in OVER:
        # Nobody is called any more: only how many there were is worth keeping.
        room.numbers, room.addresses, room.unused, room.next_lapse = {}, {}, {}, 0


def _open_line(sale: FlashSale, at: Instant) -> None:
    """Open it where everybody has to stand in line; one that people stand in stays open."""
    assert sale.terms is not None, "only a scheduled sale is announced"
    if sale.terms.line is LineMode.ALWAYS:
        sale.room.opened_at = sale.room.opened_at or at
    elif not sale.room.joined:
        sale.room.opened_at = 0


def _apply_reserved(sale: FlashSale, event: Reserved) -> None:
    holds.apply(sale.holds, event)
    if sale.terms is not None and sale.terms.customer_limit and event.customer:
        sale.bought[event.customer] = sale.bought.get(event.customer, 0) + event.quantity
    if sale.line_open:
        number = waiting_room.number_in(sale.room, sale.seed, event.customer)
        assert number is not None, "only who has a place buys while the line is open"
        waiting_room.use(sale.room, event.reservation_id, waiting_room.place_of(number, sale.room.early, sale.seed))


def _apply_committed(sale: FlashSale, event: Committed) -> None:
    holds.apply(sale.holds, event)
    sale.sold += event.quantity
    sale.room.in_use.pop(event.reservation_id, None)


def _apply_undone(sale: FlashSale, event: Released | Expired) -> None:
    if hold := holds.apply(sale.holds, event):
        count_back(sale.bought, hold.customer, hold.quantity)
    if sale.phase is Phase.STARTED:
        waiting_room.give_back(sale.room, event.reservation_id, event.at)


def _apply_returned(sale: FlashSale, event: Returned) -> None:
    holds.apply(sale.holds, event)
    sale.sold -= event.quantity
    count_back(sale.bought, event.customer, event.quantity)


def _apply_pinned(sale: FlashSale, _event: SalePinned) -> None:
    sale.pinned = True


def _apply_unpinned(sale: FlashSale, _event: SaleUnpinned) -> None:
    sale.pinned = False


def _apply_hold(sale: FlashSale, event: Event) -> None:
    holds.apply(sale.holds, event)


def _apply_line(sale: FlashSale, event: waiting_room.LineEvent) -> None:
    waiting_room.apply(sale.room, event)


_CHANGES: dict[type[Event], Callable[[FlashSale, Any], None]] = {
    SaleScheduled: _apply_scheduled,
    SalePhaseBegan: _apply_phase,
    SalePinned: _apply_pinned,
    SaleUnpinned: _apply_unpinned,
    Reserved: _apply_reserved,
    Committed: _apply_committed,
    Released: _apply_undone,
    Expired: _apply_undone,
    Returned: _apply_returned,
    NextExpiryFound: _apply_hold,
    PlaceTaken: _apply_line,
    LineOpened: _apply_line,
    PlacesCalled: _apply_line,
    CallsLapsed: _apply_line,
}


def apply(sale: FlashSale, event: Event) -> None:
    """Change the sale as the event tells."""
    sale.version += 1
    _CHANGES[type(event)](sale, event)


def view(sale: FlashSale) -> SaleView:
    """The sale as the world sees it."""
    assert sale.terms is not None, "only a scheduled sale is seen"
    room = sale.room
    started = sale.phase in (Phase.STARTED, *OVER)
    return SaleView(
        sale.key,
        sale.revision,
        sale.phase,
        sale.terms,
        sale.free,
        sale.holds.reserved,
        sale.sold,
        sale.line_open,
        room.joined,
        room.called,
        room.early,
        sale.commitment,
        sale.seed if started else "",
        sale.phase_at,
        sale.version,
    )
