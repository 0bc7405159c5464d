"""Coupons, gift cards and store credit: what is put, issued and topped up, and who may use it."""

from typing import Any

import pytest

from engine.coupon import COUPON, LookCoupon, PutCoupon, normalized
from engine.gift_card import (
    GIFT_CARD,
    STORE_CREDIT,
    CardView,
    IssueCard,
    LookCard,
    SetCard,
    TopUp,
    store_credit_key,
)
from engine.kernel import Command, Kind, Rejected, Reply
from engine.money import Money
from engine.reasons import Reason
from engine.reservation import DAY_MS, Commit, Done, Held, Release, Reserve, Return

NOW = 1_800_000_000_000
UNTIL = NOW + 60_000


class Entity:
    """One entity, decided and applied at once."""

    def __init__(self, kind: Kind, key: str) -> None:
        self.kind, self.state, self.now = kind, kind.new(key), NOW

    def send(self, command: Command) -> Reply:
        outcome = self.kind.decide(self.state, command, self.now)
        if isinstance(outcome, Rejected):
            return outcome
        for event in outcome.events:
            self.kind.apply(self.state, event)
        return outcome.answer

    def reason(self, command: Command) -> Reason | None:
        reply = self.send(command)
        return reply.reason if isinstance(reply, Rejected) else None


def use(name: str, customer: str = "ann", terms: str = "") -> Reserve:
    return Reserve(name, 1, UNTIL, customer, terms)


@pytest.fixture
def coupon() -> Entity:
    return Entity(COUPON, "SUMMER10")


@pytest.mark.parametrize("written", ["summer10", "SUMMER-10", " Summer 10 ", "summer_10"])
def test_a_code_is_the_same_however_it_is_written(written: str) -> None:
    assert normalized(written) == "SUMMER10"


def test_putting_a_coupon_again_changes_nothing(coupon: Entity) -> None:
    first = coupon.send(PutCoupon("summer", limit=3, if_version=0))
    assert coupon.send(PutCoupon("summer", limit=3, if_version=0)) == first
    assert coupon.reason(PutCoupon("summer", limit=4, if_version=0)) is Reason.VERSION_CONFLICT
    assert coupon.send(LookCoupon()) == first


COUPON_REFUSALS = [
    (None, Reason.COUPON_UNKNOWN),
    (PutCoupon("summer", enabled=False), Reason.COUPON_ENDED),
    (PutCoupon("summer", ends_at=NOW), Reason.COUPON_ENDED),
    (PutCoupon("winter"), Reason.COUPON_ENDED),
]


@pytest.mark.parametrize(("put", "reason"), COUPON_REFUSALS)
def test_a_coupon_that_does_not_hold_is_refused(coupon: Entity, put: PutCoupon | None, reason: Reason) -> None:
    if put is not None:
        coupon.send(put)
    assert coupon.reason(use("ord-1:0", terms="summer")) is reason


def test_a_limit_per_customer_counts_what_is_held_and_used_and_forgets_what_came_back(coupon: Entity) -> None:
    coupon.send(PutCoupon("summer", customer_limit=1))
    assert isinstance(coupon.send(use("ord-1:0")), Held)
    assert coupon.reason(use("ord-2:0")) is Reason.COUPON_LIMIT
    assert isinstance(coupon.send(use("ord-3:0", "bob")), Held)
    coupon.send(Commit("ord-1:0", 1, UNTIL))
    assert coupon.reason(use("ord-4:0")) is Reason.COUPON_LIMIT
    coupon.send(Return("ord-1:0", 1, "ann"))
    assert isinstance(coupon.send(use("ord-5:0")), Held)
    coupon.send(Release("ord-5:0"))
    assert (coupon.state.used, coupon.state.used_by) == (0, {"bob": 1})


def test_a_limit_that_comes_later_counts_from_what_is_held(coupon: Entity) -> None:
    coupon.send(PutCoupon("summer"))
    coupon.send(use("ord-1:0"))
    coupon.send(PutCoupon("summer", customer_limit=1))
    assert coupon.reason(use("ord-2:0")) is Reason.COUPON_LIMIT
    coupon.send(PutCoupon("summer"))
    assert coupon.state.used_by == {}


WRONG: list[tuple[str, Command]] = [
    ("SUMMER10", PutCoupon("")),
    ("SUMMER10", PutCoupon("summer", limit=-1)),
    ("summer", PutCoupon("summer")),
    ("", PutCoupon("summer")),
]


