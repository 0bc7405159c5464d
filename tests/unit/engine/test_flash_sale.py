"""A flash sale: its phases by the clock, its allotment, its line."""

from typing import Any

import msgspec
import pytest

from engine.flash_sale import (
    FLASH_SALE,
    CallView,
    CancelSale,
    CoolSale,
    JoinLine,
    LineMode,
    LookCall,
    LookSale,
    Phase,
    PlaceInLine,
    SaleView,
    ScheduleSale,
    Terms,
    WarmSale,
)
from engine.kernel import Accepted, Command, EffectAnswered, Rejected, ReminderDue, Reply, Request
from engine.money import Money
from engine.reasons import Reason
from engine.reservation import Commit, Done, Held, Release, Reserve, Return
from engine.waiting_room import place_of

NOW = 1_800_000_000_000
SECOND_MS = 1_000
MINUTE_MS = 60_000
STARTS, ENDS = NOW + 10 * MINUTE_MS, NOW + 70 * MINUTE_MS
SEED = "seventeen-letters"


def terms_of(**changes: Any) -> Terms:
    terms = Terms(
        price=Money(999, "USD"),
        allotment=3,
        starts_at=STARTS,
        ends_at=ENDS,
        announce_at=NOW + MINUTE_MS,
        warm_at=NOW + 9 * MINUTE_MS,
        line=LineMode.NEVER,
        call_s=60,
    )
    return msgspec.structs.replace(terms, **changes)


class Sale:
    """A sale at work: a clock by hand, reminders when they are due, everything read back from bytes."""

    def __init__(self, **changes: Any) -> None:
        self.state = FLASH_SALE.new("RETRO-CLOCK@friday")
        self.now = NOW
        assert self.send(ScheduleSale(terms_of(**changes), SEED)) == Done()

    def send(self, command: Command) -> Reply:
        before = msgspec.msgpack.encode(self.state)
        outcome = FLASH_SALE.decide(self.state, command, self.now)
        assert msgspec.msgpack.encode(self.state) == before, "deciding never changes the state"
        if isinstance(outcome, Rejected):
            return outcome
        assert isinstance(outcome, Accepted)
        for event in msgspec.msgpack.decode(msgspec.msgpack.encode(outcome.events), type=list[FLASH_SALE.events]):
            FLASH_SALE.apply(self.state, event)
        return outcome.answer

    def at(self, instant: int) -> "Sale":
        """Let time pass; reminders come when they are due, in the order of their instants."""
        assert FLASH_SALE.remind_at is not None
        for _ in range(10_000):
            due = FLASH_SALE.remind_at(self.state)
            if due is None or due > instant:
                self.now = instant
                return self
            self.now = max(self.now, due)
            self.send(ReminderDue())
        raise AssertionError("the reminder fires for ever")

    @property
    def view(self) -> SaleView:
        view = self.send(LookSale())
        assert isinstance(view, SaleView)
        return view

    def buy(self, name: str, quantity: int = 1) -> Any:
        reply = self.reserve(name, quantity)
        return self.send(Commit(f"ord-{name}:0", reply.sequence, reply.expires_at)) if type(reply) is Held else reply

    def reserve(self, name: str, quantity: int = 1, customer: str = "") -> Any:
        return self.send(Reserve(f"ord-{name}:0", quantity, self.now + MINUTE_MS, customer or name))

    def join(self, name: str, address: str = "") -> int:
        reply = self.send(JoinLine(name, address))
        assert isinstance(reply, PlaceInLine)
        return reply.number


def reason_of(reply: Any) -> Reason | None:
    return reply.reason if isinstance(reply, Rejected) else None


# -- the phases


def test_a_sale_goes_through_its_phases_at_their_seconds() -> None:
    sale = Sale()
    seen = []
    for instant in (NOW, NOW + MINUTE_MS, NOW + 9 * MINUTE_MS, STARTS - 1, STARTS, ENDS - 1, ENDS):
        view = sale.at(instant).view
        seen.append((view.phase.value, view.changed_at))
    assert seen == [
        ("scheduled", NOW),
        ("announced", NOW + MINUTE_MS),
        ("warmed", NOW + 9 * MINUTE_MS),
        ("warmed", NOW + 9 * MINUTE_MS),
        ("started", STARTS),
        ("started", STARTS),
        ("ended", ENDS),
    ]


