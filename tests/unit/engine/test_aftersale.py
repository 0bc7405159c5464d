"""Orders after their sale, told as stories: parcels, cancellations in parts, returns, refunds, notes."""

from typing import Any

import pytest

from engine.cart import Line
from engine.gift_card import IssueCard, store_credit_key
from engine.kernel import Accepted, EffectAnswered, Rejected
from engine.money import Money
from engine.order import Cancel, Claim, Fulfil, LookOrder, OrderView, Place, Status, Units
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.fulfilment import CreateShipment, MoveShipment, TrackShipment
from engine.order.aftersale.notes import AddNote
from engine.order.aftersale.records import (
    AfterSaleView,
    Finding,
    LineAmount,
    LineUnits,
    RefundStatus,
    ReturnedUnits,
    ReturnReason,
    ReturnStatus,
    ShipmentStatus,
)
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import (
    AnswerReturn,
    InspectReturn,
    ReceiveReturn,
    RefundReturn,
    RequestReturn,
    WithdrawReturn,
)
from engine.order.state import Order
from engine.payment import Declined, Refunded
from engine.pricing import Discount, Quote, QuotedLine, QuotedShipping
from engine.reasons import Reason
from engine.stock import LookStock, Receive, SetPolicy, StockView, stock_key

from .world import DAY_MS, World, named

CLOCK = Line("RETRO-CLOCK", 3, Money(1_999, "USD"), "Retro clock")
LAMP = Line("LAVA-LAMP", 1, Money(4_500, "USD"), "Lava lamp")
TOTAL = 3 * 1_999 + 4_500
ORDER = "ord-1"
DAMAGED = ReturnReason.DAMAGED


@pytest.fixture
def world() -> World:
    """An order of three clocks and a lamp is confirmed."""
    world = World()
    for sku in ("RETRO-CLOCK", "LAVA-LAMP"):
        world.send("stock", stock_key(sku), Receive("r-1", 10))
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", "tok_ok", (CLOCK, LAMP), customer="ann"))
    world.run(ORDER)
    return world


def tell(world: World, *commands: Any) -> OrderView:
    """Every command is accepted, and what follows from it is carried out; the order then."""
    for command in commands:
        told = world.send("order", ORDER, command)
        assert isinstance(told, OrderView), told
        world.check_folds()
        world.run(ORDER)
    return look(world)


def refuse(world: World, command: Any) -> Reason:
    reply = world.send("order", ORDER, command)
    assert isinstance(reply, Rejected), reply
    return reply.reason


def look(world: World) -> OrderView:
    view = world.send("order", ORDER, LookOrder())
    assert isinstance(view, OrderView)
    return view


def after(world: World) -> AfterSaleView:
    view = look(world).after
    assert view is not None
    return view


def on_hand(world: World, sku: str) -> int:
    view = world.send("stock", stock_key(sku), LookStock())
    assert isinstance(view, StockView)
    return view.on_hand


def ship(shipment_id: str, *units: tuple[int, int]) -> list[Any]:
    """A parcel that leaves."""
    packed = CreateShipment(
        shipment_id, tuple(LineUnits(*each) for each in units), "DHL", "JD0146", "https://dhl.example/1"
    )
    return [packed, MoveShipment(shipment_id, ShipmentStatus.SHIPPED)]


def arrive(shipment_id: str, *units: tuple[int, int]) -> list[Any]:
    return [*ship(shipment_id, *units), MoveShipment(shipment_id, ShipmentStatus.DELIVERED)]


def send_back(return_id: str, *units: tuple[int, int], found: tuple[tuple[int, int, int], ...]) -> list[Any]:
    """A return up to its inspection."""
    return [
        RequestReturn(return_id, tuple(ReturnedUnits(line, quantity, DAMAGED) for line, quantity in units)),
        AnswerReturn(return_id, True),
        ReceiveReturn(return_id),
        InspectReturn(return_id, tuple(Finding(*each) for each in found)),
    ]


# -- parcels


def test_an_order_leaves_in_parts_and_its_status_follows_its_units(world: World) -> None:
    assert tell(world, *ship("s-1", (0, 2))).status is Status.PARTLY_FULFILLED
    assert tell(world, *ship("s-2", (0, 1), (1, 1))).status is Status.FULFILLED
    assert tell(world, MoveShipment("s-1", ShipmentStatus.DELIVERED)).status is Status.FULFILLED
    assert tell(world, MoveShipment("s-2", ShipmentStatus.DELIVERED)).status is Status.DELIVERED
    assert [shipment.carrier for shipment in after(world).shipments] == ["DHL", "DHL"]


