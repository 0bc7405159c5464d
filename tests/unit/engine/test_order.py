"""The order and its checkout, told as stories: who answers what, and what the order makes of it."""

from typing import Any

import pytest

from engine.cart import AddLine, CartView, Line, LookCart, OpenCart, Seal
from engine.kernel import Accepted, EffectAnswered, Rejected, Request, Send
from engine.money import MOST_AMOUNT, Money
from engine.order import Cancel, Fulfil, LookOrder, OrderView, Place, SettlePayment, Status
from engine.order.decisions import LONGEST_PAYMENT_WINDOW_S, MOST_LINES
from engine.order.events import (
    LineHeld,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    PaymentCaptured,
    PaymentRefunded,
    SurplusPaymentFound,
    SurplusRefunded,
    UndoRefused,
)
from engine.order.state import ASK_AGAIN_MS, HOLD_GRACE_MS
from engine.payment import Authorize, Authorized, Captured, Declined, Pending, Refund, Refunded, Voided
from engine.reasons import Reason
from engine.stock import MOST_UNITS, Commit, LookStock, Receive, Release, Reserve, SetPolicy, StockView, stock_key

from .world import MINUTE_MS, START, World, named

CLOCK = Line("RETRO-CLOCK", 2, Money(1_999, "USD"), "Retro clock")
LAMP = Line("LAVA-LAMP", 1, Money(4_500, "USD"), "Lava lamp")
TOTAL = Money(8_498, "USD")
WINDOW_MS = 600_000
ORDER = "ord-1"


def place(*lines: Line, token: str = "tok_ok", cart_id: str = "", **other: Any) -> Place:
    return Place("fp-1", "ann@example.org", "sandbox", token, lines, cart_id, **other)


@pytest.fixture
def world() -> World:
    world = World()
    world.send("stock", stock_key("RETRO-CLOCK"), Receive("r-1", 10))
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 10))
    world.send("cart", "cart-1", OpenCart())
    world.send("cart", "cart-1", AddLine("RETRO-CLOCK", 2, CLOCK.price, CLOCK.title))
    world.send("cart", "cart-1", AddLine("LAVA-LAMP", 1, LAMP.price, LAMP.title))
    return world


def stock_of(world: World, sku: str) -> tuple[int, int]:
    view = world.send("stock", stock_key(sku), LookStock())
    assert isinstance(view, StockView)
    return view.on_hand, view.reserved


def look(world: World) -> OrderView:
    view = world.send("order", ORDER, LookOrder())
    assert isinstance(view, OrderView)
    return view


def story(world: World) -> list[str]:
    return [type(event).__name__ for event in world.journal["order", ORDER]]


def ids(world: World) -> list[str]:
    return [effect.id for effect in world.effects(ORDER)]


def is_undone(world: World) -> bool:
    """Nothing is held or taken for the order, and it waits for nothing."""
    whole = all(stock_of(world, sku) == (10, 0) for sku in ("RETRO-CLOCK", "LAVA-LAMP"))
    return whole and world.bank.balance(ORDER) == 0 and not world.effects(ORDER)


# -- what goes well


def test_an_express_purchase_is_reserved_paid_committed_and_confirmed(world: World) -> None:
    placed = world.send("order", ORDER, place(CLOCK, LAMP))
    assert placed == OrderView(
        ORDER, Status.RESERVING, "ann@example.org", (CLOCK, LAMP), TOTAL, START, None, "none", "", "", (), "sandbox"
    )
    world.run(ORDER)

    view = look(world)
    assert (view.status, view.payment_status, view.payment_id) == (Status.CONFIRMED, "captured", "pay-ord-1:pay")
    assert view.settlement is not None
    assert (view.settlement.status, view.settlement.at) == (Status.CONFIRMED, START)
    assert (stock_of(world, "RETRO-CLOCK"), stock_of(world, "LAVA-LAMP")) == ((8, 0), (9, 0))
    assert world.bank.balance(ORDER) == TOTAL.amount
    assert story(world) == ["OrderPlaced", "LineHeld", "LineHeld", "PaymentCaptured", "LineSold", "OrderConfirmed"]
    world.check_folds()


