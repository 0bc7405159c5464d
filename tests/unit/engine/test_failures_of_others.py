"""What went wrong in other shops' engines, one test each, so far as entities and the checkout process decide it."""

from itertools import permutations

import pytest

from engine.cart import AddLine, CartView, Line, LookCart, OpenCart, RemoveLine, Seal, SetLine
from engine.kernel import Rejected, Request, Send
from engine.money import Money
from engine.order import LookOrder, OrderView, Place, SettlePayment, Status
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.records import LineUnits
from engine.order.aftersale.refunds import RefundOrder
from engine.order.events import OrderConfirmed
from engine.payment import Authorized
from engine.reasons import Reason
from engine.stock import Adjust, LookStock, Receive, Release, Reserve, Return, Stock, StockView, stock_key

from .world import World

PRICE = Money(1_999, "USD")
CLOCK = stock_key("RETRO-CLOCK")


def buy(*lines: Line, cart_id: str = "", token: str = "tok_ok") -> Place:
    return Place("fp", "ann@example.org", "sandbox", token, lines, cart_id)


def status_of(world: World, order_id: str) -> Status:
    view = world.send("order", order_id, LookOrder())
    assert isinstance(view, OrderView)
    return view.status


@pytest.fixture
def world() -> World:
    world = World()
    world.send("stock", CLOCK, Receive("r-1", 1))
    return world


def test_saleor_543_vendure_1738_and_3508_medusa_16825_the_last_unit_is_sold_once(world: World) -> None:
    orders = [f"ord-{number}" for number in range(10)]
    for order_id in orders:
        world.send("order", order_id, buy(Line("RETRO-CLOCK", 1, PRICE)))
    # All of them have asked before the first one pays.
    asked = [(order_id, effect) for order_id in orders for effect in world.effects(order_id)]
    for order_id, effect in asked:
        world.answer(order_id, effect.id, world.carry_out(effect))
    for order_id in orders:
        world.run(order_id)
    assert [status_of(world, order_id) for order_id in orders].count(Status.CONFIRMED) == 1
    assert world.send("stock", CLOCK, LookStock()) == StockView(0, 0, 0, 0, 0, 0, 3)


