"""What a flash sale does at each command, reminder and answer to one of its effects."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .. import holds, waiting_room
from ..digests import digest_of, number_of
from ..holds import HoldCommand
from ..kernel import Accepted, Command, EffectAnswered, Instant, Outcome, Rejected, ReminderDue, invalid, tag_of
from ..reasons import Reason
from ..reservation import Commit, Done, Release, Reserve, Return
from ..waiting_room import MOST_PLACES, CallsLapsed, LineOpened, PlaceTaken
from .messages import (
    OVER,
    CallView,
    CancelSale,
    JoinLine,
    LineMode,
    LookCall,
    LookSale,
    Phase,
    PlaceInLine,
    SalePhaseBegan,
    SalePinned,
    SaleScheduled,
    SaleUnpinned,
    ScheduleSale,
    Terms,
)
from .state import FlashSale, phase_at, steps_due, view

MOST_ALLOTMENT = 1_000_000
"""Units in one sale."""
LONGEST_SALE_MS = 90 * 86_400 * 1_000
LONGEST_CALL_S = 3_600
LONGEST_PAYMENT_WINDOW_S = 86_400
LONGEST_NAME = 255
"""Characters of a customer's name or of a note."""
SEED_LENGTHS = range(16, 65)
"""Characters: it is the key of digests, too."""
SECOND_MS = 1_000


def _schedule(sale: FlashSale, command: ScheduleSale, now: Instant) -> Outcome:
    terms = command.terms
    if refusal := _misshapen(sale, terms, command.seed, now):
        return refusal
    if terms == sale.terms and sale.phase not in OVER:
        return Accepted((), Done())
    if command.if_revision is not None and command.if_revision != sale.revision:
        return Rejected(Reason.VERSION_CONFLICT, {"version": sale.revision})
    if sale.terms is not None and phase_at(sale, now) in (Phase.STARTED, *OVER):
        return Rejected(Reason.SALE_NOT_CHANGEABLE, {"phase": str(phase_at(sale, now))})
    return Accepted((SaleScheduled(terms, sale.seed or command.seed, now),), Done())


def _misshapen(sale: FlashSale, terms: Terms, seed: str, now: Instant) -> Rejected | None:
    if not tag_of(sale.key) or "@" not in sale.key:
        return invalid("key", "be a SKU, an @ and a name")
    if not terms.price.is_price():
        return invalid("price", "be a price in minor units and an ISO 4217 currency")
    if len(seed) not in SEED_LENGTHS:
        return invalid("seed", f"have {SEED_LENGTHS.start} to {SEED_LENGTHS.stop - 1} characters")
    bounds = (
        ("allotment", 1, MOST_ALLOTMENT),
        ("customer_limit", 0, MOST_ALLOTMENT),
        ("payment_window_s", 1, LONGEST_PAYMENT_WINDOW_S),
        ("calls_per_s", 1, MOST_ALLOTMENT),
        ("call_s", 1, LONGEST_CALL_S),
        ("places_per_address", 0, MOST_PLACES),
    )
    for field, least, most in bounds:
        if not least <= getattr(terms, field) <= most:
            return invalid(field, f"be {least} to {most}")
    if not 0 <= terms.announce_at <= terms.warm_at <= terms.starts_at < terms.ends_at:
        return invalid("starts_at", "not come before announce_at and warm_at, nor after ends_at")
    if terms.ends_at - terms.starts_at > LONGEST_SALE_MS:
        return invalid("ends_at", f"be at most {LONGEST_SALE_MS} ms after starts_at")
    if terms.ends_at <= now and terms != sale.terms:
        return invalid("ends_at", "lie ahead")
    return None


def _cancel(sale: FlashSale, command: CancelSale, now: Instant) -> Outcome:
    if len(command.note) > LONGEST_NAME:
        return invalid("note", f"have at most {LONGEST_NAME} characters")
    if sale.terms is None:
        return Rejected(Reason.NOT_FOUND)
    if sale.phase is Phase.CANCELLED:
        return Accepted((), Done())
    if phase_at(sale, now) is Phase.ENDED:
        return Rejected(Reason.SALE_ENDED)
    return Accepted((SalePhaseBegan(Phase.CANCELLED, now, command.note),), Done())


def _join(sale: FlashSale, command: JoinLine, now: Instant) -> Outcome:
    for field in ("customer", "address"):
        if len(getattr(command, field)) > LONGEST_NAME:
            return invalid(field, f"have at most {LONGEST_NAME} characters")
    if not command.customer:
        return invalid("customer", "not be empty")
    if sale.terms is None or now < sale.terms.announce_at:
        return Rejected(Reason.NOT_FOUND)
    who = digest_of(sale.seed, command.customer)
    if (number := number_of(sale.room.numbers, who)) is not None:
        # Whoever asks again, from wherever, has the place of the first time.
        return Accepted((), PlaceInLine(number))
    address = digest_of(sale.seed, command.address) if command.address and sale.terms.places_per_address else b""
    if refusal := _not_joinable(sale, sale.terms, address, now):
        return refusal
    return Accepted((*steps_due(sale, now), PlaceTaken(who, address)), PlaceInLine(sale.room.joined))