def test_a_purchase_of_one_line_is_told_by_four_events(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    assert story(world) == ["OrderPlaced", "LineHeld", "PaymentCaptured", "OrderConfirmed"]


def test_a_cart_is_sealed_bought_and_stays_sealed(world: World) -> None:
    placed = world.send("order", ORDER, place(cart_id="cart-1"))
    assert isinstance(placed, OrderView)
    assert (placed.status, placed.lines, placed.total) == (Status.SEALING, (), None)
    world.run(ORDER)

    assert (look(world).status, look(world).lines, look(world).total) == (Status.CONFIRMED, (CLOCK, LAMP), TOTAL)
    world.send("order", ORDER, Cancel())
    world.run(ORDER)
    assert world.send("cart", "cart-1", Seal("ord-2")) == Rejected(Reason.CART_SEALED, {"order_id": ORDER})
    world.check_folds()


def test_what_an_order_asks_for_is_made_from_its_own_id_and_times(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, customer="ann"))
    hold_until = START + WINDOW_MS + HOLD_GRACE_MS
    key = stock_key("RETRO-CLOCK")
    assert world.effects(ORDER) == [Send("reserve:0", "stock", key, Reserve("ord-1:0", 2, hold_until, "ann"))]
    world.answer(ORDER, "reserve:0", world.carry_out(world.effects(ORDER)[0]))
    authorize = Authorize("ord-1:pay", Money(3_998, "USD"), "tok_ok", ORDER, since=START)
    assert world.effects(ORDER) == [Request("pay:1", "sandbox", authorize)]
    world.answer(ORDER, "pay:1", Authorized("pay-1", True))
    assert world.effects(ORDER) == [Send("commit:0", "stock", key, Commit("ord-1:0", 1, hold_until))]


def test_lines_of_one_sku_are_reserved_together_at_the_first_price(world: World) -> None:
    cheaper = Line("RETRO-CLOCK", 3, Money(1, "USD"))
    world.send("order", ORDER, place(CLOCK, LAMP, cheaper))
    assert look(world).lines == (Line("RETRO-CLOCK", 5, CLOCK.price, CLOCK.title), LAMP)
    assert look(world).total == Money(5 * 1_999 + 4_500, "USD")


def test_a_gift_needs_no_payment(world: World) -> None:
    world.send("order", ORDER, place(Line("RETRO-CLOCK", 1, Money(0, "USD"))))
    world.run(ORDER)
    assert (look(world).status, look(world).payment_status) == (Status.CONFIRMED, "none")
    assert world.bank.calls == []


