"""What ties an order to its account, and that a guest's order has nothing of it."""

import pytest

from engine.account import LookOrders, OpenAccount, OrderNotes
from engine.cart import Line
from engine.handle import HandleView
from engine.kernel import EffectAnswered
from engine.money import Money
from engine.order import Anonymize, Cancel, DeliveryAddress, Fulfil, Order, OrderView, Place
from engine.stock import Receive, stock_key

from .world import World

HOME = DeliveryAddress("Ada", "12 St James's Square", "London", "GB")
CLOCK = Line("RETRO-CLOCK", 1, Money(1_999, "USD"))


def place(customer: str, token: str = "tok_ok") -> Place:
    return Place("print", "ada@example.org", "sandbox", token, (CLOCK,), customer=customer, address=HOME)


def buy(world: World, customer: str, token: str = "tok_ok") -> Order:
    world.send("stock", stock_key("RETRO-CLOCK"), Receive("first", 5))
    assert isinstance(world.send("order", "ord_1", place(customer, token)), OrderView)
    order = world.run("ord_1")
    assert isinstance(order, Order)
    return order


def noted(world: World) -> list[str]:
    found = world.send("account", "acc_ada", LookOrders())
    assert isinstance(found, OrderNotes)
    return [note.order_id for note in found.orders]


@pytest.fixture
def world() -> World:
    made = World()
    made.send("account", "acc_ada", OpenAccount("ada@example.org", "mail_ada"))
    made.send("account", "acc_ada", EffectAnswered("take", HandleView("acc_ada")))
    return made


def test_a_confirmed_order_is_noted_by_its_account(world: World) -> None:
    assert buy(world, "acc_ada").noted
    assert noted(world) == ["ord_1"]
    world.send("order", "ord_1", Cancel())
    world.run("ord_1")
    assert noted(world) == ["ord_1"]


def test_a_failed_order_is_only_kept_in_mind(world: World) -> None:
    assert buy(world, "acc_ada", "tok_declined").noted
    assert noted(world) == []
    assert [note.order_id for note in world.state("account", "acc_ada").orders] == ["ord_1"]


def test_a_guests_order_has_nothing_of_it(world: World) -> None:
    assert not buy(world, "ada@example.org").noted
    assert not any("Noted" in type(event).__name__ for event in world.journal["order", "ord_1"])


def test_an_order_of_an_account_that_is_not_there_comes_to_rest(world: World) -> None:
    assert buy(world, "acc_nobody").noted


def test_an_anonymous_order_still_says_what_was_sold(world: World) -> None:
    before = buy(world, "acc_ada")
    lines = before.lines
    world.send("order", "ord_1", Anonymize())
    world.send("order", "ord_1", Anonymize())
    order = world.run("ord_1")
    assert (order.email, order.token, order.fingerprint) == ("", "", "")
    assert (order.lines, order.total) == (lines, Money(1_999, "USD"))
    # It still has to find its way; then only the country is left.
    assert order.address == HOME
    world.send("order", "ord_1", Fulfil())
    assert world.state("order", "ord_1").address == DeliveryAddress("", "", "", "GB")
    world.check_folds()
