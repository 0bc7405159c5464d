"""Every kind of entity that a checkout reserves, held to the one suite."""

from typing import Any

import msgspec

from engine import holds
from engine.coupon import COUPON, PutCoupon
from engine.flash_sale import FLASH_SALE, LineMode, ScheduleSale, Terms
from engine.gift_card import GIFT_CARD, STORE_CREDIT, IssueCard, TopUp, store_credit_key
from engine.holds import HoldAnswer, HoldCommand, HoldEvent, Holds
from engine.kernel import Command, Event, Instant, Kind, Outcome, Rejected
from engine.money import Money
from engine.reasons import Reason
from engine.reservation import Reserve
from engine.stock import STOCK, Receive, stock_key

from .participant_suite import FILLING, NOW, ParticipantSuite


def after(kind: Kind, key: str, command: Command) -> Any:
    """A new entity's state after this command."""
    state = kind.new(key)
    outcome = kind.decide(state, command, NOW)
    assert not isinstance(outcome, Rejected)
    for event in outcome.events:
        kind.apply(state, event)
    return state


class TestStock(ParticipantSuite):
    kind = STOCK
    refusal = Reason.INSUFFICIENT_STOCK

    def filled(self) -> Any:
        return after(STOCK, stock_key("RETRO-CLOCK"), Receive("first", FILLING))

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


class TestCoupon(ParticipantSuite):
    kind = COUPON
    refusal = Reason.COUPON_EXHAUSTED

    def filled(self) -> Any:
        return after(COUPON, "SUMMER10", PutCoupon("summer", limit=FILLING))

    def free(self, state: Any) -> int:
        free: int = state.content.limit - state.used - state.holds.reserved
        return free


class TestGiftCard(ParticipantSuite):
    kind = GIFT_CARD
    refusal = Reason.GIFT_CARD_INSUFFICIENT

    def filled(self) -> Any:
        return after(GIFT_CARD, "card-1", IssueCard(Money(FILLING, "USD")))

    def free(self, state: Any) -> int:
        free: int = state.available
        return free


class TestStoreCredit(TestGiftCard):
    kind = STORE_CREDIT

    def filled(self) -> Any:
        return after(STORE_CREDIT, store_credit_key("acc-1", "USD"), TopUp("first", Money(FILLING, "USD")))
