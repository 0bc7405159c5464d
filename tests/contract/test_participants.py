"""Every kind of entity that a checkout reserves, held to the one suite."""

from typing import Any

import msgspec

from engine import holds
from engine.flash_sale import FLASH_SALE, LineMode, ScheduleSale, Terms
from engine.holds import HoldAnswer, HoldCommand, HoldEvent, Holds
from engine.kernel import Command, Event, Instant, Kind, Outcome, Rejected
from engine.money import Money
from engine.reasons import Reason
from engine.reservation import Reserve
from engine.stock import STOCK, Receive, stock_key

from .participant_suite import FILLING, NOW, ParticipantSuite


class TestStock(ParticipantSuite):
    kind = STOCK
    refusal = Reason.INSUFFICIENT_STOCK

    def filled(self) -> Any:
        stock = STOCK.new(stock_key("RETRO-CLOCK"))
        outcome = STOCK.decide(stock, Receive("first", FILLING), NOW)
        assert not isinstance(outcome, Rejected)
        for event in outcome.events:
            STOCK.apply(stock, event)
        return stock

    def free(self, state: Any) -> int:
        available: int = state.available
        return available


class Seats(msgspec.Struct, array_like=True, gc=False):
    """The smallest participant there can be: so many seats, and the holds on them."""

    key: str
    left: int = FILLING
    holds: Holds = msgspec.field(default_factory=Holds)


def decide(seats: Seats, command: Command, now: Instant) -> Outcome:
    def refusal_of(reserve: Reserve) -> Rejected | None:
        free = seats.left - seats.holds.reserved
        return Rejected(Reason.INSUFFICIENT_STOCK) if reserve.quantity > free else None

    return holds.decide(seats.holds, command, now, refusal_of)  # type: ignore[arg-type]


def apply(seats: Seats, event: Event) -> None:
    holds.apply(seats.holds, event)
    match type(event).__name__:
        case "Committed":
            seats.left -= event.quantity  # type: ignore[attr-defined]
        case "Returned":
            seats.left += event.quantity  # type: ignore[attr-defined]


SEATS = Kind(
    name="seats",
    new=Seats,
    decide=decide,
    apply=apply,
    commands=HoldCommand,
    events=HoldEvent,
    answers=HoldAnswer,
    state=Seats,
    remind_at=lambda seats: holds.remind_at(seats.holds),
)


class TestHolds(ParticipantSuite):
    kind = SEATS
    refusal = Reason.INSUFFICIENT_STOCK

    def filled(self) -> Any:
        return Seats("front-row")

    def free(self, state: Any) -> int:
        left: int = state.left - state.holds.reserved
        return left


class TestFlashSale(ParticipantSuite):
    kind = FLASH_SALE
    refusal = Reason.SOLD_OUT

    def filled(self) -> Any:
        sale = FLASH_SALE.new("RETRO-CLOCK@friday")
        begin, end = NOW - 1_000, NOW + 80 * 86_400_000
        terms = Terms(Money(999, "USD"), FILLING, begin, end, begin, begin, line=LineMode.NEVER)
        outcome = FLASH_SALE.decide(sale, ScheduleSale(terms, "a-seed-of-16-chars"), begin - 1)
        assert not isinstance(outcome, Rejected)
        for event in outcome.events:
            FLASH_SALE.apply(sale, event)
        return sale

    def free(self, state: Any) -> int:
        free: int = state.free
        return free
