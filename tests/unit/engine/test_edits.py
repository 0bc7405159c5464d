"""Edits and exchanges: all of it or nothing, and the difference in price is settled."""

from typing import Any

import pytest

from engine.cart import Line
from engine.kernel import Accepted, EffectAnswered, Rejected, Request
from engine.money import Money
from engine.order import Anonymize, Cancel, OrderView, SettlePayment, Status
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.edits import EditOrder, PayEdit, WithdrawEdit
from engine.order.aftersale.notes import AddNote
from engine.order.aftersale.records import Edit, EditPayment, EditStatus, LineUnits, ReturnedUnits, ReturnStatus
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import RefundReturn, RequestReturn
from engine.payment import Authorized, Declined, Pending
from engine.reasons import Reason
from engine.stock import Receive, Reserve, stock_key

from .test_aftersale import DAMAGED, ORDER, TOTAL, after, arrive, look, on_hand, refuse, send_back, ship, tell, world
from .world import World, named

__all__ = ["world"]

RADIO = Line("RADIO", 1, Money(3_000, "USD"), "Radio")
CHEAP = Line("RADIO", 1, Money(1_000, "USD"), "Radio")
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def radios(world: World) -> None:
    world.send("stock", stock_key("RADIO"), Receive("r-1", 5))


def edit_of(world: World, number: int = 0) -> Edit:
    return after(world).edits[number]


def nets(world: World) -> list[int]:
    return [item.paid - item.refunded for item in after(world).items]


def test_a_line_that_is_added_is_held_paid_for_and_sold(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,), by="shop"))
    assert (edit_of(world).status, edit_of(world).due) == (EditStatus.AWAITING_PAYMENT, Money(3_000, "USD"))
    assert world.state("stock", stock_key("RADIO")).reserved == 1
    tell(world, PayEdit("e-1", "sandbox", "tok_ok"))
    assert (edit_of(world).status, on_hand(world, "RADIO")) == (EditStatus.DONE, 4)
    assert world.bank.balance(ORDER) == TOTAL + 3_000 == after(world).captured
    assert tell(world, *ship("s-1", (0, 3), (1, 1), (2, 1))).status is Status.FULFILLED


def test_units_that_are_taken_out_go_back_with_their_price(world: World) -> None:
    tell(world, EditOrder("e-1", remove=(LineUnits(0, 2),)))
    assert (edit_of(world).status, on_hand(world, "RETRO-CLOCK")) == (EditStatus.DONE, 9)
    assert world.bank.balance(ORDER) == TOTAL - 2 * 1_999
    assert nets(world) == [1_999, 4_500]


def test_an_edit_that_costs_less_refunds_the_difference(world: World) -> None:
    tell(world, EditOrder("e-1", (CHEAP,), (LineUnits(1, 1),)))
    assert (edit_of(world).status, edit_of(world).credit) == (EditStatus.DONE, 4_500)
    assert (on_hand(world, "RADIO"), on_hand(world, "LAVA-LAMP")) == (4, 10)
    assert world.bank.balance(ORDER) == TOTAL - 3_500 == sum(nets(world))


def test_an_edit_that_costs_more_asks_for_the_difference(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,), (LineUnits(0, 1),)))
    assert edit_of(world).due == Money(1_001, "USD")
    assert on_hand(world, "RETRO-CLOCK") == 7
    tell(world, PayEdit("e-1", "sandbox", "tok_ok"))
    assert on_hand(world, "RETRO-CLOCK") == 8
    assert world.bank.balance(ORDER) == TOTAL + 1_001 == sum(nets(world))
    tell(world, Cancel())
    assert (look(world).status, world.bank.balance(ORDER)) == (Status.CANCELLED, 0)
    assert [on_hand(world, sku) for sku in ("RADIO", "RETRO-CLOCK", "LAVA-LAMP")] == [5, 10, 10]


def test_an_edit_is_refused_as_a_whole_where_stock_is_short(world: World) -> None:
    world.send("stock", stock_key("RADIO"), Reserve("other", 5, world.now + HOUR_MS))
    chair = Line("CHAIR", 1, Money(1, "USD"))
    world.send("stock", stock_key("CHAIR"), Receive("r-1", 1))
    tell(world, EditOrder("e-1", (RADIO, chair), (LineUnits(0, 1),)))
    assert (edit_of(world).status, edit_of(world).refusal) == (EditStatus.REFUSED, Reason.INSUFFICIENT_STOCK)
    assert (world.state("stock", stock_key("CHAIR")).reserved, on_hand(world, "RETRO-CLOCK")) == (0, 7)
    assert after(world).items[0].open == 3


