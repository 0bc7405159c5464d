"""Whatever is asked of a stock, in whatever order: what must hold after every single command."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import Accepted, Command, ReminderDue
from engine.stock import (
    STOCK,
    Adjust,
    Adjusted,
    Commit,
    Committed,
    Expired,
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
)

NOW = 1_800_000_000_000
IDS = st.sampled_from("abcdefgh")
CUSTOMERS = st.sampled_from(["", "ann", "bob"])
QUANTITIES = st.integers(0, 6)
SECONDS = st.sampled_from([0, 1, 5, 30, 700, 86_400, 8 * 86_400])

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Receive, IDS, st.integers(1, 20)),
    st.builds(Adjust, IDS, st.integers(-10, 10), st.just("count")),
    st.builds(SetPolicy, st.none() | QUANTITIES, st.none() | QUANTITIES, st.none() | QUANTITIES),
    st.builds(Reserve, IDS, QUANTITIES, st.integers(NOW, NOW + 2_000_000), CUSTOMERS),
    st.builds(Commit, IDS, st.integers(0, 12), st.integers(NOW, NOW + 2_000_000)),
    st.builds(Release, IDS),
    st.just(ReminderDue()),
)


class Ledger:
    """What the events add up to, counted apart from the code under test."""

    def __init__(self) -> None:
        self.on_hand = 0
        self.held: dict[str, int] = {}
        self.ends: list[tuple[str, int]] = []
        self.begun: dict[str, int] = {}

    def add(self, event: object) -> None:
        match event:
            case Received():
                self.on_hand += event.quantity
            case Adjusted():
                self.on_hand += event.delta
            case Returned():
                self.on_hand += event.quantity
            case Reserved():
                assert event.reservation_id not in self.held, "a reservation begins once at a time"
                self.held[event.reservation_id] = event.quantity
            case Committed():
                self.on_hand -= event.quantity
                assert self.held.pop(event.reservation_id) == event.quantity
            case Released() | Expired() if event.quantity:
                assert self.held.pop(event.reservation_id) == event.quantity


@settings(max_examples=150)
@given(st.lists(st.tuples(COMMANDS, SECONDS), max_size=40))
def test_quantities_add_up_and_never_fall_below_zero(steps: list[tuple[Command, int]]) -> None:
    stock, folded, ledger, now = Stock("RETRO-CLOCK@default"), Stock("RETRO-CLOCK@default"), Ledger(), NOW
    for command, seconds in steps:
        now += seconds * 1_000
        before = msgspec.msgpack.encode(stock)
        outcome = STOCK.decide(stock, command, now)
        assert msgspec.msgpack.encode(stock) == before, "deciding never changes the state"
        if not isinstance(outcome, Accepted):
            continue
        for event in outcome.events:
            STOCK.apply(stock, event)
            STOCK.apply(folded, event)
            ledger.add(event)
        assert 0 <= stock.reserved <= stock.on_hand
        assert stock.on_hand == ledger.on_hand
        assert stock.reserved == sum(ledger.held.values()) == sum(hold.quantity for hold in stock.open.values())
        assert {key: hold.quantity for key, hold in stock.open.items()} == ledger.held
        assert all(quantity > 0 for quantity in stock.bought.values())
        if stock.open:
            assert 0 < stock.next_expiry <= min(hold.expires_at for hold in stock.open.values())
        assert folded == stock
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(stock), type=Stock) == stock


@settings(max_examples=150)
@given(st.lists(st.tuples(COMMANDS, SECONDS), max_size=25), COMMANDS)
def test_a_command_sent_twice_changes_what_it_changed_once(steps: list[tuple[Command, int]], last: Command) -> None:
    stock, now = Stock("RETRO-CLOCK@default"), NOW
    for command, seconds in steps:
        now += seconds * 1_000
        outcome = STOCK.decide(stock, command, now)
        if isinstance(outcome, Accepted):
            for event in outcome.events:
                STOCK.apply(stock, event)
    first = STOCK.decide(stock, last, now)
    if isinstance(first, Accepted):
        for event in first.events:
            STOCK.apply(stock, event)
        second = STOCK.decide(stock, last, now)
        if isinstance(last, SetPolicy | ReminderDue):
            assert second == Accepted((), second.answer if isinstance(second, Accepted) else None)
        else:
            assert second == Accepted((), first.answer)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=30))
def test_every_unit_received_is_on_hand_sold_or_returned(orders: list[tuple[bool, int, int]]) -> None:
    stock, received, sold = Stock("RETRO-CLOCK@default"), 60, 0

    def carry_out(command: Command) -> object:
        outcome = STOCK.decide(stock, command, NOW)
        if isinstance(outcome, Accepted):
            for event in outcome.events:
                STOCK.apply(stock, event)
            return outcome.answer
        return None

    carry_out(Receive("r-1", received))
    for number, (returns, quantity, repeats) in enumerate(orders):
        name = f"o-{number}"
        held = None
        for _ in range(repeats + 1):
            held = carry_out(Reserve(name, quantity, NOW + 1_000))
        if held is None:
            continue
        for _ in range(repeats + 1):
            carry_out(Commit(name, held.sequence, NOW + 1_000))  # type: ignore[attr-defined]
        sold += quantity
        for _ in range(repeats + 1 if returns else 0):
            carry_out(Return(name, quantity))
        sold -= quantity if returns else 0
        assert stock.on_hand + sold == received
        assert stock.reserved == 0