@pytest.mark.parametrize(("key", "command"), WRONG)
def test_a_coupon_that_can_not_be_is_refused(key: str, command: Command) -> None:
    assert Entity(COUPON, key).reason(command) is Reason.INVALID_COMMAND


# -- gift cards


@pytest.fixture
def card() -> Entity:
    card = Entity(GIFT_CARD, "card-1")
    card.send(IssueCard(Money(5_000, "USD"), "...4711"))
    return card


def balance(card: Entity) -> tuple[int, int]:
    view = card.send(LookCard())
    assert isinstance(view, CardView)
    return view.balance, view.available


def test_a_card_is_issued_once(card: Entity) -> None:
    assert isinstance(card.send(IssueCard(Money(5_000, "USD"), "...4711")), CardView)
    assert card.reason(IssueCard(Money(9_000, "USD"), "...4711")) is Reason.KEY_REUSED
    assert balance(card) == (5_000, 5_000)


def test_a_top_up_comes_once(card: Entity) -> None:
    assert card.send(TopUp("t-1", Money(500, "USD"))) == card.send(TopUp("t-1", Money(500, "USD"))) == Done()
    assert card.reason(TopUp("t-2", Money(500, "EUR"))) is Reason.CURRENCY_MISMATCH
    assert balance(card) == (5_500, 5_500)


CARD_REFUSALS: list[tuple[SetCard, str, Reason]] = [
    (SetCard(blocked=True), "USD", Reason.GIFT_CARD_BLOCKED),
    (SetCard(expires_at=NOW), "USD", Reason.GIFT_CARD_EXPIRED),
    (SetCard(), "EUR", Reason.CURRENCY_MISMATCH),
]


@pytest.mark.parametrize(("change", "currency", "reason"), CARD_REFUSALS)
def test_a_card_that_does_not_hold_is_refused(card: Entity, change: SetCard, currency: str, reason: Reason) -> None:
    card.send(change)
    assert card.reason(Reserve("ord-1:0", 100, UNTIL, "ann", currency)) is reason


def test_money_that_was_held_before_the_card_was_blocked_is_still_spent(card: Entity) -> None:
    card.send(Reserve("ord-1:0", 100, UNTIL))
    card.send(SetCard(blocked=True, note="reported stolen"))
    assert card.send(Commit("ord-1:0", 1, UNTIL)) == Done()
    assert balance(card) == (4_900, 4_900)


def test_a_ledger_adds_up_over_its_whole_life(card: Entity) -> None:
    card.send(TopUp("t-1", Money(500, "USD")))
    card.send(Reserve("ord-1:0", 1_000, UNTIL))
    card.send(Reserve("ord-2:0", 4_500, UNTIL))
    assert balance(card) == (5_500, 0)
    card.send(Commit("ord-1:0", 1, UNTIL))
    card.send(Release("ord-2:0"))
    assert balance(card) == (4_500, 4_500)
    card.now += DAY_MS
    card.send(Return("ord-1:0", 1_000))
    assert balance(card) == (5_500, 5_500)


def test_a_card_that_was_never_issued_is_nowhere() -> None:
    card = Entity(GIFT_CARD, "card-9")
    for command in (LookCard(), TopUp("t-1", Money(1, "USD")), SetCard(blocked=True)):
        assert card.reason(command) is Reason.NOT_FOUND


def test_store_credit_begins_with_what_first_comes_in() -> None:
    credit = Entity(STORE_CREDIT, store_credit_key("acc-1", "USD"))
    assert credit.reason(LookCard()) is Reason.NOT_FOUND
    assert credit.reason(Reserve("ord-1:0", 1, UNTIL)) is Reason.GIFT_CARD_UNKNOWN
    credit.send(TopUp("refund-1", Money(700, "USD")))
    assert balance(credit) == (700, 700)


MISSHAPEN: list[Any] = [
    IssueCard(Money(0, "USD")),
    IssueCard(Money(1, "usd")),
    IssueCard(Money(1, "USD"), note="x" * 256),
    TopUp("", Money(1, "USD")),
    TopUp("t", Money(-1, "USD")),
    SetCard(note="x" * 256),
]


@pytest.mark.parametrize("command", MISSHAPEN)
def test_what_no_card_could_accept_is_refused_as_such(card: Entity, command: Command) -> None:
    assert card.reason(command) is Reason.INVALID_COMMAND