def test_an_edit_that_is_not_paid_in_time_is_undone(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,), (LineUnits(0, 1),), window_s=3_600))
    world.advance(HOUR_MS)
    world.run(ORDER)
    assert edit_of(world).status is EditStatus.EXPIRED
    assert (world.state("stock", stock_key("RADIO")).reserved, after(world).items[0].open) == (0, 3)
    assert refuse(world, PayEdit("e-1", "sandbox", "tok_ok")) is Reason.STEP_NOT_ALLOWED


def test_a_card_that_is_declined_can_be_followed_by_another(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_declined"))
    assert (edit_of(world).status, edit_of(world).code) == (EditStatus.AWAITING_PAYMENT, "card_declined")
    tell(world, PayEdit("e-1", "sandbox", "tok_two_steps"))
    assert (edit_of(world).status, edit_of(world).attempt) == (EditStatus.DONE, 2)
    assert world.bank.balance(ORDER) == TOTAL + 3_000


def test_a_pending_payment_is_settled_by_its_callback(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_async"))
    assert edit_of(world).payment is EditPayment.PENDING
    key = "ord-1:edit-e-1:pay-1"
    world.bank._take(key, 3_000)
    world.send("order", ORDER, SettlePayment(key, Authorized(f"pay-{key}", True)))
    world.run(ORDER)
    assert edit_of(world).status is EditStatus.DONE
    again = world.decide("order", ORDER, SettlePayment(key, Authorized(f"pay-{key}", True)))
    assert again == Accepted()


def test_a_pending_payment_whose_callback_was_lost_is_asked_for_again(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_async"))
    world.bank._take("ord-1:edit-e-1:pay-1", 3_000)
    world.advance(30_000)
    world.run(ORDER)
    assert (edit_of(world).status, edit_of(world).asked) == (EditStatus.DONE, 2)


def test_an_edit_that_is_withdrawn_voids_what_may_have_been_paid(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)))
    world.bank.silent = True
    world.send("order", ORDER, PayEdit("e-1", "sandbox", "tok_ok"))
    (pay,) = world.effects(ORDER)
    assert isinstance(pay, Request)
    answer = world.carry_out(pay)
    world.bank.silent = False
    tell(world, WithdrawEdit("e-1"), WithdrawEdit("e-1"))
    assert (edit_of(world).status, edit_of(world).payment) == (EditStatus.WITHDRAWN, EditPayment.VOIDED)
    assert world.decide("order", ORDER, EffectAnswered(pay.id, answer)) == Accepted()
    assert world.bank.balance(ORDER) == TOTAL
    assert tell(world, EditOrder("e-2", (CHEAP,))).after is not None


def test_money_that_was_taken_twice_goes_back(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_ok"))
    second = Authorized("pay-second", True)
    world.bank.taken["second"] = 3_000
    for _ in range(2):
        world.send("order", ORDER, SettlePayment("ord-1:edit-e-1:pay-1", second))
        world.run(ORDER)
    assert world.bank.taken["second"] == 0
    assert (after(world).captured, after(world).refunded) == (TOTAL + 3_000, 0)


def test_another_amount_than_was_asked_for_sells_nothing(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)))
    world.send("order", ORDER, PayEdit("e-1", "sandbox", "tok_async"))
    world.answer(ORDER, "edit-pay:e-1:1", Authorized("pay-x", True, Money(1, "USD")))
    world.run(ORDER)
    assert (edit_of(world).status, edit_of(world).payment) == (EditStatus.REFUSED, EditPayment.VOIDED)


def test_a_hold_that_was_lost_in_an_outage_gives_the_payment_back(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)))
    world.send("order", ORDER, PayEdit("e-1", "sandbox", "tok_ok"))
    (pay,) = world.effects(ORDER)
    world.answer(ORDER, pay.id, world.carry_out(pay))
    world.answer(ORDER, "edit-commit:e-1:0", Rejected(Reason.RESERVATION_ENDED))
    world.run(ORDER)
    assert (edit_of(world).status, edit_of(world).refusal) == (EditStatus.REFUSED, Reason.RESERVATION_ENDED)
    assert world.bank.balance(ORDER) == TOTAL
    assert len(after(world).items) == 2


def test_an_exchange_settles_the_difference_once_the_return_is_inspected(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3), (1, 1)))
    tell(world, *send_back("t-1", (0, 1), found=((0, 1, 0),)))
    tell(world, EditOrder("e-1", (CHEAP,), return_id="t-1"))
    assert after(world).returns[0].status is ReturnStatus.EXCHANGED
    assert (on_hand(world, "RETRO-CLOCK"), on_hand(world, "RADIO")) == (8, 4)
    assert world.bank.balance(ORDER) == TOTAL - 999 == sum(nets(world))
    assert look(world).status is Status.PARTLY_FULFILLED
    assert tell(world, *arrive("s-2", (2, 1))).status is Status.DELIVERED