def test_a_unit_is_packed_once(world: World) -> None:
    tell(world, *ship("s-1", (0, 2)))
    reply = world.send("order", ORDER, CreateShipment("s-2", (LineUnits(0, 2),)))
    details = {"sku": "RETRO-CLOCK", "requested": 2, "available": 1}
    assert reply == Rejected(Reason.UNITS_UNAVAILABLE, {"lines": [details]})


def test_a_parcel_that_was_given_up_or_came_back_can_be_packed_again(world: World) -> None:
    tell(world, CreateShipment("s-1", (LineUnits(0, 3),)), MoveShipment("s-1", ShipmentStatus.FAILED))
    tell(world, *ship("s-2", (0, 3)), MoveShipment("s-2", ShipmentStatus.RETURNED_TO_SENDER))
    assert look(world).status is Status.CONFIRMED
    assert tell(world, *ship("s-3", (0, 3), (1, 1))).status is Status.FULFILLED


def test_a_lost_parcel_can_neither_be_shipped_nor_cancelled_but_paid_back(world: World) -> None:
    tell(world, *ship("s-1", (0, 3)), MoveShipment("s-1", ShipmentStatus.FAILED, "lost in Leipzig"))
    assert refuse(world, CreateShipment("s-2", (LineUnits(0, 1),))) is Reason.UNITS_UNAVAILABLE
    assert refuse(world, CancelUnits("c-1", (LineUnits(0, 1),))) is Reason.UNITS_UNAVAILABLE
    tell(world, RefundOrder("r-1", 3 * 1_999, (LineAmount(0, 3 * 1_999),), "lost"))
    assert world.bank.balance(ORDER) == 4_500
    assert tell(world, *arrive("s-2", (1, 1))).status is Status.DELIVERED


def test_tracking_can_be_corrected(world: World) -> None:
    tell(world, *ship("s-1", (0, 1)), TrackShipment("s-1", "UPS", "1Z999", "https://ups.example/1Z999"))
    shipment = after(world).shipments[0]
    assert (shipment.carrier, shipment.tracking_number) == ("UPS", "1Z999")


def test_fulfil_ships_the_rest(world: World) -> None:
    tell(world, *ship("s-1", (0, 1)), CreateShipment("s-2", (LineUnits(0, 1),)))
    assert tell(world, Fulfil(), Fulfil()).status is Status.FULFILLED
    assert [len(shipment.units) for shipment in after(world).shipments] == [1, 1, 2]


def test_an_order_that_left_as_a_whole_can_be_delivered_and_returned(world: World) -> None:
    assert tell(world, Fulfil()).after is None
    assert tell(world, MoveShipment("whole", ShipmentStatus.DELIVERED)).status is Status.DELIVERED
    tell(world, *send_back("t-1", (1, 1), found=((1, 1, 0),)), RefundReturn("t-1"))
    assert (on_hand(world, "LAVA-LAMP"), world.bank.balance(ORDER)) == (10, 3 * 1_999)


# -- cancellations


def test_cancelled_units_go_back_to_their_stock_and_what_was_paid_for_them_too(world: World) -> None:
    view = tell(world, CancelUnits("c-1", (LineUnits(0, 2),), "too many", "customer"))
    assert (view.status, on_hand(world, "RETRO-CLOCK")) == (Status.CONFIRMED, 9)
    assert world.bank.balance(ORDER) == TOTAL - 2 * 1_999
    assert (after(world).captured, after(world).refunded) == (TOTAL, 2 * 1_999)
    assert after(world).refunds[0].status is RefundStatus.DONE
    assert tell(world, *ship("s-1", (0, 1), (1, 1))).status is Status.FULFILLED


def test_an_order_whose_last_unit_is_cancelled_is_cancelled(world: World) -> None:
    tell(world, CancelUnits("c-1", (LineUnits(0, 3),)), CancelUnits("c-2", (LineUnits(1, 1),)))
    assert (look(world).status, world.bank.balance(ORDER)) == (Status.CANCELLED, 0)
    assert tell(world, Cancel()).status is Status.CANCELLED


