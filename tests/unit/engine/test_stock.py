"""The stock as a table: a past, a command, and what comes of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.kernel import Accepted, Command, Event, Outcome, Rejected, ReminderDue
from engine.reasons import Reason
from engine.stock import (
    COMMIT_KNOWN_MS,
    ENDED_KEPT_MS,
    LONGEST_HOLD_MS,
    MOST_EXPIRED_AT_ONCE,
    MOST_ON_HAND,
    MOST_UNITS,
    RECEIPTS_KEPT,
    SOLD_KEPT_MS,
    STOCK,
    Adjust,
    Adjusted,
    Commit,
    Committed,
    Done,
    Expired,
    Held,
    LookStock,
    NextExpiryFound,
    PolicySet,
    Receive,
    Received,
    Release,
    Released,
    Reserve,
    Reserved,
    Return,
    Returned,
    SetPolicy,
    Stock,
    StockView,
    stock_key,
)

from .world import named

SKU = "RETRO-CLOCK"
KEY = stock_key(SKU)
NOW = 1_800_000_000_000
LATER = NOW + 660_000

RECEIVED = Received("r-1", 10)
HELD_A = Reserved("a", 4, LATER, "ann")
SOLD_A = Committed("a", 4, NOW)
RELEASED_A = Released("a", 4, NOW)
EXPIRED_A = Expired("a", 4, NOW)
RETURNED_A = Returned("a", 4, NOW, "ann")
TOMBSTONE_A = Released("a", 0, NOW)


def stock_after(*events: Event) -> Stock:
    stock = Stock(KEY)
    for event in events:
        STOCK.apply(stock, event)
    return stock


def refused(reason: Reason, **details: Any) -> Rejected:
    return Rejected(reason, {"sku": SKU, **details})


ACCEPTED: Sequence[tuple[str, Sequence[Event], Command, Sequence[Event], object]] = [
    ("a receipt", [], Receive("r-1", 10, "new", "po-7"), [Received("r-1", 10, "new", "po-7")], Done()),
    ("a receipt twice", [RECEIVED], Receive("r-1", 10), [], Done()),
    ("a receipt with another quantity", [RECEIVED], Receive("r-1", 99), [], Done()),
    ("a correction", [RECEIVED], Adjust("x", -3, "broken"), [Adjusted("x", -3, "broken")], Done()),
    ("a correction twice", [RECEIVED, Adjusted("x", -3, "broken")], Adjust("x", -3, "broken"), [], Done()),
    ("a correction down to what is held", [RECEIVED, HELD_A], Adjust("x", -6, "n"), [Adjusted("x", -6, "n")], Done()),
    ("a policy", [RECEIVED], SetPolicy(safety_stock=2), [PolicySet(2, 0, 0)], Done()),
    ("a part of a policy", [PolicySet(2, 3, 4)], SetPolicy(incoming=9), [PolicySet(2, 3, 9)], Done()),
    ("the same policy", [PolicySet(2, 3, 4)], SetPolicy(2, 3, 4), [], Done()),
    ("a reservation", [RECEIVED], Reserve("a", 4, LATER, "ann"), [HELD_A], Held(1, LATER)),
    ("the second", [RECEIVED, HELD_A], Reserve("b", 6, LATER), [Reserved("b", 6, LATER)], Held(2, LATER)),
    ("a reservation twice", [RECEIVED, HELD_A], Reserve("a", 4, LATER, "ann"), [], Held(1, LATER)),
    ("twice, after its commit", [RECEIVED, HELD_A, SOLD_A], Reserve("a", 4, LATER), [], Held(1, LATER)),
    ("up to the limit", [RECEIVED, PolicySet(0, 4, 0)], Reserve("a", 4, LATER, "ann"), [HELD_A], Held(1, LATER)),
    (
        "another customer beside the limit",
        [RECEIVED, PolicySet(0, 4, 0), HELD_A],
        Reserve("b", 4, LATER, "bob"),
        [Reserved("b", 4, LATER, "bob")],
        Held(2, LATER),
    ),
    (
        "buying again what was released",
        [RECEIVED, PolicySet(0, 4, 0), HELD_A, RELEASED_A],
        Reserve("b", 4, LATER, "ann"),
        [Reserved("b", 4, LATER, "ann")],
        Held(2, LATER),
    ),
    (
        "buying again what expired",
        [RECEIVED, PolicySet(0, 4, 0), HELD_A, EXPIRED_A],
        Reserve("b", 4, LATER, "ann"),
        [Reserved("b", 4, LATER, "ann")],
        Held(2, LATER),
    ),
    (
        "buying again what was returned",
        [RECEIVED, PolicySet(0, 4, 0), HELD_A, SOLD_A, RETURNED_A],
        Reserve("b", 4, LATER, "ann"),
        [Reserved("b", 4, LATER, "ann")],
        Held(2, LATER),
    ),
    ("a commit", [RECEIVED, HELD_A], Commit("a", 1, LATER), [SOLD_A], Done()),
    (
        "a commit past its expiry, not yet expired",
        [RECEIVED, Reserved("a", 4, NOW - 1)],
        Commit("a", 1, NOW - 1),
        [SOLD_A],
        Done(),
    ),
    ("a commit twice", [RECEIVED, HELD_A, SOLD_A], Commit("a", 1, LATER), [], Done()),
    ("a release", [RECEIVED, HELD_A], Release("a"), [RELEASED_A], Done()),
    ("a release twice", [RECEIVED, HELD_A, RELEASED_A], Release("a"), [], Done()),
    ("a release of what expired", [RECEIVED, HELD_A, EXPIRED_A], Release("a"), [], Done()),
    ("a release of what never was", [], Release("a"), [TOMBSTONE_A], Done()),
    ("a release of what was just sold", [RECEIVED, HELD_A, SOLD_A], Release("a"), [], Done()),
    ("a return", [RECEIVED, HELD_A, SOLD_A], Return("a", 4, "ann"), [RETURNED_A], Done()),
    ("a return twice", [RECEIVED, HELD_A, SOLD_A, RETURNED_A], Return("a", 4, "ann"), [], Done()),
    ("a reminder", [RECEIVED, Reserved("a", 4, NOW)], ReminderDue(), [Expired("a", 4, NOW), NextExpiryFound(0)], None),
    (
        "a reminder of one of two",
        [RECEIVED, Reserved("a", 4, NOW), Reserved("b", 1, LATER)],
        ReminderDue(),
        [Expired("a", 4, NOW), NextExpiryFound(LATER)],
        None,
    ),
    ("a reminder too early", [RECEIVED, HELD_A], ReminderDue(), [], None),
    ("a reminder of nothing", [RECEIVED], ReminderDue(), [], None),
    ("a look at nothing", [], LookStock(), [], StockView(0, 0, 0, 0, 0, 0, 0)),
    ("a look", [RECEIVED, PolicySet(1, 5, 2), HELD_A], LookStock(), [], StockView(10, 4, 5, 1, 2, 5, 3)),
    ("a look below zero", [RECEIVED, HELD_A, PolicySet(9, 0, 0)], LookStock(), [], StockView(10, 4, 0, 9, 0, 0, 3)),
]

REFUSED: Sequence[tuple[str, Sequence[Event], Command, Rejected]] = [
    ("an unknown SKU", [], Reserve("a", 1, LATER), refused(Reason.INSUFFICIENT_STOCK, requested=1, available=0)),
    ("too many", [RECEIVED], Reserve("a", 11, LATER), refused(Reason.INSUFFICIENT_STOCK, requested=11, available=10)),
    (
        "what others hold",
        [RECEIVED, HELD_A],
        Reserve("b", 7, LATER),
        refused(Reason.INSUFFICIENT_STOCK, requested=7, available=6),
    ),
    (
        "the safety stock",
        [RECEIVED, PolicySet(8, 0, 0)],
        Reserve("a", 3, LATER),
        refused(Reason.INSUFFICIENT_STOCK, requested=3, available=2),
    ),
    (
        "a safety stock above what is free",
        [RECEIVED, PolicySet(30, 0, 0)],
        Reserve("a", 1, LATER),
        refused(Reason.INSUFFICIENT_STOCK, requested=1, available=0),
    ),
    (
        "above the limit",
        [RECEIVED, PolicySet(0, 5, 0), HELD_A],
        Reserve("b", 2, LATER, "ann"),
        refused(Reason.CUSTOMER_LIMIT, limit=5, bought=4),
    ),
    (
        "above the limit, sold before",
        [RECEIVED, PolicySet(0, 5, 0), HELD_A, SOLD_A],
        Reserve("b", 2, LATER, "ann"),
        refused(Reason.CUSTOMER_LIMIT, limit=5, bought=4),
    ),
    (
        "above a limit that came while units were held",
        [RECEIVED, HELD_A, PolicySet(0, 5, 0)],
        Reserve("b", 2, LATER, "ann"),
        refused(Reason.CUSTOMER_LIMIT, limit=5, bought=4),
    ),
    (
        "above the limit, by nobody",
        [RECEIVED, PolicySet(0, 5, 0)],
        Reserve("b", 6, LATER),
        refused(Reason.CUSTOMER_LIMIT, limit=5, bought=0),
    ),
    ("a released id", [RECEIVED, HELD_A, RELEASED_A], Reserve("a", 4, LATER), refused(Reason.RESERVATION_ENDED)),
    ("an expired id", [RECEIVED, HELD_A, EXPIRED_A], Reserve("a", 4, LATER), refused(Reason.RESERVATION_ENDED)),
    ("released before it came", [RECEIVED, TOMBSTONE_A], Reserve("a", 4, LATER), refused(Reason.RESERVATION_ENDED)),
    ("already past", [RECEIVED], Reserve("a", 4, NOW), refused(Reason.RESERVATION_ENDED)),
    ("a commit of a released id", [HELD_A, RELEASED_A], Commit("a", 1, LATER), refused(Reason.RESERVATION_ENDED)),
    ("a commit of an expired id", [HELD_A, EXPIRED_A], Commit("a", 1, LATER), refused(Reason.RESERVATION_ENDED)),
    ("a commit of a stranger", [RECEIVED, HELD_A], Commit("b", 2, LATER), refused(Reason.RESERVATION_UNKNOWN)),
    ("a commit with no sequence", [RECEIVED], Commit("b", 0, LATER), refused(Reason.RESERVATION_UNKNOWN)),
    (
        "a commit too old to know",
        [RECEIVED, HELD_A, SOLD_A],
        Commit("z", 1, NOW - COMMIT_KNOWN_MS),
        refused(Reason.RESERVATION_ENDED),
    ),
    ("a return of what is held", [RECEIVED, HELD_A], Return("a", 4), refused(Reason.RESERVATION_UNKNOWN)),
    ("a return of what expired", [HELD_A, EXPIRED_A], Return("a", 4), refused(Reason.RESERVATION_ENDED)),
    (
        "held units broken",
        [RECEIVED, HELD_A],
        Adjust("x", -7, "n"),
        refused(Reason.STOCK_IN_USE, on_hand=10, reserved=4),
    ),
]

MISSHAPEN: Sequence[tuple[Command, str]] = [
    (Reserve("", 1, LATER), "reservation_id"),
    (Reserve("a", 0, LATER), "quantity"),
    (Reserve("a", -1, LATER), "quantity"),
    (Reserve("a", MOST_UNITS + 1, LATER), "quantity"),
    (Reserve("a", 1, NOW + LONGEST_HOLD_MS + 1), "expires_at"),
    (Release(""), "reservation_id"),
    (Return("", 1), "reservation_id"),
    (Return("a", 0), "quantity"),
    (Receive("", 1), "receipt_id"),
    (Receive("r", 0), "quantity"),
    (Receive("r", MOST_UNITS + 1), "quantity"),
    (Adjust("", 1, "n"), "adjustment_id"),
    (Adjust("x", 0, "n"), "delta"),
    (Adjust("x", -MOST_UNITS - 1, "n"), "delta"),
    (SetPolicy(safety_stock=-1), "safety_stock"),
    (SetPolicy(customer_limit=-1), "customer_limit"),
    (SetPolicy(incoming=MOST_ON_HAND + 1), "incoming"),
]


@pytest.mark.parametrize(("past", "command", "events", "answer"), named(ACCEPTED))
def test_a_stock_accepts(past: Sequence[Event], command: Command, events: Sequence[Event], answer: object) -> None:
    assert STOCK.decide(stock_after(*past), command, NOW) == Accepted(tuple(events), answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(("past", "command", "refusal"), named(REFUSED))
def test_a_stock_refuses(past: Sequence[Event], command: Command, refusal: Rejected) -> None:
    assert STOCK.decide(stock_after(*past), command, NOW) == refusal


@pytest.mark.parametrize(("command", "field"), MISSHAPEN)
def test_a_misshapen_command_is_refused_whatever_the_state(command: Command, field: str) -> None:
    for past in ([], [RECEIVED, HELD_A, SOLD_A]):
        outcome = STOCK.decide(stock_after(*past), command, NOW)
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.INVALID_COMMAND
        assert outcome.details["field"] == field


@pytest.mark.parametrize("command", [Receive("r-2", 1), Adjust("x", 1, "found")])
def test_on_hand_has_a_bound(command: Command) -> None:
    outcome = STOCK.decide(stock_after(Received("r-1", MOST_ON_HAND)), command, NOW)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.INVALID_COMMAND


def test_quantities_follow_a_reservation_to_each_of_its_ends() -> None:
    def quantities(*events: Event) -> tuple[int, int, int]:
        stock = stock_after(RECEIVED, *events)
        return stock.on_hand, stock.reserved, stock.available

    assert quantities(HELD_A) == (10, 4, 6)
    assert quantities(HELD_A, SOLD_A) == (6, 0, 6)
    assert quantities(HELD_A, RELEASED_A) == (10, 0, 10)
    assert quantities(HELD_A, EXPIRED_A) == (10, 0, 10)
    assert quantities(HELD_A, SOLD_A, RETURNED_A) == (10, 0, 10)


def decide_and_apply(stock: Stock, command: Command, now: int) -> Outcome:
    outcome = STOCK.decide(stock, command, now)
    if isinstance(outcome, Accepted):
        for event in outcome.events:
            STOCK.apply(stock, event)
    return outcome


def test_sold_reservations_are_forgotten_but_their_commits_stay_known() -> None:
    stock = stock_after(Received("r-1", 1_000))
    for number in range(1, 101):
        now = NOW + number * 1_000
        decide_and_apply(stock, Reserve(f"o-{number}", 1, now + 660_000), now)
        decide_and_apply(stock, Commit(f"o-{number}", number, now + 660_000), now)

    assert len(stock.sold) <= SOLD_KEPT_MS // 1_000 + 2
    assert not stock.open
    assert STOCK.decide(stock, Commit("o-1", 1, NOW + 661_000), NOW + 100_000) == Accepted((), Done())


def test_a_late_copy_of_a_forgotten_reservation_holds_units_only_until_it_expires() -> None:
    stock = stock_after(RECEIVED)
    first = Reserve("a", 4, LATER)
    decide_and_apply(stock, first, NOW)
    decide_and_apply(stock, Commit("a", 1, LATER), NOW)
    decide_and_apply(stock, Release("other"), NOW + SOLD_KEPT_MS + 2_000)
    assert decide_and_apply(stock, first, NOW + SOLD_KEPT_MS + 3_000) == Accepted(
        (Reserved("a", 4, LATER),), Held(2, LATER)
    )
    # The repeated commit of the first one sells nothing more.
    assert decide_and_apply(stock, Commit("a", 1, LATER), NOW + SOLD_KEPT_MS + 4_000) == Accepted((), Done())
    decide_and_apply(stock, ReminderDue(), LATER)
    assert (stock.on_hand, stock.reserved) == (6, 0)


def test_ended_reservations_are_remembered_for_seven_days() -> None:
    stock = stock_after(RECEIVED, HELD_A, RELEASED_A)
    decide_and_apply(stock, Release("b"), NOW + ENDED_KEPT_MS)
    assert "a" in stock.ended
    decide_and_apply(stock, Release("c"), NOW + ENDED_KEPT_MS + 1_001)
    assert "a" not in stock.ended
    assert "b" in stock.ended


def test_a_reminder_expires_a_bounded_number_and_comes_again_at_once_for_the_rest() -> None:
    stock = stock_after(Received("r-1", 5_000))
    for number in range(2_500):
        decide_and_apply(stock, Reserve(f"o-{number}", 1, NOW + 1_000), NOW)

    expired = []
    while (due := STOCK.remind_at(stock)) is not None and due <= NOW + 1_000:  # type: ignore[misc]
        outcome = decide_and_apply(stock, ReminderDue(), NOW + 1_000)
        assert isinstance(outcome, Accepted)
        expired.append(sum(isinstance(event, Expired) for event in outcome.events))

    assert expired == [MOST_EXPIRED_AT_ONCE, MOST_EXPIRED_AT_ONCE, 500]
    assert (stock.reserved, STOCK.remind_at(stock)) == (0, None)  # type: ignore[misc]


def test_a_bound_that_became_stale_is_found_anew_once() -> None:
    stock = stock_after(RECEIVED, Reserved("a", 1, NOW), Reserved("b", 1, LATER), Committed("a", 1, NOW))
    assert STOCK.remind_at(stock) == NOW  # type: ignore[misc]
    assert decide_and_apply(stock, ReminderDue(), NOW) == Accepted((NextExpiryFound(LATER),))
    assert STOCK.remind_at(stock) == LATER  # type: ignore[misc]


def test_a_stock_without_open_holds_asks_for_no_reminder() -> None:
    assert STOCK.remind_at(stock_after(RECEIVED, HELD_A, SOLD_A)) is None  # type: ignore[misc]


def test_only_the_newest_receipts_are_remembered() -> None:
    stock = stock_after(*(Received(f"r-{number}", 1) for number in range(RECEIPTS_KEPT + 10)))
    assert len(stock.receipts) == RECEIPTS_KEPT
    assert "r-9" not in stock.receipts
    assert "r-10" in stock.receipts


def test_a_limit_that_ends_forgets_who_bought() -> None:
    stock = stock_after(RECEIVED, PolicySet(0, 5, 0), HELD_A, PolicySet(0, 0, 0))
    assert stock.bought == {}
    assert isinstance(STOCK.decide(stock, Reserve("b", 6, LATER, "ann"), NOW), Accepted)
