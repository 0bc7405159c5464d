"""What comes into a stock beside sales: costs that are averaged, expectations that are told, units for elsewhere."""

from engine.incoming import EXPECTATIONS_KEPT, Dispatch, DispatchTaken, Expect
from engine.kernel import Rejected
from engine.stock import Adjust, Receive, Reserve, SetPolicy, stock_key

from .errands import quantities
from .world import DAY_MS, START, World

SKU = "LAVA-LAMP"
KEY = stock_key(SKU)


def world_with(*commands: object) -> World:
    world = World()
    for command in commands:
        assert not isinstance(world.send("stock", KEY, command), Rejected)  # type: ignore[arg-type]
    return world


def test_the_average_cost_moves_with_what_is_on_hand() -> None:
    world = world_with(
        Receive("r-1", 10, cost=1_000, currency="USD"),
        Adjust("broken", -6, "breakage"),
        Receive("r-2", 4, cost=800, currency="USD"),
    )
    # 4 left of 100 each, 4 new of 200 each.
    assert (quantities(world, SKU).average_cost_milli, quantities(world, SKU).cost_currency) == (150_000, "USD")


def test_units_of_unknown_or_foreign_cost_leave_the_average_alone() -> None:
    world = world_with(Receive("r-0", 90), Receive("r-1", 10, cost=1_000, currency="USD"), Receive("r-2", 5))
    assert quantities(world, SKU).average_cost_milli == 100_000
    world.send("stock", KEY, Receive("r-3", 5, cost=1, currency="JPY"))
    assert (quantities(world, SKU).average_cost_milli, quantities(world, SKU).cost_currency) == (100_000, "USD")


def test_what_is_expected_counts_as_incoming_until_it_has_come() -> None:
    world = world_with(
        SetPolicy(incoming=1),
        Expect("po-1:A", 1, 10, START + 3 * DAY_MS),
        Expect("po-2:A", 1, 5, START + 2 * DAY_MS),
    )
    assert (quantities(world, SKU).incoming, quantities(world, SKU).expected_at) == (16, START + 2 * DAY_MS)
    world.send("stock", KEY, Expect("po-2:A", 2, 0))
    assert (quantities(world, SKU).incoming, quantities(world, SKU).expected_at) == (11, START + 3 * DAY_MS)
    # A late copy of the first word brings nothing back.
    world.send("stock", KEY, Expect("po-2:A", 1, 5, START + 2 * DAY_MS))
    assert quantities(world, SKU).incoming == 11


def test_expectations_are_bounded_and_make_room_when_they_are_over() -> None:
    world = world_with(*(Expect(f"po-{number}", 1, 1) for number in range(EXPECTATIONS_KEPT)))
    assert isinstance(world.send("stock", KEY, Expect("one-more", 1, 1)), Rejected)
    world.send("stock", KEY, Expect("po-7", 2, 0))
    assert not isinstance(world.send("stock", KEY, Expect("one-more", 1, 1)), Rejected)
    assert quantities(world, SKU).incoming == len(world.state("stock", KEY).expected) == EXPECTATIONS_KEPT


def test_a_dispatch_takes_all_or_nothing_and_never_what_is_held() -> None:
    world = world_with(Receive("r-1", 10, cost=1_000, currency="USD"), Reserve("held", 4, START + 60_000))
    assert world.send("stock", KEY, Dispatch("t:0", 7)) == DispatchTaken(0, 100_000, "USD")
    assert world.send("stock", KEY, Dispatch("t:1", 6)) == DispatchTaken(6, 100_000, "USD")
    assert quantities(world, SKU).on_hand == quantities(world, SKU).reserved == 4


def test_a_dispatch_is_answered_the_same_for_good() -> None:
    world = world_with(Receive("r-1", 3))
    assert world.send("stock", KEY, Dispatch("t:0", 5)) == DispatchTaken(0, 0, "")
    world.send("stock", KEY, Receive("r-2", 9, cost=90, currency="USD"))
    # Nobody waits for these units any more: a late copy must not take them.
    assert world.send("stock", KEY, Dispatch("t:0", 5)) == DispatchTaken(0, 0, "")
    assert world.send("stock", KEY, Dispatch("t:1", 5)) == world.send("stock", KEY, Dispatch("t:1", 5))
    assert quantities(world, SKU).on_hand == 7
    world.check_folds()