def _not_joinable(sale: FlashSale, terms: Terms, address: bytes, now: Instant) -> Rejected | None:
    if phase_at(sale, now) in OVER:
        return _refuse(sale, Reason.SALE_ENDED)
    if sale.free <= 0 and not sale.holds.reserved:
        return _refuse(sale, Reason.SOLD_OUT)
    if not sale.line_open and terms.line is not LineMode.ALWAYS:
        return _refuse(sale, Reason.LINE_CLOSED)
    if sale.room.joined >= MOST_PLACES:
        return _refuse(sale, Reason.LINE_FULL)
    if address and (number_of(sale.room.addresses, address) or 0) >= terms.places_per_address:
        return _refuse(sale, Reason.LINE_ADDRESS_LIMIT, limit=terms.places_per_address)
    return None


def _look(sale: FlashSale, _command: LookSale, _now: Instant) -> Outcome:
    return Rejected(Reason.NOT_FOUND) if sale.terms is None else Accepted((), view(sale))


def _look_call(sale: FlashSale, command: LookCall, now: Instant) -> Outcome:
    room = sale.room
    if not 0 <= command.number < room.joined:
        return Rejected(Reason.NOT_FOUND)
    place = waiting_room.place_of(command.number, room.early, sale.seed)
    if sale.phase is not Phase.STARTED or place >= room.called:
        return Accepted((), CallView("waiting"))
    if waiting_room.is_called(room, place, now):
        return Accepted((), CallView("called", room.unused[place]))
    return Accepted((), CallView("passed"))


def _hold(sale: FlashSale, command: HoldCommand, now: Instant) -> Outcome:
    if sale.terms is None:
        return Rejected(Reason.NOT_FOUND)
    outcome = holds.decide(sale.holds, command, now, partial(_not_reservable, sale, sale.terms, now))
    if not isinstance(command, Reserve) or isinstance(outcome, Rejected) or not outcome.events:
        return outcome
    events = (*steps_due(sale, now), *outcome.events)
    if sale.terms.line is LineMode.AUTO and not sale.line_open:
        # The last unit is spoken for, but not paid: from now on who gets what comes back is a matter of places.
        events += (LineOpened(now),) if sale.free == command.quantity else ()
    return Accepted(events, outcome.answer)


def _not_reservable(sale: FlashSale, terms: Terms, now: Instant, command: Reserve) -> Rejected | None:
    if phase_at(sale, now) in OVER:
        return _refuse(sale, Reason.SALE_ENDED)
    if now < terms.starts_at:
        return _refuse(sale, Reason.SALE_NOT_STARTED, starts_at=terms.starts_at)
    if sale.free <= 0 and not sale.holds.reserved:
        return _refuse(sale, Reason.SOLD_OUT, requested=command.quantity, available=0)
    if sale.line_open and (refusal := _not_called(sale, command.customer, now)):
        return refusal
    if command.quantity > sale.free:
        reason = Reason.INSUFFICIENT_STOCK if sale.free > 0 else Reason.SOLD_OUT
        return _refuse(sale, reason, requested=command.quantity, available=max(0, sale.free))
    # Who can't be told from others is counted alone.
    bought = sale.bought.get(command.customer, 0) if command.customer else 0
    if terms.customer_limit and bought + command.quantity > terms.customer_limit:
        return _refuse(sale, Reason.CUSTOMER_LIMIT, limit=terms.customer_limit, bought=bought)
    return None


def _not_called(sale: FlashSale, customer: str, now: Instant) -> Rejected | None:
    """Why whoever this is can't buy yet, or not any more."""
    number = waiting_room.number_in(sale.room, sale.seed, customer)
    if number is None:
        return _refuse(sale, Reason.WAITING_ROOM)
    place = waiting_room.place_of(number, sale.room.early, sale.seed)
    if sale.phase is not Phase.STARTED or place >= sale.room.called:
        return _refuse(sale, Reason.WAITING_ROOM, ahead=max(0, place - sale.room.called))
    if not waiting_room.is_called(sale.room, place, now):
        return _refuse(sale, Reason.TICKET_INVALID, detail="The call was used, or has lapsed.")
    return None


def _remind(sale: FlashSale, command: ReminderDue, now: Instant) -> Outcome:
    """One thing at a time: what is due after it, the next reminder brings at once."""
    if steps := steps_due(sale, now):
        return Accepted(steps)
    if sale.holds.next_expiry and sale.holds.next_expiry <= now:
        return holds.decide(sale.holds, command, now, lambda _: None)
    if sale.phase is not Phase.STARTED or sale.terms is None:
        return Accepted()
    if sale.room.next_lapse and sale.room.next_lapse <= now:
        return Accepted((CallsLapsed(now),))
    terms = sale.terms
    called = waiting_room.call_next(sale.room, now, sale.free, terms.calls_per_s, terms.call_s * SECOND_MS)
    return Accepted((called,) if called else ())


def _answered(sale: FlashSale, command: EffectAnswered, _now: Instant) -> Outcome:
    if command.effect_id == "warm" and not sale.pinned:
        return Accepted((SalePinned(),))
    if command.effect_id == "cool" and sale.pinned:
        return Accepted((SaleUnpinned(),))
    return Accepted()


_DECISIONS: dict[type[Command], Callable[[FlashSale, Any, Instant], Outcome]] = {
    ScheduleSale: _schedule,
    CancelSale: _cancel,
    JoinLine: _join,
    LookSale: _look,
    LookCall: _look_call,
    Reserve: _hold,
    Commit: _hold,
    Release: _hold,
    Return: _hold,
    EffectAnswered: _answered,
    ReminderDue: _remind,
}


def decide(sale: FlashSale, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](sale, command, now)


def _refuse(sale: FlashSale, reason: Reason, **details: Any) -> Rejected:
    return Rejected(reason, {"sku": tag_of(sale.key), "sale": sale.key, **details})
