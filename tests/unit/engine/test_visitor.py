"""A visitor: no event twice, one customer for what an anonymous one did, nothing left where it was forgotten."""

from typing import Any

import msgspec
import pytest

from engine.kernel import EffectAnswered, Rejected, Reply, Send
from engine.money import Money
from engine.visitor import (
    IDS_KEPT,
    INTERESTS_KEPT,
    MOST_DEVICES,
    MOST_EVENTS,
    MOST_INTERESTS,
    MOST_RECENT,
    Action,
    Behaved,
    BehaviourNoted,
    ForgetVisitor,
    JoinAccount,
    LookVisitor,
    RecordBehaviour,
    Shown,
    TakeInBehaviour,
    Visitor,
    VisitorView,
    anonymous_key,
    band_of,
    effects,
    settled,
    unlinked_key,
)

from .world import DAY_MS, START, World

ANONYMOUS = anonymous_key("browser-1")
ADA = "acc_ada"
CLOCK = Shown("Home > Clocks", "Acme", Money(1_999, "USD"))
LAMP = Shown("Home > Lamps", "Lumen", Money(8_900, "USD"))


def view(event_id: str, sku: str = "RETRO-CLOCK", action: Action = Action.VIEW, at: int = START) -> Behaved:
    return Behaved(event_id, action, at, sku)


class Visits:
    """A world with visitors in it, whose effects are carried out when they are asked for."""

    def __init__(self) -> None:
        self.world = World()

    def send(self, key: str, command: Any) -> Reply:
        return self.world.send("visitor", key, command)

    def record(self, key: str, *events: Behaved) -> Reply:
        return self.send(key, RecordBehaviour(events, {"RETRO-CLOCK": CLOCK, "DESK-LAMP": LAMP}))

    def state(self, key: str) -> Visitor:
        state = self.world.state("visitor", key)
        assert isinstance(state, Visitor)
        return state

    def look(self, key: str) -> VisitorView:
        seen = self.send(key, LookVisitor())
        assert isinstance(seen, VisitorView)
        return seen

    def ids(self, key: str) -> list[str]:
        return [behaved.id for behaved in self.look(key).recent]

    def run(self, key: str, *, times: int = 1) -> None:
        """Carry out what the visitor waits for, each so many times, as after lost answers."""
        for effect in effects(self.state(key)):
            assert isinstance(effect, Send)
            replies = [self.send(effect.key, effect.command) for _ in range(times)]
            self.send(key, EffectAnswered(effect.id, replies[-1]))
        assert settled(self.state(key)) is not None


@pytest.fixture
def visits() -> Visits:
    return Visits()


def test_an_event_counts_once_however_often_it_is_sent(visits: Visits) -> None:
    assert visits.record(ANONYMOUS, view("e-1"), view("e-2"), view("e-1")) == BehaviourNoted(2, 1)
    assert visits.record(ANONYMOUS, view("e-2"), view("e-3")) == BehaviourNoted(1, 1)
    assert visits.record(ANONYMOUS, view("e-3")) == BehaviourNoted(0, 1)
    assert visits.ids(ANONYMOUS) == ["e-1", "e-2", "e-3"]
    assert len(visits.world.journal["visitor", ANONYMOUS]) == 2
    visits.world.check_folds()


def test_what_is_kept_of_a_visitor_is_bounded(visits: Visits) -> None:
    for batch in range(12):
        events = [view(f"e-{batch}-{number}", f"SKU-{batch}-{number}") for number in range(50)]
        shown = {event.sku: Shown(event.sku, f"vendor of {event.sku}", CLOCK.price) for event in events}
        visits.send(ANONYMOUS, RecordBehaviour(tuple(events), shown))
    state = visits.state(ANONYMOUS)
    assert (len(state.recent), len(state.seen), state.recorded) == (MOST_RECENT, IDS_KEPT, 600)
    assert INTERESTS_KEPT <= len(state.interests) <= MOST_INTERESTS
    for number in range(40):
        visits.send(ADA, TakeInBehaviour(anonymous_key(f"browser-{number}"), 1, (view(f"d-{number}"),), {}))
    assert len(visits.state(ADA).devices) == MOST_DEVICES
    visits.world.check_folds()


@pytest.mark.parametrize(
    "events",
    [(), tuple(view(f"e-{number}") for number in range(MOST_EVENTS + 1)), (view(""),), (view("e" * 65),)],
    ids=["none", "too many", "no id", "a long id"],
)
def test_a_batch_that_nobody_could_mean_is_refused(visits: Visits, events: tuple[Behaved, ...]) -> None:
    assert isinstance(visits.send(ANONYMOUS, RecordBehaviour(events)), Rejected)


def test_interests_are_what_the_products_were_and_grow_weaker_with_time(visits: Visits) -> None:
    visits.record(ANONYMOUS, view("e-1"), view("e-2", action=Action.ADD_TO_CART), view("e-3", "UNKNOWN-SKU"))
    assert visits.look(ANONYMOUS).interests == {
        "category:Home > Clocks": 5_000,
        "vendor:Acme": 5_000,
        "price:USD:1000": 5_000,
    }
    visits.world.now += 30 * DAY_MS
    visits.record(ANONYMOUS, view("e-4", "DESK-LAMP"))
    later = visits.look(ANONYMOUS).interests
    assert 2_400 < later["vendor:Acme"] < 2_600
    assert later["vendor:Lumen"] == 1_000
    visits.world.now += 500 * DAY_MS
    visits.record(ANONYMOUS, view("e-5", "DESK-LAMP"))
    assert set(visits.look(ANONYMOUS).interests) == {"category:Home > Lamps", "vendor:Lumen", "price:USD:5000"}
    visits.world.check_folds()