def test_the_rest_of_an_order_is_cancelled_as_a_whole(world: World) -> None:
    tell(world, CancelUnits("c-1", (LineUnits(0, 1),)), Cancel("changed my mind", "customer"))
    assert (look(world).status, world.bank.balance(ORDER)) == (Status.CANCELLED, 0)
    assert (on_hand(world, "RETRO-CLOCK"), on_hand(world, "LAVA-LAMP")) == (10, 10)
    assert tell(world, Cancel()).status is Status.CANCELLED


def test_an_order_with_only_a_note_is_cancelled_like_any_other(world: World) -> None:
    view = tell(world, AddNote("n-1", "call before delivery"), Cancel())
    assert (view.status, view.payment_status, world.bank.balance(ORDER)) == (Status.CANCELLED, "refunded", 0)
    assert (on_hand(world, "RETRO-CLOCK"), on_hand(world, "LAVA-LAMP")) == (10, 10)
    assert (after(world).captured, after(world).refunded) == (TOTAL, TOTAL)


def test_what_is_packed_or_has_left_is_not_cancelled(world: World) -> None:
    tell(world, CreateShipment("s-1", (LineUnits(0, 3),)))
    assert refuse(world, CancelUnits("c-1", (LineUnits(0, 1),))) is Reason.UNITS_UNAVAILABLE
    assert refuse(world, Cancel()) is Reason.ORDER_NOT_CANCELLABLE
    tell(world, MoveShipment("s-1", ShipmentStatus.SHIPPED))
    assert refuse(world, Cancel()) is Reason.ORDER_NOT_CANCELLABLE
    assert tell(world, CancelUnits("c-1", (LineUnits(1, 1),))).status is Status.FULFILLED


def test_money_that_was_given_back_out_of_goodwill_is_not_given_twice(world: World) -> None:
    tell(world, RefundOrder("r-1", TOTAL - 1_000, reason="sorry"), CancelUnits("c-1", (LineUnits(0, 2),)))
    assert world.bank.balance(ORDER) == 0
    tell(world, Cancel())
    assert world.bank.balance(ORDER) == 0


def test_cancelled_units_count_no_more_for_the_limit_of_a_customer(world: World) -> None:
    world.send("stock", stock_key("LAVA-LAMP"), SetPolicy(customer_limit=1))
    again = Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,), customer="ann")
    world.send("order", "ord-2", again)
    world.run("ord-2")
    world.send("order", "ord-2", CancelUnits("c-1", (LineUnits(0, 1),)))
    world.run("ord-2")
    world.send("order", "ord-3", again)
    assert world.run("ord-3").status is Status.CONFIRMED


def test_units_go_back_to_the_locations_and_components_that_they_came_from(world: World) -> None:
    for key, units in (("BELL@default", 4), ("BELL@harbour", 2), ("CLOCKWORK@default", 3)):
        world.send("stock", key, Receive("r-1", units))
    parts = (Units("BELL", "default", 4, 0), Units("BELL", "harbour", 2, 0), Units("CLOCKWORK", "default", 3, 0))
    bundle = Line("SET", 3, Money(1_000, "USD"))
    world.send("order", "ord-2", Place("fp", "ann@example.org", "sandbox", "tok_ok", (bundle,), units=parts))
    assert world.run("ord-2").status is Status.CONFIRMED
    told = []
    for number in range(3):
        world.send("order", "ord-2", CancelUnits(f"c-{number}", (LineUnits(0, 1),)))
        world.run("ord-2")
        told.append(
            [world.state("stock", key).on_hand for key in ("BELL@default", "BELL@harbour", "CLOCKWORK@default")]
        )
    assert told == [[2, 0, 1], [4, 0, 2], [4, 2, 3]]


# -- returns


def test_a_return_is_asked_for_granted_received_inspected_and_paid_back(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3), (1, 1)))
    tell(world, *send_back("t-1", (0, 2), (1, 1), found=((0, 1, 1), (1, 1, 0))))
    assert (on_hand(world, "RETRO-CLOCK"), on_hand(world, "LAVA-LAMP")) == (8, 10)
    tell(world, RefundReturn("t-1", fee=500))
    returned = after(world).returns[0]
    assert (returned.status, returned.credit, returned.fee) == (ReturnStatus.REFUNDED, 2 * 1_999 + 4_500 - 500, 500)
    assert world.bank.balance(ORDER) == 1_999 + 500
    assert look(world).status is Status.DELIVERED