def test_it_sells_from_its_second_on_though_no_reminder_has_come() -> None:
    sale = Sale()
    sale.now = STARTS - 1
    assert reason_of(sale.reserve("ann")) is Reason.SALE_NOT_STARTED
    sale.now = STARTS
    assert sale.buy("ann") == Done()
    assert (sale.view.phase, sale.view.changed_at) == (Phase.STARTED, STARTS)


def test_it_ends_on_its_second_though_no_reminder_has_come() -> None:
    sale = Sale().at(STARTS)
    sale.now = ENDS
    assert reason_of(sale.reserve("ann")) is Reason.SALE_ENDED


def test_a_claim_that_came_before_the_end_is_honoured_after_it() -> None:
    sale = Sale().at(ENDS - 1)
    held = sale.reserve("ann")
    sale.at(ENDS + SECOND_MS)
    assert sale.send(Commit("ord-ann:0", held.sequence, held.expires_at)) == Done()
    assert sale.view.sold == 1


def test_after_a_long_outage_one_reminder_brings_everything_that_was_missed() -> None:
    sale = Sale()
    sale.now = ENDS + MINUTE_MS
    sale.send(ReminderDue())
    assert sale.view.phase is Phase.ENDED
    assert FLASH_SALE.remind_at is not None
    assert FLASH_SALE.remind_at(sale.state) is None


def test_terms_can_be_changed_until_the_start_and_never_after() -> None:
    sale = Sale()
    assert sale.send(ScheduleSale(terms_of(allotment=5), "another-seed-of-length")) == Done()
    assert (sale.view.free, sale.view.revision) == (5, 2)
    assert sale.state.seed == SEED, "the draw is not thrown again"
    assert reason_of(sale.send(ScheduleSale(terms_of(), SEED, if_revision=1))) is Reason.VERSION_CONFLICT
    sale.at(STARTS)
    assert reason_of(sale.send(ScheduleSale(terms_of(allotment=7), SEED))) is Reason.SALE_NOT_CHANGEABLE
    assert sale.send(ScheduleSale(terms_of(allotment=5), SEED)) == Done(), "a retry changes nothing"


def test_a_cancelled_sale_takes_no_claim_and_keeps_what_was_claimed() -> None:
    sale = Sale().at(STARTS)
    held = sale.reserve("ann")
    assert sale.send(CancelSale("wrong price")) == sale.send(CancelSale("again")) == Done()
    assert reason_of(sale.reserve("bob")) is Reason.SALE_ENDED
    assert sale.send(Commit("ord-ann:0", held.sequence, held.expires_at)) == Done()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("price", {"price": Money(-1, "USD")}),
        ("allotment", {"allotment": 0}),
        ("customer_limit", {"customer_limit": -1}),
        ("payment_window_s", {"payment_window_s": 0}),
        ("calls_per_s", {"calls_per_s": 0}),
        ("call_s", {"call_s": 0}),
        ("starts_at", {"announce_at": STARTS + 1}),
        ("starts_at", {"starts_at": ENDS}),
        ("ends_at", {"ends_at": STARTS + 100 * 86_400_000}),
    ],
)
def test_terms_that_no_sale_can_have_are_refused(field: str, changes: dict[str, Any]) -> None:
    sale = Sale()
    reply = sale.send(ScheduleSale(terms_of(**changes), SEED))
    assert isinstance(reply, Rejected)
    assert reply.details["field"] == field


def test_nobody_finds_a_sale_that_was_never_scheduled() -> None:
    sale = Sale()
    sale.state = FLASH_SALE.new("RETRO-CLOCK@monday")
    for command in (LookSale(), CancelSale(), JoinLine("ann"), Reserve("r", 1, NOW + 1), Release("r"), Return("r", 1)):
        assert reason_of(sale.send(command)) is Reason.NOT_FOUND


def test_its_stock_is_pinned_when_it_is_warmed_and_unpinned_at_the_end() -> None:
    def effects(sale: Sale) -> list[Any]:
        assert FLASH_SALE.effects is not None
        return [effect.call for effect in FLASH_SALE.effects(sale.state) if isinstance(effect, Request)]

    sale = Sale()
    assert effects(sale) == []
    sale.at(NOW + 9 * MINUTE_MS)
    assert effects(sale) == [WarmSale("RETRO-CLOCK", "RETRO-CLOCK@friday")]
    sale.send(EffectAnswered("warm", None))
    assert effects(sale.at(STARTS)) == []
    assert effects(sale.at(ENDS)) == [CoolSale("RETRO-CLOCK", "RETRO-CLOCK@friday")]
    sale.send(EffectAnswered("cool", None))
    assert effects(sale) == []