def test_an_exchange_for_something_dearer_is_paid_by_the_customer(world: World) -> None:
    tell(world, *arrive("s-1", (0, 3)), *send_back("t-1", (0, 1), found=((0, 0, 1),)))
    tell(world, EditOrder("e-1", (RADIO,), return_id="t-1"))
    assert refuse(world, RefundReturn("t-1")) is Reason.EDIT_UNDER_WAY
    tell(world, PayEdit("e-1", "sandbox", "tok_ok"))
    assert world.bank.balance(ORDER) == TOTAL + 1_001 == sum(nets(world))
    assert refuse(world, RefundReturn("t-1")) is Reason.STEP_NOT_ALLOWED


def test_an_order_is_edited_once_at_a_time_and_what_it_takes_out_is_locked(world: World) -> None:
    dear = Line("RADIO", 1, Money(9_000, "USD"))
    tell(world, EditOrder("e-1", (dear,), (LineUnits(0, 3),)))
    assert refuse(world, EditOrder("e-2", (CHEAP,))) is Reason.EDIT_UNDER_WAY
    assert refuse(world, CancelUnits("c-1", (LineUnits(0, 1),))) is Reason.UNITS_UNAVAILABLE
    assert refuse(world, Cancel()) is Reason.ORDER_NOT_CANCELLABLE
    repeated = world.decide("order", ORDER, EditOrder("e-1", (dear,), (LineUnits(0, 3),)))
    assert isinstance(repeated, Accepted)
    assert not repeated.events
    assert refuse(world, EditOrder("e-1", (CHEAP,))) is Reason.KEY_REUSED


def test_goodwill_comes_off_the_credit_of_an_edit(world: World) -> None:
    tell(world, RefundOrder("r-1", TOTAL), EditOrder("e-1", remove=(LineUnits(0, 3),)))
    assert (edit_of(world).credit, world.bank.balance(ORDER)) == (0, 0)


WRONG: list[tuple[Any, ...]] = [
    ("nothing", EditOrder("e-1"), Reason.INVALID_COMMAND),
    ("no window", EditOrder("e-1", (RADIO,), window_s=0), Reason.INVALID_COMMAND),
    ("a SKU twice", EditOrder("e-1", (RADIO, CHEAP)), Reason.INVALID_COMMAND),
    ("no unit", EditOrder("e-1", (Line("RADIO", 0, Money(1, "USD")),)), Reason.INVALID_COMMAND),
    ("another currency", EditOrder("e-1", (Line("RADIO", 1, Money(1, "EUR")),)), Reason.CURRENCY_MISMATCH),
    ("more than there is", EditOrder("e-1", remove=(LineUnits(0, 4),)), Reason.UNITS_UNAVAILABLE),
    ("no such return", EditOrder("e-1", (RADIO,), return_id="t-9"), Reason.NOT_FOUND),
    ("a return and units", EditOrder("e-1", (RADIO,), (LineUnits(0, 1),), "t-9"), Reason.INVALID_COMMAND),
    ("paying for none", PayEdit("e-9", "sandbox", "tok_ok"), Reason.NOT_FOUND),
    ("paying without a token", PayEdit("e-9", "sandbox", ""), Reason.INVALID_COMMAND),
    ("withdrawing none", WithdrawEdit("e-9"), Reason.NOT_FOUND),
]


@pytest.mark.parametrize(("command", "reason"), named(WRONG))
def test_what_is_no_edit_is_refused(world: World, command: Any, reason: Reason) -> None:
    assert refuse(world, command) is reason


ANSWERS = [
    ("edit-reserve:e-1:0", Rejected(Reason.INSUFFICIENT_STOCK)),
    ("edit-commit:e-1:0", None),
    ("edit-release:e-1:0", None),
    ("edit-pay:e-1:1", Declined("x")),
    ("edit-pay:e-1:1", Pending("p")),
    ("edit-pay:e-9:1", Pending("p")),
    ("edit-capture:e-1", Declined("x")),
    ("edit-void:e-1", Declined("x")),
]


@pytest.mark.parametrize(("effect_id", "reply"), ANSWERS)
def test_an_answer_that_no_edit_waits_for_changes_nothing(world: World, effect_id: str, reply: Any) -> None:
    view = tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_ok"))
    assert isinstance(view, OrderView)
    assert world.decide("order", ORDER, EffectAnswered(effect_id, reply)) == Accepted()


def test_an_order_that_is_made_anonymous_keeps_no_words_and_no_tokens(world: World) -> None:
    tell(world, EditOrder("e-1", (RADIO,)), PayEdit("e-1", "sandbox", "tok_ok"))
    tell(world, *arrive("s-1", (0, 3)), RequestReturn("t-1", (ReturnedUnits(0, 1, DAMAGED),), "my wife hates it"))
    tell(world, AddNote("n-1", "Ann of 7 Elm Street"), Anonymize())
    assert (after(world).notes, after(world).returns[0].note, edit_of(world).token) == ((), "", "")
    world.check_folds()