def test_a_merchant_chooses_the_amounts_of_a_return(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3)), *send_back("t-1", (0, 1), found=((0, 0, 1),)))
    assert refuse(world, RefundReturn("t-1", (LineAmount(0, TOTAL),))) is Reason.REFUND_TOO_HIGH
    assert refuse(world, RefundReturn("t-1", (LineAmount(1, 1),))) is Reason.INVALID_COMMAND
    tell(world, RefundReturn("t-1", (LineAmount(0, 700),)))
    assert world.bank.balance(ORDER) == TOTAL - 700


def test_a_unit_is_returned_once(world: World) -> None:
    tell(world, *arrive("s-1", (0, 2)), RequestReturn("t-1", (ReturnedUnits(0, 2, DAMAGED),)))
    again = RequestReturn("t-2", (ReturnedUnits(0, 1, DAMAGED),))
    assert refuse(world, again) is Reason.UNITS_UNAVAILABLE
    tell(world, AnswerReturn("t-1", False, "worn"), again, WithdrawReturn("t-2"))
    tell(world, RequestReturn("t-3", (ReturnedUnits(0, 2, DAMAGED),)))
    assert [returned.number for returned in after(world).returns] == [1, 2, 3]


def test_what_did_not_arrive_with_a_return_can_be_returned_later(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3)), *send_back("t-1", (0, 3), found=((0, 1, 0),)), RefundReturn("t-1"))
    assert world.bank.balance(ORDER) == TOTAL - 1_999
    tell(world, *send_back("t-2", (0, 2), found=((0, 2, 0),)), RefundReturn("t-2"))
    assert world.bank.balance(ORDER) == 4_500


def test_a_return_is_asked_for_in_time(world: World) -> None:
    tell(world, *arrive("s-1", (0, 1)))
    world.advance(31 * DAY_MS)
    late = RequestReturn("t-1", (ReturnedUnits(0, 1, DAMAGED),), window_days=30)
    assert refuse(world, late) is Reason.RETURN_WINDOW_OVER
    tell(world, RequestReturn("t-1", (ReturnedUnits(0, 1, DAMAGED),), window_days=31))


def test_a_parcel_does_not_come_back_when_its_units_are_being_returned(world: World) -> None:
    tell(world, *ship("s-1", (0, 3)), RequestReturn("t-1", (ReturnedUnits(0, 1, DAMAGED),)))
    for status in (ShipmentStatus.RETURNED_TO_SENDER, ShipmentStatus.FAILED):
        assert refuse(world, MoveShipment("s-1", status)) is Reason.STEP_NOT_ALLOWED


# -- refunds


def test_a_refund_is_never_above_what_was_captured(world: World) -> None:
    tell(world, RefundOrder("r-1", TOTAL - 100))
    reply = world.send("order", ORDER, RefundOrder("r-2", 101))
    assert reply == Rejected(Reason.REFUND_TOO_HIGH, {"requested": 101, "refundable": 100})
    tell(world, RefundOrder("r-2", 100))
    assert world.bank.balance(ORDER) == 0


def test_refunds_that_are_on_their_way_count(world: World) -> None:
    assert isinstance(world.send("order", ORDER, RefundOrder("r-1", TOTAL)), OrderView)
    assert refuse(world, RefundOrder("r-2", 1)) is Reason.REFUND_TOO_HIGH
    world.answer(ORDER, "refund:refund-r-1", Declined("card_expired"))
    assert after(world).refunds[0].reference == "card_expired"
    tell(world, RefundOrder("r-2", TOTAL))
    assert world.bank.balance(ORDER) == 0


def test_a_refund_has_a_key_of_its_own_and_an_answer_that_nobody_waits_for_changes_nothing(world: World) -> None:
    world.send("order", ORDER, RefundOrder("r-1", 100))
    (effect,) = world.effects(ORDER)
    assert (effect.id, effect.call.key) == ("refund:refund-r-1", "ord-1:refund:refund-r-1")  # type: ignore[union-attr]
    world.answer(ORDER, effect.id, Refunded("re-1"))
    for effect_id in (effect.id, "refund:never-was"):
        assert world.decide("order", ORDER, EffectAnswered(effect_id, Declined("late"))) == Accepted()
    assert world.decide("order", ORDER, EffectAnswered("back:never-was", None)) == Accepted()