# -- the allotment


def test_never_more_than_the_allotment_is_claimed_and_units_come_back() -> None:
    sale = Sale().at(STARTS)
    assert [reason_of(sale.reserve(name)) for name in "abcd"] == [None, None, None, Reason.SOLD_OUT]
    sale.send(Release("ord-a:0"))
    assert sale.buy("d") == Done()
    assert (sale.view.free, sale.view.held, sale.view.sold, sale.view.sold_out) == (0, 2, 1, False)


def test_more_than_is_left_is_told_with_what_is_left() -> None:
    sale = Sale().at(STARTS)
    reply = sale.reserve("ann", 4)
    assert reply.reason is Reason.INSUFFICIENT_STOCK
    assert (reply.details["requested"], reply.details["available"]) == (4, 3)


def test_the_limit_counts_the_customer_over_orders_and_gives_back() -> None:
    sale = Sale(customer_limit=2).at(STARTS)
    assert type(sale.reserve("1", 2, customer="ann")) is Held
    assert reason_of(sale.reserve("2", 1, customer="ann")) is Reason.CUSTOMER_LIMIT
    sale.send(Release("ord-1:0"))
    assert type(sale.reserve("3", 1, customer="ann")) is Held
    sale.at(STARTS + 2 * MINUTE_MS)
    assert sale.state.bought == {}


def test_a_cancelled_order_gives_its_units_back() -> None:
    sale = Sale(allotment=1, customer_limit=1).at(STARTS)
    sale.buy("ann")
    assert sale.view.sold_out
    sale.send(Return("ord-ann:0", 1, "ann"))
    assert sale.buy("bob") == Done()


# -- the line


def lined(early: int = 0, **changes: Any) -> Sale:
    sale = Sale(**{"line": LineMode.ALWAYS, **changes}).at(NOW + MINUTE_MS)
    for number in range(early):
        sale.join(f"early-{number}")
    return sale


def test_one_name_has_one_place_however_often_it_asks() -> None:
    sale = lined()
    first, bot = sale.join("ann"), [sale.join("bot") for _ in range(1_000)]
    assert (first, set(bot), sale.join("bob"), sale.view.joined) == (0, {1}, 2, 3)


def test_nobody_joins_before_the_announcement_nor_after_the_end() -> None:
    sale = Sale(line=LineMode.ALWAYS)
    assert reason_of(sale.send(JoinLine("ann"))) is Reason.NOT_FOUND
    assert reason_of(sale.at(ENDS).send(JoinLine("ann"))) is Reason.SALE_ENDED


def test_whoever_came_before_the_start_draws_a_place_and_later_ones_stand_behind() -> None:
    sale = lined(early=100).at(STARTS)
    late = sale.join("late")
    assert (sale.view.early, late, place_of(late, sale.view.early, SEED)) == (100, 100, 100)


def test_whoever_joins_on_the_second_is_late_though_no_reminder_has_come() -> None:
    sale = lined(early=5)
    sale.now = STARTS
    sale.join("late")
    assert (sale.view.phase, sale.view.early, sale.view.joined) == (Phase.STARTED, 5, 6)


def test_the_seed_is_promised_before_the_start_and_shown_after() -> None:
    sale = lined()
    promised = sale.view
    assert promised.seed == ""
    assert (sale.at(STARTS).view.seed, sale.view.commitment) == (SEED, promised.commitment)


def test_places_are_called_in_their_order_as_many_as_there_are_units() -> None:
    sale = lined(early=20, allotment=3).at(STARTS)
    by_place = sorted(range(20), key=lambda number: place_of(number, 20, SEED))
    answers = [sale.send(LookCall(number)) for number in by_place]
    assert answers[:3] == [CallView("called", STARTS + MINUTE_MS)] * 3
    assert answers[3:] == [CallView("waiting")] * 17
    assert reason_of(sale.reserve(f"early-{by_place[3]}")) is Reason.WAITING_ROOM
    assert type(sale.reserve(f"early-{by_place[2]}")) is Held


