"""Cycle counts: what is booked is the difference at the instant of the count, however much is sold meanwhile."""

from engine.count import ApproveCount, CancelCount, CountStatus, CountView, LookCount, OpenCount, RecordCount
from engine.kernel import Rejected
from engine.reasons import Reason
from engine.stock import Commit, Held, Receive, Reserve, stock_key

from .errands import done, quantities
from .world import START, World

CLOCK, LAMP = "RETRO-CLOCK", "LAVA-LAMP"


def opened() -> World:
    world = World()
    for sku in (CLOCK, LAMP):
        world.send("stock", stock_key(sku), Receive("r-1", 10))
    done(world, "count", "cnt_1", OpenCount("default", (CLOCK, LAMP)))
    return world


def sell(world: World, units: int, name: str = "order") -> None:
    held = world.send("stock", stock_key(CLOCK), Reserve(name, units, START + 60_000))
    assert isinstance(held, Held)
    world.send("stock", stock_key(CLOCK), Commit(name, held.sequence, held.expires_at))


def shown(world: World) -> CountView:
    view = world.send("count", "cnt_1", LookCount())
    assert isinstance(view, CountView)
    return view


def test_a_sheet_shows_what_should_be_there() -> None:
    assert [(line.sku, line.expected) for line in shown(opened()).lines] == [(CLOCK, 10), (LAMP, 10)]


def test_sales_before_and_after_the_count_make_no_difference() -> None:
    world = opened()
    sell(world, 3, "before")
    done(world, "count", "cnt_1", RecordCount(CLOCK, 6))
    sell(world, 2, "after")
    assert shown(world).lines[0].variance == -1
    closed = done(world, "count", "cnt_1", ApproveCount("count"))
    assert isinstance(closed, CountView)
    assert (closed.status, closed.lines[0].booked, closed.lines[1].counted) == (CountStatus.CLOSED, True, None)
    assert (quantities(world, CLOCK).on_hand, quantities(world, LAMP).on_hand) == (4, 10)


def test_a_count_may_say_what_the_stock_said_at_the_shelf() -> None:
    world = opened()
    sell(world, 3)
    done(world, "count", "cnt_1", RecordCount(CLOCK, 11, on_hand_seen=10))
    done(world, "count", "cnt_1", ApproveCount("count"))
    assert quantities(world, CLOCK).on_hand == 8


def test_counting_again_replaces_and_approving_twice_books_once() -> None:
    world = opened()
    for counted in (3, 9):
        done(world, "count", "cnt_1", RecordCount(CLOCK, counted))
    for _ in range(2):
        done(world, "count", "cnt_1", ApproveCount("count"))
    assert quantities(world, CLOCK).on_hand == 9


def test_a_difference_that_would_take_held_units_is_refused_and_told() -> None:
    world = opened()
    world.send("stock", stock_key(CLOCK), Reserve("held", 8, START + 60_000))
    done(world, "count", "cnt_1", RecordCount(CLOCK, 5))
    done(world, "count", "cnt_1", ApproveCount("count"))
    line = shown(world).lines[0]
    assert (line.refusal, line.booked, quantities(world, CLOCK).on_hand) == ("stock-in-use", False, 10)
    assert shown(world).status is CountStatus.CLOSED


def test_nothing_is_approved_while_a_count_is_being_compared_or_was_cancelled() -> None:
    world = opened()
    world.send("count", "cnt_1", RecordCount(CLOCK, 5))
    for command in (ApproveCount(), CancelCount(), ApproveCount(), RecordCount(CLOCK, 5)):
        reply = world.send("count", "cnt_1", command)
        if isinstance(command, CancelCount):
            assert not isinstance(reply, Rejected)
        else:
            assert isinstance(reply, Rejected)
            assert reply.reason is Reason.WRONG_STATE
    world.check_folds()