def test_a_line_is_refunded_up_to_what_it_was_paid_with(world: World) -> None:
    tell(world, RefundOrder("r-1", 4_000, (LineAmount(1, 4_000),)))
    assert refuse(world, RefundOrder("r-2", 501, (LineAmount(1, 501),))) is Reason.REFUND_TOO_HIGH
    tell(world, CancelUnits("c-1", (LineUnits(1, 1),)))
    assert (after(world).items[1].refunded, world.bank.balance(ORDER)) == (4_500, 3 * 1_999)


def test_what_a_gift_card_paid_goes_back_to_it_after_the_providers_money(world: World) -> None:
    world.send("gift-card", "card-1", IssueCard(Money(5_000, "USD")))
    card = Claim("gift-card", "card-1", 4_000, pays=True, terms="USD")
    world.send("order", "ord-2", Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,), claims=(card,)))
    assert world.run("ord-2").status is Status.CONFIRMED
    steps = [("r-1", 300, (200, 1_000)), ("r-2", 700, (0, 1_500)), ("r-3", 3_500, (0, 5_000))]
    for refund_id, amount, balances in steps:
        world.send("order", "ord-2", RefundOrder(refund_id, amount))
        world.run("ord-2")
        assert (world.bank.balance("ord-2"), world.state("gift-card", "card-1").balance) == balances
    assert world.send("order", "ord-2", RefundOrder("r-4", 1)) == Rejected(
        Reason.REFUND_TOO_HIGH, {"requested": 1, "refundable": 0}
    )
    world.check_folds()


def test_a_refund_may_become_store_credit_of_the_account(world: World) -> None:
    assert refuse(world, RefundOrder("r-1", 100, to_credit=True)) is Reason.INVALID_COMMAND
    place = Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,), customer="acc_ann")
    world.send("order", "ord-2", place)
    world.run("ord-2")
    for _ in range(2):
        world.send("order", "ord-2", RefundOrder("r-1", 1_500, to_credit=True))
        world.run("ord-2")
    assert world.bank.balance("ord-2") == 4_500
    assert world.state("store-credit", store_credit_key("acc_ann", "USD")).balance == 1_500
    assert world.send("order", "ord-2", RefundOrder("r-2", 3_001)) == Rejected(
        Reason.REFUND_TOO_HIGH, {"requested": 3_001, "refundable": 3_000}
    )


def test_a_discounted_line_is_worth_what_was_paid_and_shipping_goes_back_with_the_last_unit(world: World) -> None:
    quoted = QuotedLine("LAVA-LAMP", 3, 4_500, 10_000, (Discount("p", "summer", 3_500),))
    shipping = QuotedShipping("std", "Standard", 500, 500)
    quote = Quote("USD", (quoted,), 10_500, shipping)
    three = Line("LAVA-LAMP", 3, Money(4_500, "USD"))
    world.send("order", "ord-2", Place("fp", "ann@example.org", "sandbox", "tok_ok", (three,), quote=quote))
    assert world.run("ord-2").status is Status.CONFIRMED
    kept = []
    for number in range(3):
        world.send("order", "ord-2", CancelUnits(f"c-{number}", (LineUnits(0, 1),)))
        world.run("ord-2")
        kept.append(world.bank.balance("ord-2"))
    assert kept == [10_500 - 3_333, 10_500 - 6_666, 0]


# -- all of them

COMMANDS = [
    ("a parcel", CreateShipment("x", (LineUnits(0, 1),))),
    ("a cancellation", CancelUnits("x", (LineUnits(0, 1),))),
    ("a refund", RefundOrder("x", 100)),
    ("a return", RequestReturn("x", (ReturnedUnits(0, 1, DAMAGED),))),
    ("a note", AddNote("x", "fragile")),
]


@pytest.mark.parametrize("command", named(COMMANDS))
def test_a_retry_gets_its_answer_and_changes_nothing(world: World, command: Any) -> None:
    if isinstance(command, RequestReturn):
        tell(world, *ship("s-1", (0, 3)))
    tell(world, command)
    repeated = world.decide("order", ORDER, command)
    assert isinstance(repeated, Accepted)
    assert (repeated.events, repeated.answer) == ((), look(world))


