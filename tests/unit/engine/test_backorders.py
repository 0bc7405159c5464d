"""Back-orders and pre-orders: promised up to a limit, filled in order, never a quantity below zero."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backorders import BackorderView, LookBackorder
from engine.kernel import Accepted, Command, Rejected, ReminderDue, Reply
from engine.reasons import Reason
from engine.reservation import Commit, Committed, Done, Held, Release, Reserve, Return
from engine.stock import STOCK, Adjust, Dispatched, LookStock, Receive, Received, Returned, SetPolicy, StockView

NOW = 1_800_000_000_000
MINUTE_MS = 60_000
FRIDAY = NOW + 5 * 86_400_000


class Shelf:
    """A stock at work, read back from bytes after each command; `totals` adds up what its events say."""

    def __init__(self, limit: int = 5, ships_from: int = FRIDAY) -> None:
        self.state = STOCK.new("GAME-CONSOLE@default")
        self.now = NOW
        self.receipts = 0
        self.totals = {"Received": 0, "Returned": 0, "Committed": 0, "Adjusted": 0}
        self.send(SetPolicy(backorder_limit=limit, available_from=ships_from))

    def send(self, command: Command) -> Reply:
        outcome = STOCK.decide(self.state, command, self.now)
        if isinstance(outcome, Rejected):
            return outcome
        assert isinstance(outcome, Accepted)
        for event in msgspec.msgpack.decode(msgspec.msgpack.encode(outcome.events), type=list[STOCK.events]):
            STOCK.apply(self.state, event)
            if isinstance(event, Received | Returned | Committed):
                self.totals[type(event).__name__] += event.quantity
            assert not isinstance(event, Dispatched)
        self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=STOCK.state)
        self.audit()
        return outcome.answer

    def audit(self) -> None:
        state = self.state
        assert min(state.on_hand, state.reserved, state.promised, *state.bought.values(), 0) == 0
        assert state.reserved == sum(hold.quantity for hold in state.open.values()) <= state.on_hand
        assert state.promised == sum(promise.quantity for promise in state.promises.values())
        assert self.totals["Received"] + self.totals["Returned"] == state.on_hand + self.totals["Committed"]

    def reserve(self, name: str, quantity: int = 1, customer: str = "") -> Any:
        return self.send(Reserve(f"{name}:0", quantity, self.now + MINUTE_MS, customer))

    def buy(self, name: str, quantity: int = 1) -> Any:
        reply = self.reserve(name, quantity)
        return self.send(Commit(f"{name}:0", reply.sequence, reply.expires_at)) if type(reply) is Held else reply

    def receive(self, quantity: int) -> None:
        self.receipts += 1
        assert self.send(Receive(f"receipt-{self.receipts}", quantity)) == Done()

    def waiting(self, name: str) -> BackorderView:
        view = self.send(LookBackorder(name))
        assert isinstance(view, BackorderView)
        return view

    @property
    def view(self) -> StockView:
        view = self.send(LookStock())
        assert isinstance(view, StockView)
        return view


def test_units_are_promised_up_to_the_limit_with_their_date() -> None:
    shelf = Shelf(limit=3)
    assert shelf.reserve("ann", 2) == Held(1, NOW + MINUTE_MS, backordered=True, ships_from=FRIDAY)
    refusal = shelf.reserve("bob", 2)
    assert (refusal.reason, refusal.details["available"]) == (Reason.INSUFFICIENT_STOCK, 0)
    assert shelf.buy("cid") == Done()
    assert (shelf.view.on_hand, shelf.view.promised, shelf.view.backorderable) == (0, 3, 0)


def test_without_a_limit_nothing_is_promised() -> None:
    assert Shelf(limit=0).reserve("ann").reason is Reason.INSUFFICIENT_STOCK


def test_what_is_here_is_sold_first() -> None:
    shelf = Shelf()
    shelf.receive(1)
    assert shelf.reserve("ann") == Held(1, NOW + MINUTE_MS)
    assert shelf.reserve("bob").backordered


def test_goods_that_arrive_go_to_the_oldest_promises_first() -> None:
    shelf = Shelf()
    for name in ("ann", "bob", "cid"):
        shelf.buy(name)
    assert [shelf.waiting(name).ahead for name in ("ann", "bob", "cid")] == [0, 1, 2]
    shelf.receive(2)
    assert [shelf.waiting(name).waiting for name in ("ann", "bob", "cid")] == [0, 0, 1]
    assert (shelf.view.on_hand, shelf.view.promised, shelf.view.available) == (0, 1, 0)


def test_nobody_passes_by_whoever_waits_for_more() -> None:
    shelf = Shelf()
    shelf.buy("big", 4)
    shelf.receive(2)
    assert shelf.view.available == 0
    assert shelf.reserve("small", 1).backordered
    assert shelf.reserve("small-2", 1).reason is Reason.INSUFFICIENT_STOCK
    shelf.receive(3)
    assert (shelf.waiting("big").waiting, shelf.waiting("small").waiting, shelf.view.on_hand) == (0, 0, 1)


def test_an_unpaid_promise_expires_and_makes_room() -> None:
    shelf = Shelf(limit=1)
    shelf.reserve("ann")
    shelf.now += MINUTE_MS
    shelf.send(ReminderDue())
    assert shelf.view.promised == 0
    assert shelf.buy("bob") == Done()
    assert STOCK.remind_at is not None
    shelf.now += 86_400_000
    shelf.send(ReminderDue())
    assert (STOCK.remind_at(shelf.state), shelf.view.promised) == (None, 1), "a paid promise is kept"


def test_a_promise_that_was_filled_unpaid_is_a_reservation_like_any_other() -> None:
    shelf = Shelf()
    held = shelf.reserve("ann", 2)
    shelf.receive(2)
    assert (shelf.view.reserved, shelf.view.available) == (2, 0)
    assert shelf.send(Commit("ann:0", held.sequence, held.expires_at)) == Done()
    assert shelf.view.on_hand == 0


def test_retries_get_their_first_answers() -> None:
    shelf = Shelf()
    first = shelf.reserve("ann")
    assert shelf.reserve("ann") == first
    commit = Commit("ann:0", first.sequence, first.expires_at)
    assert shelf.send(commit) == shelf.send(commit) == Done()
    assert shelf.send(Release("ann:0")) == Done()
    assert shelf.view.promised == 1, "a late release undoes no commit"
    shelf.receive(1)
    assert shelf.send(commit) == Done()
    assert (shelf.view.on_hand, shelf.totals["Committed"]) == (0, 1)


def test_a_released_promise_never_begins_again() -> None:
    shelf = Shelf()
    shelf.reserve("ann")
    shelf.send(Release("ann:0"))
    assert (shelf.view.promised, shelf.reserve("ann").reason) == (0, Reason.RESERVATION_ENDED)


def test_a_cancelled_back_order_brings_no_unit_back_and_lets_the_next_up() -> None:
    shelf = Shelf()
    shelf.buy("ann", 3)
    shelf.buy("bob", 1)
    shelf.receive(1)
    back = Return("ann:0", 3)
    assert shelf.send(back) == shelf.send(back) == Done()
    assert (shelf.waiting("bob").waiting, shelf.view.on_hand) == (0, 0)


def test_a_part_of_a_back_order_is_cancelled_by_a_name_of_its_own() -> None:
    shelf = Shelf()
    shelf.buy("ann", 3)
    assert shelf.send(Return("ann:cancel-1:0", 2)) == Done()
    assert shelf.send(Return("ann:cancel-1:0", 2)) == Done()
    assert shelf.waiting("ann").waiting == 1
    shelf.receive(1)
    assert (shelf.view.on_hand, shelf.totals["Committed"]) == (0, 1)


@pytest.mark.parametrize("command", [Adjust("found", 1, "count"), SetPolicy(safety_stock=0), Return("old:0", 1)])
def test_whatever_frees_a_unit_fills_a_promise(command: Command) -> None:
    shelf = Shelf()
    if isinstance(command, SetPolicy):
        shelf.receive(1)
        shelf.send(SetPolicy(safety_stock=1))
    shelf.reserve("ann")
    if isinstance(command, Adjust):
        shelf.totals["Received"] += 1
    shelf.send(command)
    assert (shelf.waiting("ann").waiting, shelf.view.reserved) == (0, 1)


def test_the_limit_per_customer_counts_promises() -> None:
    shelf = Shelf()
    shelf.send(SetPolicy(customer_limit=2))
    shelf.reserve("one", 2, customer="ann")
    assert shelf.reserve("two", 1, customer="ann").reason is Reason.CUSTOMER_LIMIT
    shelf.send(Release("one:0"))
    assert shelf.reserve("three", 1, customer="ann").backordered


def test_an_old_journal_reads_as_a_stock_without_back_orders() -> None:
    old = STOCK.new("GAME-CONSOLE@default")
    fields = msgspec.to_builtins(old)[:16]
    assert msgspec.convert(fields, STOCK.state).backorder_limit == 0


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "commit", "release", "return", "receive", "late"]),
            st.integers(0, 7),
            st.integers(1, 4),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_quantities_add_up(steps: list[tuple[str, int, int]]) -> None:
    shelf = Shelf(limit=8)
    held: dict[str, Any] = {}
    for number, (step, who, quantity) in enumerate(steps):
        name = f"order-{who}"
        match step:
            case "reserve":
                held.setdefault(name, (shelf.reserve(name, quantity), quantity))
            case "commit" if name in held and type(held[name][0]) is Held:
                shelf.send(Commit(f"{name}:0", held[name][0].sequence, held[name][0].expires_at))
                held[name] = ("sold", held[name][1])
            case "release" if name in held and type(held[name][0]) is Held:
                shelf.send(Release(f"{name}:0"))
                held[name] = ("ended", 0)
            case "return" if name in held and held[name][0] == "sold" and shelf.state.sold.get(f"{name}:0") is None:
                if any(key == f"{name}:0" and promise.paid for key, promise in shelf.state.promises.items()):
                    shelf.send(Return(f"{name}:0", held[name][1]))
                held[name] = ("ended", 0)
            case "receive":
                shelf.receive(quantity)
            case "late":
                shelf.now += MINUTE_MS
                shelf.send(ReminderDue())
        assert number >= 0
    oldest = next(iter(shelf.state.promises.values()), None)
    assert oldest is None or oldest.quantity > shelf.state.available, "nobody waits for what is here"