def test_a_call_that_is_not_used_lapses_and_the_next_moves_up() -> None:
    sale = lined(early=2, allotment=1).at(STARTS)
    first, second = sorted(range(2), key=lambda number: place_of(number, 2, SEED))
    sale.at(STARTS + MINUTE_MS + SECOND_MS)
    assert reason_of(sale.reserve(f"early-{first}")) is Reason.TICKET_INVALID
    assert sale.buy(f"early-{second}") == Done()
    assert sale.view.sold_out


def test_a_call_is_for_one_purchase() -> None:
    sale = lined(early=1, allotment=3).at(STARTS)
    assert sale.buy("early-0") == Done()
    assert reason_of(sale.reserve("again", customer="early-0")) is Reason.TICKET_INVALID


def test_a_purchase_that_comes_to_nothing_may_be_tried_again_while_the_call_lasts() -> None:
    sale = lined(early=2, allotment=1).at(STARTS)
    first, second = sorted(range(2), key=lambda number: place_of(number, 2, SEED))
    sale.reserve("declined", customer=f"early-{first}")
    sale.send(Release("ord-declined:0"))
    sale.at(STARTS + 5 * SECOND_MS)
    assert sale.send(LookCall(second)) == CallView("waiting"), "the unit is kept for whoever tries again"
    assert reason_of(sale.reserve(f"early-{second}")) is Reason.WAITING_ROOM
    assert type(sale.reserve("retry", customer=f"early-{first}")) is Held


def test_whoever_has_no_place_is_sent_to_the_line() -> None:
    sale = lined(early=1).at(STARTS)
    assert reason_of(sale.reserve("stranger")) is Reason.WAITING_ROOM


def test_when_the_last_unit_is_paid_everybody_hears_so() -> None:
    sale = lined(early=5, allotment=1).at(STARTS)
    (called,) = [number for number in range(5) if sale.send(LookCall(number)) != CallView("waiting")]
    assert not sale.view.sold_out
    sale.buy(f"early-{called}")
    assert sale.view.sold_out
    assert reason_of(sale.send(JoinLine("late"))) is Reason.SOLD_OUT
    assert reason_of(sale.reserve("late")) is Reason.SOLD_OUT


def test_so_many_are_called_in_a_second_as_the_payments_allow() -> None:
    sale = lined(early=10, allotment=10, calls_per_s=4).at(STARTS)
    called = [sale.at(STARTS + second * SECOND_MS).view.called for second in range(4)]
    assert called == [4, 8, 10, 10]


def test_an_address_has_a_bounded_number_of_places() -> None:
    sale = lined(places_per_address=2)
    assert [sale.join(name, "192.0.2.1") for name in "ab"] == [0, 1]
    assert reason_of(sale.send(JoinLine("c", "192.0.2.1"))) is Reason.LINE_ADDRESS_LIMIT
    assert sale.join("a", "192.0.2.1") == 0, "whoever has a place keeps it"
    assert sale.join("c", "192.0.2.2") == 2


def test_without_a_rush_nobody_stands_in_line() -> None:
    sale = Sale(line=LineMode.AUTO, allotment=2).at(STARTS)
    assert reason_of(sale.send(JoinLine("ann"))) is Reason.LINE_CLOSED
    assert sale.buy("ann") == Done()
    assert not sale.view.line_open


def test_when_all_units_are_claimed_the_line_opens_and_gets_what_comes_back() -> None:
    sale = Sale(line=LineMode.AUTO, allotment=2).at(STARTS)
    sale.reserve("ann")
    sale.reserve("bob")
    assert sale.view.line_open
    assert reason_of(sale.reserve("cid")) is Reason.WAITING_ROOM
    sale.join("cid")
    sale.join("dot")
    sale.send(Release("ord-ann:0"))
    sale.at(sale.now + SECOND_MS)
    assert reason_of(sale.reserve("dot")) is Reason.WAITING_ROOM
    assert sale.buy("cid") == Done()


def test_a_line_that_is_over_keeps_nothing_but_its_length() -> None:
    sale = lined(early=50, places_per_address=1).at(ENDS)
    assert (sale.view.joined, sale.state.room.numbers, sale.state.room.addresses) == (50, {}, {})