def test_a_payment_in_two_steps_is_captured_before_anything_is_committed(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_two_steps"))
    world.run(ORDER, until=lambda: "capture" in ids(world))
    assert look(world).payment_status == "pending"
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED
    assert world.bank.balance(ORDER) == 3_998


def test_a_fulfilled_order_stays_so(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    fulfilled = world.send("order", ORDER, Fulfil())
    assert isinstance(fulfilled, OrderView)
    assert fulfilled.status is Status.FULFILLED
    assert world.decide("order", ORDER, Fulfil()) == Accepted((), look(world))
    assert world.send("order", ORDER, Cancel()) == Rejected(Reason.ORDER_NOT_CANCELLABLE, {"status": "fulfilled"})


# -- retries


def test_placing_again_answers_with_the_order_as_it_is(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    assert world.decide("order", ORDER, place(CLOCK)) == Accepted((), look(world))
    world.run(ORDER)
    assert world.decide("order", ORDER, place(CLOCK)) == Accepted((), look(world))


def test_the_settlement_is_told_once_whatever_happens_later(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    settlement = look(world).settlement
    world.advance(MINUTE_MS)
    world.send("order", ORDER, Cancel())
    world.run(ORDER)
    view = world.send("order", ORDER, place(CLOCK))
    assert isinstance(view, OrderView)
    assert (view.status, view.settlement) == (Status.CANCELLED, settlement)


def test_an_idempotency_key_with_another_request_is_refused(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    other = Place("fp-2", "ann@example.org", "sandbox", "tok_ok", (LAMP,))
    assert world.send("order", ORDER, other) == Rejected(Reason.KEY_REUSED)


def test_every_answer_may_come_twice(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, LAMP))
    while effects := world.effects(ORDER):
        reply = world.carry_out(effects[0])
        assert world.carry_out(effects[0]) == reply, "the same effect again gets the same answer"
        world.answer(ORDER, effects[0].id, reply)
        assert world.decide("order", ORDER, EffectAnswered(effects[0].id, reply)) == Accepted()
    assert look(world).status is Status.CONFIRMED
    assert world.bank.captures == {"ord-1:pay": 1}


# -- refusals


def test_one_short_line_releases_the_others_and_names_every_short_one(world: World) -> None:
    many_clocks, many_lamps = Line("RETRO-CLOCK", 11, CLOCK.price), Line("LAVA-LAMP", 12, LAMP.price)
    teapot = Line("BLUE-TEAPOT", 1, Money(2_500, "USD"))
    world.send("stock", stock_key("BLUE-TEAPOT"), Receive("r-1", 5))
    world.send("order", ORDER, place(many_clocks, teapot, many_lamps))
    world.run(ORDER)

    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.REJECTED, Reason.INSUFFICIENT_STOCK)
    assert settlement.details == {
        "lines": [
            {"sku": "RETRO-CLOCK", "requested": 11, "available": 10},
            {"sku": "LAVA-LAMP", "requested": 12, "available": 10},
        ]
    }
    assert stock_of(world, "BLUE-TEAPOT") == (5, 0)
    assert is_undone(world)
    assert world.bank.calls == []
    assert story(world)[-3:] == ["LineRefused", "OrderRejected", "LineReleased"]
    world.check_folds()


def test_lines_are_held_one_after_the_other_by_their_skus(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, LAMP))
    assert ids(world) == ["reserve:1"]
    world.answer(ORDER, "reserve:1", world.carry_out(world.effects(ORDER)[0]))
    assert ids(world) == ["reserve:0"]


def test_of_two_orders_for_the_same_last_units_in_opposing_order_one_gets_both(world: World) -> None:
    for sku in ("RETRO-CLOCK", "LAVA-LAMP"):
        world.send("stock", stock_key(sku), SetPolicy(safety_stock=9))
    clock, lamp = Line("RETRO-CLOCK", 1, CLOCK.price), LAMP
    world.send("order", "ord-1", place(clock, lamp))
    world.send("order", "ord-2", place(lamp, clock))
    while any(waiting := [(order, effect) for order in ("ord-1", "ord-2") for effect in world.effects(order)[:1]]):
        for order, effect in waiting:
            world.answer(order, effect.id, world.carry_out(effect))
    views = [world.send("order", order, LookOrder()) for order in ("ord-1", "ord-2")]
    assert [view.status for view in views if isinstance(view, OrderView)] == [Status.CONFIRMED, Status.REJECTED]


def test_nothing_is_held_after_a_line_was_refused(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, Line("LAVA-LAMP", 11, LAMP.price)))
    world.run(ORDER, until=lambda: ids(world) == ["look:0"])
    assert (look(world).status, stock_of(world, "RETRO-CLOCK")) == (Status.RESERVING, (10, 0))
    world.run(ORDER)
    assert story(world) == ["OrderPlaced", "LineRefused", "LineAvailable", "OrderRejected"]
    assert is_undone(world)


def test_an_order_that_ends_before_its_turn_leaves_the_waiting_lines_alone(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, LAMP))
    world.send("order", ORDER, Cancel())
    assert ids(world) == ["release:1"]
    world.run(ORDER)
    assert is_undone(world)


def test_an_order_for_what_is_sold_out_is_told_by_three_events_and_leaves_nothing_to_do(world: World) -> None:
    world.send("order", ORDER, place(Line("SOLD-OUT", 1, CLOCK.price)))
    world.run(ORDER)
    assert story(world) == ["OrderPlaced", "LineRefused", "OrderRejected"]


def test_a_customer_limit_is_told_with_its_line(world: World) -> None:
    world.send("stock", stock_key("RETRO-CLOCK"), SetPolicy(customer_limit=1))
    world.send("order", ORDER, place(CLOCK, LAMP, customer="ann"))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert settlement.reason is Reason.CUSTOMER_LIMIT
    assert settlement.details == {"lines": [{"sku": "RETRO-CLOCK", "limit": 1, "bought": 0}]}
    assert is_undone(world)


def test_lack_of_stock_is_told_before_other_reasons(world: World) -> None:
    world.send("stock", stock_key("RETRO-CLOCK"), SetPolicy(customer_limit=1))
    world.send("order", ORDER, place(CLOCK, Line("LAVA-LAMP", 99, LAMP.price), customer="ann"))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert settlement.reason is Reason.INSUFFICIENT_STOCK
    assert settlement.details == {"lines": [{"sku": "LAVA-LAMP", "requested": 99, "available": 10}]}