@pytest.mark.parametrize("command", named(COMMANDS))
def test_only_a_bought_order_has_an_after_sale(command: Any) -> None:
    world = World()
    assert world.send("order", ORDER, command) == Rejected(Reason.NOT_FOUND)
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 1))
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,)))
    assert refuse(world, command) is Reason.ORDER_NOT_OPEN
    world.run(ORDER, until=lambda: world.state("order", ORDER).status is Status.CONFIRMED)
    if not isinstance(command, AddNote):
        world.send("order", ORDER, Cancel())
        world.run(ORDER)
        assert refuse(world, command) in (Reason.ORDER_NOT_OPEN, Reason.UNITS_UNAVAILABLE)


REUSED = [
    ("a parcel", CreateShipment("x", (LineUnits(0, 1),)), CreateShipment("x", (LineUnits(0, 2),))),
    ("a cancellation", CancelUnits("x", (LineUnits(0, 1),)), CancelUnits("x", (LineUnits(1, 1),))),
    ("a refund", RefundOrder("x", 100), RefundOrder("x", 101)),
    ("a note", AddNote("x", "fragile"), AddNote("x", "heavy")),
]


@pytest.mark.parametrize(("first", "second"), named(REUSED))
def test_an_id_that_was_used_for_something_else_is_refused(world: World, first: Any, second: Any) -> None:
    tell(world, first)
    assert refuse(world, second) is Reason.KEY_REUSED


MISSHAPEN = [
    ("no id", CreateShipment("", (LineUnits(0, 1),)), "shipment_id"),
    ("an id with a colon", RefundOrder("a:b", 1), "refund_id"),
    ("a long id", AddNote("x" * 41, "text"), "note_id"),
    ("no units", CancelUnits("x", ()), "units"),
    ("one line twice", CancelUnits("x", (LineUnits(0, 1), LineUnits(0, 1))), "units"),
    ("a line that isn't there", CreateShipment("x", (LineUnits(2, 1),)), "line"),
    ("no unit of a line", CreateShipment("x", (LineUnits(0, 0),)), "quantity"),
    ("nothing refunded", RefundOrder("x", 0), "amount"),
    ("amounts that don't add up", RefundOrder("x", 2, (LineAmount(0, 1),)), "amount"),
    ("an empty note", AddNote("x", ""), "text"),
    ("a long note", AddNote("x", "x" * 2_001), "text"),
    ("a long reason", CancelUnits("x", (LineUnits(0, 1),), "x" * 256), "reason"),
    ("a window of ages", RequestReturn("x", (ReturnedUnits(0, 1, DAMAGED),), window_days=9_999), "window_days"),
]


@pytest.mark.parametrize(("command", "field"), named(MISSHAPEN))
def test_a_misshapen_command_is_refused(world: World, command: Any, field: str) -> None:
    reply = world.send("order", ORDER, command)
    assert isinstance(reply, Rejected)
    assert (reply.reason, reply.details["field"]) == (Reason.INVALID_COMMAND, field)


def test_steps_that_the_table_does_not_have_are_refused(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3)), RequestReturn("t-1", (ReturnedUnits(0, 1, DAMAGED),)))
    reply = world.send("order", ORDER, MoveShipment("s-1", ShipmentStatus.SHIPPED))
    assert reply == Rejected(Reason.STEP_NOT_ALLOWED, {"from": "delivered", "to": "shipped"})
    assert refuse(world, ReceiveReturn("t-1")) is Reason.STEP_NOT_ALLOWED
    assert refuse(world, RefundReturn("t-1")) is Reason.STEP_NOT_ALLOWED
    assert refuse(world, InspectReturn("t-1", (Finding(0, 1, 0),))) is Reason.STEP_NOT_ALLOWED
    for command in (MoveShipment("s-9", ShipmentStatus.SHIPPED), ReceiveReturn("t-9"), RefundReturn("t-9")):
        assert refuse(world, command) is Reason.NOT_FOUND


def test_a_plain_purchase_keeps_no_after_sale_state(world: World) -> None:
    order = world.state("order", ORDER)
    assert isinstance(order, Order)
    assert order.after is None
    assert look(world).after is None