def test_what_is_taken_out_of_the_cart_is_liked_less(visits: Visits) -> None:
    visits.record(ANONYMOUS, view("e-1"), view("e-2", action=Action.REMOVE_FROM_CART))
    assert visits.look(ANONYMOUS).interests == {}


@pytest.mark.parametrize(
    ("amount", "band"), [(0, "USD:0"), (499, "USD:0"), (500, "USD:500"), (10**9, "USD:1000000"), (-1, "USD:0")]
)
def test_prices_are_told_by_their_band(amount: int, band: str) -> None:
    assert band_of(Money(amount, "USD")) == band


def test_what_an_anonymous_visitor_did_is_the_customers_after_the_login_and_once(visits: Visits) -> None:
    visits.record(ADA, view("e-2", at=START + 2))
    visits.record(ANONYMOUS, view("e-1", "DESK-LAMP", at=START + 1), view("e-3", at=START + 3))
    visits.send(ANONYMOUS, JoinAccount(ADA))
    visits.send(ANONYMOUS, JoinAccount(ADA))
    visits.record(ANONYMOUS, view("e-4", at=START + 4))
    visits.run(ANONYMOUS, times=3)
    assert visits.ids(ADA) == ["e-1", "e-2", "e-3"]
    assert visits.look(ADA).interests["vendor:Lumen"] == 1_000
    assert visits.ids(ANONYMOUS) == ["e-4"]
    visits.world.check_folds()


def test_a_second_login_while_the_first_is_under_way_takes_the_rest(visits: Visits) -> None:
    for number in range(1, 4):
        visits.record(ANONYMOUS, view(f"e-{number}"))
        visits.send(ANONYMOUS, JoinAccount(ADA))
    for _ in range(3):
        for effect in effects(visits.state(ANONYMOUS)):
            assert isinstance(effect, Send)
            visits.send(effect.key, effect.command)
            visits.send(ANONYMOUS, EffectAnswered(effect.id, visits.send(effect.key, effect.command)))
    assert visits.ids(ADA) == ["e-1", "e-2", "e-3"]
    assert settled(visits.state(ANONYMOUS)) is not None
    visits.world.check_folds()


def test_each_login_takes_what_was_done_since_the_one_before(visits: Visits) -> None:
    for event_id, customer in (("e-1", ADA), ("e-2", "acc_bob"), ("e-3", ADA)):
        visits.record(ANONYMOUS, view(event_id))
        visits.send(ANONYMOUS, JoinAccount(customer))
        visits.run(ANONYMOUS)
    assert visits.ids(ADA) == ["e-1", "e-3"]
    assert visits.ids("acc_bob") == ["e-2"]


def test_a_retry_from_before_the_login_is_known_after_it(visits: Visits) -> None:
    visits.record(ANONYMOUS, view("e-1"))
    visits.send(ANONYMOUS, JoinAccount(ADA))
    visits.run(ANONYMOUS)
    assert visits.record(ANONYMOUS, view("e-1")) == BehaviourNoted(0, 1)


def test_only_an_anonymous_visitor_can_join_an_account(visits: Visits) -> None:
    assert isinstance(visits.send(ADA, JoinAccount("acc_bob")), Rejected)
    assert isinstance(visits.send(ANONYMOUS, JoinAccount("browser-2")), Rejected)


def test_forgetting_empties_the_visitor_and_the_devices_it_came_from(visits: Visits) -> None:
    visits.record(ANONYMOUS, view("e-1"))
    visits.send(ANONYMOUS, JoinAccount(ADA))
    visits.run(ANONYMOUS)
    visits.record(ANONYMOUS, view("e-2"))
    visits.send(ADA, ForgetVisitor())
    visits.run(ADA, times=2)
    assert visits.ids(ADA) == visits.ids(ANONYMOUS) == []
    assert visits.look(ADA).interests == {}
    assert visits.state(ADA).forgotten == [ANONYMOUS]
    assert visits.record(ADA, view("e-3")) == BehaviourNoted(1, 0)
    visits.world.check_folds()


def test_nothing_is_recorded_of_a_customer_who_was_erased(visits: Visits) -> None:
    visits.send(ADA, ForgetVisitor(for_good=True))
    assert visits.record(ADA, view("e-1")) == BehaviourNoted(0, 0)
    visits.record(ANONYMOUS, view("e-2"))
    visits.send(ANONYMOUS, JoinAccount(ADA))
    visits.run(ANONYMOUS)
    assert visits.ids(ADA) == []
    assert b"e-2" not in msgspec.msgpack.encode(visits.state(ADA))
    assert visits.send(ADA, ForgetVisitor(for_good=True)) == BehaviourNoted()
    visits.world.check_folds()


def test_a_visitor_of_whom_nothing_is_known_has_nothing_to_forget_and_nothing_to_hand_over(visits: Visits) -> None:
    visits.send(ANONYMOUS, ForgetVisitor())
    visits.send(ANONYMOUS, JoinAccount(ADA))
    assert visits.world.journal["visitor", ANONYMOUS] == []


def test_of_those_who_do_not_want_to_be_known_only_ids_are_remembered(visits: Visits) -> None:
    key = unlinked_key("e-1")
    assert key == unlinked_key("e-1")
    visits.record(key, view("e-1"))
    assert visits.record(key, view("e-1")) == BehaviourNoted(0, 1)
    seen = visits.look(key)
    assert (seen.recent, seen.interests, seen.recorded) == ((), {}, 1)