def test_a_declined_payment_releases_everything_and_frees_the_cart(world: World) -> None:
    world.send("order", ORDER, place(cart_id="cart-1", token="tok_declined"))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.reason, settlement.details) == (Reason.PAYMENT_DECLINED, {"code": "card_declined"})
    assert look(world).payment_status == "none"
    assert is_undone(world)
    assert not isinstance(world.send("cart", "cart-1", Seal("ord-2")), Rejected)
    world.check_folds()


@pytest.mark.parametrize(
    ("cart_id", "reason"), [("cart-2", Reason.NOT_FOUND), ("cart-3", Reason.CART_EMPTY), ("cart-4", Reason.CART_SEALED)]
)
def test_a_cart_that_refuses_its_seal_ends_the_order(world: World, cart_id: str, reason: Reason) -> None:
    world.send("cart", "cart-3", OpenCart())
    world.send("cart", "cart-4", OpenCart())
    world.send("cart", "cart-4", AddLine("RETRO-CLOCK", 1, CLOCK.price))
    world.send("cart", "cart-4", Seal("ord-other"))
    world.send("order", ORDER, place(cart_id=cart_id))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.REJECTED, reason)
    assert look(world).total is None
    assert story(world) == ["OrderPlaced", "OrderRejected", "CartGivenBack"]


def test_a_capture_that_is_declined_voids_the_authorization(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_two_steps"))
    world.run(ORDER, until=lambda: "capture" in ids(world))
    world.answer(ORDER, "capture", Declined("insufficient_funds"))
    assert ids(world) == ["release:0", "void"]
    world.run(ORDER)
    assert (look(world).status, look(world).payment_status) == (Status.REJECTED, "voided")
    assert is_undone(world)


# -- time


def test_a_payment_that_nobody_answers_expires_and_is_voided(world: World) -> None:
    world.bank.silent = True
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    world.advance(WINDOW_MS - 1)
    assert look(world).status is Status.AWAITING_PAYMENT
    world.advance(1)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.EXPIRED, Reason.PAYMENT_EXPIRED)
    assert ids(world) == ["release:0", "void"]
    # The money was taken all along, only the answer was lost.
    world.bank.charge(ORDER, 3_998)
    world.bank.silent = False
    world.run(ORDER)
    assert look(world).payment_status == "voided"
    assert is_undone(world)