def test_saleor_pr_11069_nothing_but_the_reservation_is_held_while_a_provider_is_silent(world: World) -> None:
    world.send("stock", CLOCK, Receive("r-2", 1))
    world.bank.silent = True
    world.send("order", "ord-slow", buy(Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-slow")
    world.bank.silent = False
    world.send("order", "ord-fast", buy(Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-fast")
    assert status_of(world, "ord-slow") is Status.AWAITING_PAYMENT
    assert status_of(world, "ord-fast") is Status.CONFIRMED


@pytest.mark.parametrize("callback_first", [True, False])
def test_saleor_pr_14885_medusa_3556_woocommerce_stripe_831_client_and_webhook_finish_one_order_once(
    world: World, callback_first: bool
) -> None:
    world.send("order", "ord-1", buy(Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-1", until=lambda: isinstance(world.effects("ord-1")[0], Request))
    pay = world.effects("ord-1")[0]
    reply = world.carry_out(pay)
    assert isinstance(reply, Authorized)
    callback = SettlePayment("ord-1:pay", reply)
    if callback_first:
        world.send("order", "ord-1", callback)
        world.answer("ord-1", pay.id, reply)
    else:
        world.answer("ord-1", pay.id, reply)
        world.send("order", "ord-1", callback)
    world.run("ord-1")
    world.send("order", "ord-1", callback)
    confirmed = [event for event in world.journal["order", "ord-1"] if isinstance(event, OrderConfirmed)]
    assert len(confirmed) == 1
    assert world.bank.captures == {"ord-1:pay": 1}
    assert not world.effects("ord-1")


def test_medusa_13301_a_payment_is_captured_once_however_often_it_is_asked_for(world: World) -> None:
    world.send("order", "ord-1", buy(Line("RETRO-CLOCK", 1, PRICE)))
    while effects := world.effects("ord-1"):
        for _ in range(3):
            reply = world.carry_out(effects[0])
        world.answer("ord-1", effects[0].id, reply)
    assert world.bank.captures == {"ord-1:pay": 1}
    assert world.bank.balance("ord-1") == PRICE.amount


def test_medusa_13301_two_people_who_refund_at_once_give_back_no_more_than_was_captured(world: World) -> None:
    world.send("order", "ord-1", buy(Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-1")
    replies = [world.send("order", "ord-1", RefundOrder(name, PRICE.amount)) for name in ("ann", "ben")]
    assert isinstance(replies[0], OrderView)
    assert replies[1] == Rejected(Reason.REFUND_TOO_HIGH, {"requested": PRICE.amount, "refundable": 0})
    for effect in world.effects("ord-1") * 2:
        world.answer("ord-1", effect.id, world.carry_out(effect))
    assert world.bank.balance("ord-1") == 0


def test_medusa_12401_a_unit_that_is_cancelled_twice_comes_back_once(world: World) -> None:
    world.send("order", "ord-1", buy(Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-1")
    unit = (LineUnits(0, 1),)
    for name in ("ann", "ann", "ben"):
        world.send("order", "ord-1", CancelUnits(name, unit))
    for effect in world.effects("ord-1") * 2:
        world.answer("ord-1", effect.id, world.carry_out(effect))
    stock = world.state("stock", CLOCK)
    assert (stock.on_hand, stock.reserved, world.bank.balance("ord-1")) == (1, 0, 0)


def test_vendure_2187_parallel_additions_lose_nothing() -> None:
    for order in permutations(["LAVA-LAMP", "RETRO-CLOCK", "RETRO-CLOCK"]):
        world = World()
        world.send("cart", "cart-1", OpenCart())
        for number, sku in enumerate(order):
            world.send("cart", "cart-1", AddLine(sku, 1, PRICE, command_id=f"c-{number}"))
        view = world.send("cart", "cart-1", LookCart())
        assert isinstance(view, CartView)
        assert {line.sku: line.quantity for line in view.lines} == {"LAVA-LAMP": 1, "RETRO-CLOCK": 2}


def test_vendure_4152_shopware_19943_two_tabs_make_one_order(world: World) -> None:
    world.send("cart", "cart-1", OpenCart())
    world.send("cart", "cart-1", AddLine("RETRO-CLOCK", 1, PRICE))
    world.send("stock", CLOCK, Receive("r-2", 5))
    for order_id in ("ord-tab-1", "ord-tab-2"):
        world.send("order", order_id, buy(cart_id="cart-1"))
    for order_id in ("ord-tab-2", "ord-tab-1"):
        world.run(order_id)
    assert (status_of(world, "ord-tab-1"), status_of(world, "ord-tab-2")) == (Status.REJECTED, Status.CONFIRMED)
    rejected = world.send("order", "ord-tab-1", LookOrder())
    assert isinstance(rejected, OrderView)
    assert rejected.settlement is not None
    assert (rejected.settlement.reason, rejected.settlement.details) == (Reason.CART_SEALED, {"order_id": "ord-tab-2"})


def test_medusa_16502_two_lines_of_one_sku_are_held_together_or_not_at_all(world: World) -> None:
    world.send("order", "ord-1", buy(Line("RETRO-CLOCK", 1, PRICE), Line("RETRO-CLOCK", 1, PRICE)))
    world.run("ord-1")
    assert status_of(world, "ord-1") is Status.REJECTED
    assert world.state("stock", CLOCK).on_hand == 1


def test_medusa_12401_reserved_never_falls_below_zero() -> None:
    world = World()
    world.send("stock", CLOCK, Receive("r-1", 1))
    world.send("stock", CLOCK, Reserve("a", 1, world.now + 1_000))
    for _ in range(3):
        world.send("stock", CLOCK, Release("a"))
        world.send("stock", CLOCK, Release("never-was"))
        world.send("stock", CLOCK, Return("a", 1))
    assert world.send("stock", CLOCK, Adjust("x", -2, "count")) == Rejected(
        Reason.STOCK_IN_USE, {"sku": "RETRO-CLOCK", "on_hand": 1, "reserved": 0}
    )
    stock = world.state("stock", CLOCK)
    assert isinstance(stock, Stock)
    assert (stock.on_hand, stock.reserved) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [AddLine("LAVA-LAMP", 9, PRICE), SetLine("RETRO-CLOCK", 9, PRICE), RemoveLine("RETRO-CLOCK"), Seal("ord-2")],
)
def test_acidrain_nothing_is_added_while_paying(world: World, change: AddLine) -> None:
    world.send("cart", "cart-1", OpenCart())
    world.send("cart", "cart-1", AddLine("RETRO-CLOCK", 1, PRICE))
    world.send("order", "ord-1", buy(cart_id="cart-1"))
    world.run("ord-1", until=lambda: isinstance(world.effects("ord-1")[0], Request))
    assert world.send("cart", "cart-1", change) == Rejected(Reason.CART_SEALED, {"order_id": "ord-1"})
    world.run("ord-1")
    paid = world.send("order", "ord-1", LookOrder())
    assert isinstance(paid, OrderView)
    assert (paid.lines, paid.total) == ((Line("RETRO-CLOCK", 1, PRICE),), PRICE)
    assert world.bank.balance("ord-1") == PRICE.amount


def test_an_order_is_never_half_bought_when_its_lines_compete_in_opposing_order() -> None:
    world = World()
    for sku in ("RETRO-CLOCK", "LAVA-LAMP"):
        world.send("stock", stock_key(sku), Receive("r-1", 1))
    clock, lamp = Line("RETRO-CLOCK", 1, PRICE), Line("LAVA-LAMP", 1, PRICE)
    world.send("order", "ord-1", buy(clock, lamp))
    world.send("order", "ord-2", buy(lamp, clock))
    # Each gets its first line; nobody waits for the other: the second line is refused at once.
    first_lines = [(order_id, world.effects(order_id)[0]) for order_id in ("ord-1", "ord-2")]
    for order_id, effect in first_lines:
        assert isinstance(effect, Send)
        world.answer(order_id, effect.id, world.carry_out(effect))
    for order_id in ("ord-1", "ord-2"):
        world.run(order_id)
    assert {status_of(world, "ord-1"), status_of(world, "ord-2")} <= {Status.REJECTED, Status.CONFIRMED}
    for sku in ("RETRO-CLOCK", "LAVA-LAMP"):
        stock = world.state("stock", stock_key(sku))
        assert stock.reserved == 0
    assert world.state("stock", CLOCK).on_hand == world.state("stock", stock_key("LAVA-LAMP")).on_hand