def test_stock_that_answers_after_the_payment_window_ends_the_order_without_asking_for_money(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    reply = world.carry_out(world.effects(ORDER)[0])
    world.now += WINDOW_MS
    world.answer(ORDER, "reserve:0", reply)
    assert look(world).status is Status.EXPIRED
    world.run(ORDER)
    assert world.bank.calls == []
    assert is_undone(world)


def test_a_pending_payment_is_settled_by_its_callback(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_async"))
    world.run(ORDER)
    assert (look(world).status, look(world).payment_status) == (Status.AWAITING_PAYMENT, "pending")
    world.send("order", ORDER, SettlePayment("ord-1:pay", world.bank.charge(ORDER, 3_998)))
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED


def test_a_pending_payment_is_asked_for_again_now_and_then_until_its_window_closes(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_async"))
    world.run(ORDER)
    asked = 1
    while look(world).status is Status.AWAITING_PAYMENT:
        world.advance(ASK_AGAIN_MS)
        world.run(ORDER)
        asked += look(world).status is Status.AWAITING_PAYMENT
    authorizations = [call for call in world.bank.calls if isinstance(call, Authorize)]
    assert len(authorizations) == asked == WINDOW_MS // ASK_AGAIN_MS
    assert {call.key for call in authorizations} == {"ord-1:pay"}
    assert look(world).status is Status.EXPIRED
    assert is_undone(world)


def test_a_lost_callback_is_made_good_by_asking_again(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_async"))
    world.run(ORDER)
    world.bank.charge(ORDER, 3_998)
    world.advance(ASK_AGAIN_MS)
    assert ids(world) == ["pay:2"]
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED


def test_a_callback_that_declines_ends_the_order(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_async"))
    world.run(ORDER)
    world.send("order", ORDER, SettlePayment("ord-1:pay", Declined("card_declined")))
    world.run(ORDER)
    assert look(world).status is Status.REJECTED
    assert is_undone(world)


def test_a_hold_that_ended_in_an_outage_undoes_the_whole_order(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, LAMP))
    world.run(ORDER, until=lambda: "commit:0" in ids(world))
    world.send("stock", stock_key("LAVA-LAMP"), Release("ord-1:1"))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert settlement.reason is Reason.RESERVATION_ENDED
    assert settlement.details == {"lines": [{"sku": "LAVA-LAMP"}]}
    assert look(world).payment_status == "refunded"
    assert is_undone(world)
    world.check_folds()


# -- cancelling


@pytest.mark.parametrize("cart_id", ["", "cart-1"])
@pytest.mark.parametrize("token", ["tok_ok", "tok_two_steps", "tok_async", "tok_declined"])
@pytest.mark.parametrize("steps", range(12))
def test_cancelling_after_any_step_gives_everything_back(world: World, steps: int, token: str, cart_id: str) -> None:
    world.send("order", ORDER, place(*(() if cart_id else (CLOCK, LAMP)), token=token, cart_id=cart_id))
    for _ in range(steps):
        if effects := world.effects(ORDER):
            world.answer(ORDER, effects[0].id, world.carry_out(effects[0]))
    reply = world.send("order", ORDER, Cancel("changed my mind"))
    world.run(ORDER)

    assert is_undone(world)
    if isinstance(reply, Rejected):
        assert look(world).status is Status.REJECTED
    else:
        assert look(world).status is Status.CANCELLED
        assert world.decide("order", ORDER, Cancel()) == Accepted((), look(world))
    world.check_folds()


@pytest.mark.parametrize("steps", range(7))
def test_cancelling_while_an_answer_is_under_way_gives_everything_back(world: World, steps: int) -> None:
    world.send("order", ORDER, place(cart_id="cart-1"))
    for _ in range(steps):
        world.answer(ORDER, world.effects(ORDER)[0].id, world.carry_out(world.effects(ORDER)[0]))
    late = [(effect.id, world.carry_out(effect)) for effect in world.effects(ORDER)]
    world.send("order", ORDER, Cancel())
    for effect_id, reply in late:
        world.answer(ORDER, effect_id, reply)
    world.run(ORDER)
    assert look(world).status is Status.CANCELLED
    assert is_undone(world)
    world.check_folds()


@pytest.mark.parametrize("steps", range(6))
def test_cancelling_before_a_command_arrives_keeps_it_from_taking_hold(world: World, steps: int) -> None:
    world.send("order", ORDER, place(cart_id="cart-1"))
    for _ in range(steps):
        world.answer(ORDER, world.effects(ORDER)[0].id, world.carry_out(world.effects(ORDER)[0]))
    delayed = world.effects(ORDER)
    committing = look(world).status is Status.COMMITTING
    world.send("order", ORDER, Cancel())
    world.run(ORDER)
    # The answers to commits were waited for: no copy of theirs is the first to arrive.
    for effect in delayed if not committing else ():
        world.answer(ORDER, effect.id, world.carry_out(effect))
    world.run(ORDER)
    assert look(world).status is Status.CANCELLED
    assert is_undone(world)
    view = world.send("cart", "cart-1", LookCart())
    assert isinstance(view, CartView)
    assert view.sealed_by == ""


def test_cancelling_while_committing_waits_for_every_answer(world: World) -> None:
    world.send("order", ORDER, place(CLOCK, LAMP))
    world.run(ORDER, until=lambda: "commit:0" in ids(world))
    view = world.send("order", ORDER, Cancel("too late?"))
    assert isinstance(view, OrderView)
    assert view.status is Status.COMMITTING
    assert ids(world) == ["commit:0", "commit:1"]
    assert world.decide("order", ORDER, Cancel()) == Accepted((), look(world))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.CANCELLED, Reason.ORDER_CANCELLED)
    assert is_undone(world)
    assert story(world)[4:8] == ["CancelRequested", "LineSold", "LineSold", "OrderCancelled"]


# -- money


def test_a_second_capture_is_refunded_and_the_first_kept(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    world.bank.taken["other"] = 3_998
    world.send("order", ORDER, SettlePayment("ord-1:pay", Authorized("pay-other", True)))
    refund = Refund("ord-1:refund:pay-other", "pay-other", Money(3_998, "USD"))
    assert world.effects(ORDER) == [Request("surplus:pay-other", "sandbox", refund)]
    world.send("order", ORDER, SettlePayment("ord-1:pay", Authorized("pay-other", True)))
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED
    assert look(world).payment_id == "pay-ord-1:pay"
    assert world.journal["order", ORDER][-2:] == [
        SurplusPaymentFound("pay-other"),
        SurplusRefunded("pay-other", "re-ord-1:refund:pay-other"),
    ]


def test_callback_and_answer_of_one_payment_finish_the_order_once(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER, until=lambda: "pay:1" in ids(world))
    paid = world.bank.call(Authorize("ord-1:pay", Money(3_998, "USD"), "tok_ok", ORDER))
    assert isinstance(paid, Authorized)
    world.send("order", ORDER, SettlePayment("ord-1:pay", paid))
    world.answer(ORDER, "pay:1", paid)
    world.run(ORDER)
    assert story(world).count("PaymentCaptured") == 1
    assert story(world).count("OrderConfirmed") == 1


@pytest.mark.parametrize("late", [Authorized("pay-ord-1:pay", True), Authorized("pay-ord-1:pay", False)])
def test_money_taken_for_an_order_that_was_declined_goes_back(world: World, late: Authorized) -> None:
    world.send("order", ORDER, place(CLOCK, token="tok_async"))
    world.run(ORDER)
    world.send("order", ORDER, SettlePayment("ord-1:pay", Declined("card_declined")))
    world.run(ORDER)
    if late.captured:
        world.bank.charge(ORDER, 3_998)
    world.send("order", ORDER, SettlePayment("ord-1:pay", late))
    world.run(ORDER)
    assert is_undone(world)


def test_a_refund_that_is_refused_for_good_stops_and_shows_the_money_as_captured(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    world.send("order", ORDER, Cancel())
    world.answer(ORDER, "refund", Declined("account_closed"))
    world.run(ORDER)
    assert (look(world).status, look(world).payment_status) == (Status.CANCELLED, "captured")
    assert UndoRefused("pay-ord-1:pay", "account_closed") in world.journal["order", ORDER]
    assert world.effects(ORDER) == []


def test_a_void_that_is_refused_leaves_a_capture_heard_of_later_to_be_refunded(world: World) -> None:
    world.bank.silent = True
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    world.advance(WINDOW_MS)
    world.answer(ORDER, "void", Declined("too_late"))
    world.send("order", ORDER, SettlePayment("ord-1:pay", world.bank.charge(ORDER, 3_998)))
    world.bank.silent = False
    world.run(ORDER)
    assert is_undone(world)


def test_a_payment_that_nobody_asked_for_is_ignored(world: World) -> None:
    world.send("order", ORDER, place(cart_id="cart-1"))
    assert world.decide("order", ORDER, SettlePayment("ord-1:pay", Authorized("pay-x", True))) == Accepted()


# -- refused commands

UNPLACED = [Cancel(), Fulfil(), LookOrder(), SettlePayment("ord-1:pay", Declined("x"))]

MISSHAPEN = [
    ("no lines", place(), "lines"),
    ("lines and a cart", place(CLOCK, cart_id="cart-1"), "lines"),
    ("too many lines", place(*[CLOCK] * (MOST_LINES + 1)), "lines"),
    ("no units", place(Line("RETRO-CLOCK", 0, CLOCK.price)), "quantity"),
    ("negative units beside others", place(CLOCK, Line("RETRO-CLOCK", -1, CLOCK.price)), "quantity"),
    ("too many units", place(Line("RETRO-CLOCK", MOST_UNITS + 1, CLOCK.price)), "quantity"),
    ("too many units together", place(*[Line("RETRO-CLOCK", MOST_UNITS, CLOCK.price)] * 2), "quantity"),
    ("too much money", place(Line("RETRO-CLOCK", 1_001, Money(MOST_AMOUNT, "USD"))), "lines"),
    ("a negative price", place(Line("RETRO-CLOCK", 1, Money(-1, "USD"))), "price"),
    ("no SKU", place(Line("", 1, CLOCK.price)), "sku"),
    ("a SKU with a tag", place(Line("RETRO@CLOCK", 1, CLOCK.price)), "sku"),
    ("no token", place(CLOCK, token=""), "token"),
    ("a long token", place(CLOCK, token="x" * 256), "token"),
    ("a long customer", place(CLOCK, customer="x" * 256), "customer"),
    ("no time to pay", place(CLOCK, payment_window_s=0), "payment_window_s"),
    ("too much time to pay", place(CLOCK, payment_window_s=LONGEST_PAYMENT_WINDOW_S + 1), "payment_window_s"),
    ("no address", Place("fp-1", "", "sandbox", "tok_ok", (CLOCK,)), "email"),
    ("no fingerprint", Place("", "ann@example.org", "sandbox", "tok_ok", (CLOCK,)), "fingerprint"),
    ("a long reason", Cancel("x" * 256), "reason"),
    ("another order's payment", SettlePayment("ord-2:pay", Declined("x")), "authorize_key"),
]


@pytest.mark.parametrize("command", UNPLACED)
def test_an_order_that_was_never_placed_is_not_found(command: Any) -> None:
    assert World().send("order", ORDER, command) == Rejected(Reason.NOT_FOUND)


@pytest.mark.parametrize(("command", "field"), named(MISSHAPEN))
def test_a_misshapen_command_is_refused_whatever_the_state(world: World, command: Any, field: str) -> None:
    for _ in range(2):
        reply = world.send("order", ORDER, command)
        assert isinstance(reply, Rejected)
        assert (reply.reason, reply.details["field"]) == (Reason.INVALID_COMMAND, field)
        world.send("order", ORDER, place(CLOCK))
        world.run(ORDER)


def test_two_currencies_in_one_order_are_refused(world: World) -> None:
    euro = Line("LAVA-LAMP", 1, Money(1, "EUR"))
    assert world.send("order", ORDER, place(CLOCK, euro)) == Rejected(
        Reason.CURRENCY_MISMATCH, {"currencies": ["EUR", "USD"]}
    )


@pytest.mark.parametrize("token", ["tok_declined", "tok_async"])
def test_an_order_that_ended_badly_can_neither_be_cancelled_nor_fulfilled(world: World, token: str) -> None:
    world.send("order", ORDER, place(CLOCK, token=token))
    world.run(ORDER)
    world.advance(WINDOW_MS)
    world.run(ORDER)
    status = str(look(world).status)
    assert status in ("rejected", "expired")
    assert world.send("order", ORDER, Cancel()) == Rejected(Reason.ORDER_NOT_CANCELLABLE, {"status": status})
    assert world.send("order", ORDER, Fulfil()) == Rejected(Reason.ORDER_NOT_FULFILLABLE, {"status": status})


def test_an_order_under_way_cannot_be_fulfilled(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    assert world.send("order", ORDER, Fulfil()) == Rejected(Reason.ORDER_NOT_FULFILLABLE, {"status": "reserving"})


ANSWERS = [
    ("seal", Rejected(Reason.CART_EMPTY)),
    ("reserve:0", Rejected(Reason.INSUFFICIENT_STOCK)),
    ("pay:1", Pending("p")),
    ("pay:1", Declined("x")),
    ("capture", Captured("p")),
    ("commit:0", Rejected(Reason.RESERVATION_ENDED)),
    ("release:0", Rejected(Reason.INVALID_COMMAND)),
    ("return:0", Rejected(Reason.RESERVATION_UNKNOWN)),
    ("unseal", Rejected(Reason.NOT_FOUND)),
    ("void", Voided()),
    ("refund", Refunded("re")),
]


@pytest.mark.parametrize(("effect_id", "reply"), ANSWERS)
def test_an_answer_that_nobody_waits_for_changes_nothing(world: World, effect_id: str, reply: Any) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    assert world.decide("order", ORDER, EffectAnswered(effect_id, reply)) == Accepted()


def test_a_journal_reads_as_the_story_of_its_order(world: World) -> None:
    world.send("order", ORDER, place(CLOCK))
    world.run(ORDER)
    world.advance(MINUTE_MS)
    world.send("order", ORDER, Cancel("wrong colour"))
    world.run(ORDER)
    at = START
    assert world.journal["order", ORDER][1:] == [
        LineHeld(0, 1, at),
        PaymentCaptured("pay-ord-1:pay", at),
        OrderConfirmed(at),
        OrderCancelled("wrong colour", at + MINUTE_MS),
        world.journal["order", ORDER][5],
        PaymentRefunded("re-ord-1:refund"),
    ]
    assert isinstance(world.journal["order", ORDER][0], OrderPlaced)
