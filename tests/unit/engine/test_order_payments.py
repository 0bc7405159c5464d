"""Payments that aren't as asked for: another amount, in somebody's name, too late; and what a shopper has to do."""

import pytest

from engine.cart import Line
from engine.kernel import Request
from engine.money import Money
from engine.order import Cancel, LookOrder, OrderView, Place, SettlePayment, Status
from engine.order.answers import AMOUNT_MISMATCH
from engine.order.events import (
    PaymentMismatched,
    PaymentPending,
    PaymentRefunded,
    PaymentVoided,
    SurplusPaymentFound,
    SurplusRefunded,
)
from engine.order.state import ASK_AGAIN_MS, settled
from engine.payment import (
    ALREADY_REFUNDED,
    Authorize,
    Authorized,
    Captured,
    Declined,
    PaymentAction,
    Pending,
    Refund,
    Void,
    Voided,
)
from engine.reasons import Reason
from engine.stock import Receive, stock_key

from .world import START, World

ORDER = "ord-1"
KEY = "ord-1:pay"
PRICE = Money(1_999, "USD")
LESS = Money(1, "USD")
OTHER_CURRENCY = Money(1_999, "EUR")
PAGE = PaymentAction(redirect_url="https://pay.example/approve")


@pytest.fixture
def world() -> World:
    world = World()
    world.send("stock", stock_key("RETRO-CLOCK"), Receive("r-1", 1))
    return world


def place(world: World, token: str = "tok_ok") -> None:
    """An order that waits for its payment."""
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", token, (Line("RETRO-CLOCK", 1, PRICE),)))
    world.run(ORDER, until=lambda: any(isinstance(effect, Request) for effect in world.effects(ORDER)))


def look(world: World) -> OrderView:
    view = world.send("order", ORDER, LookOrder())
    assert isinstance(view, OrderView)
    return view


@pytest.mark.parametrize("amount", [LESS, Money(2_000, "USD"), OTHER_CURRENCY])
@pytest.mark.parametrize("captured", [True, False])
def test_another_amount_than_asked_for_is_never_confirmed_and_goes_back(
    world: World, amount: Money, captured: bool
) -> None:
    place(world)
    world.answer(ORDER, "pay:1", Authorized("pay-1", captured, amount))
    view = look(world)
    assert view.settlement is not None
    assert (view.status, view.settlement.reason) == (Status.REJECTED, Reason.PAYMENT_DECLINED)
    assert view.settlement.details == {"code": AMOUNT_MISMATCH}
    assert PaymentMismatched("pay-1", amount, START) in world.journal["order", ORDER]
    [void] = [effect for effect in world.effects(ORDER) if isinstance(effect, Request)]
    assert void.call == Void("ord-1:void", KEY, PRICE, "tok_ok", "pay-1", START)


def test_a_capture_of_another_amount_is_never_confirmed(world: World) -> None:
    place(world)
    world.answer(ORDER, "pay:1", Authorized("pay-1", False, PRICE))
    world.answer(ORDER, "capture", Captured("pay-1", LESS))
    assert look(world).status is Status.REJECTED
    assert [effect.id for effect in world.effects(ORDER)] == ["release:0", "void"]


def test_a_cent_that_a_stranger_pays_in_the_orders_name_goes_back_and_the_order_waits_on(world: World) -> None:
    place(world, "tok_async")
    world.answer(ORDER, "pay:1", Pending("pay-1"))
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-forged", True, LESS)))
    assert look(world).status is Status.AWAITING_PAYMENT
    refund = Refund("ord-1:refund:pay-forged", "pay-forged", LESS)
    assert Request("surplus:pay-forged", "sandbox", refund) in world.effects(ORDER)
    world.answer(ORDER, "surplus:pay-forged", Declined(ALREADY_REFUNDED))
    assert world.journal["order", ORDER][-2:] == [
        SurplusPaymentFound("pay-forged", LESS),
        SurplusRefunded("pay-forged", ""),
    ]
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-1", True, PRICE)))
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED


def test_a_strangers_authorization_of_another_amount_changes_nothing(world: World) -> None:
    place(world, "tok_async")
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-forged", False, LESS)))
    assert look(world).status is Status.AWAITING_PAYMENT
    assert [effect.id for effect in world.effects(ORDER)] == ["pay:1"]


def test_money_that_comes_after_the_void_of_an_expired_order_is_found_and_refunded(world: World) -> None:
    place(world)
    world.bank.silent = True
    world.advance(600_000)
    assert look(world).status is Status.EXPIRED
    world.run(ORDER)
    world.answer(ORDER, "void", Voided())
    world.bank.silent = False
    world.bank.taken[KEY] = PRICE.amount
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-ord-1:pay", True, PRICE)))
    world.run(ORDER)
    assert world.bank.balance(ORDER) == 0
    assert world.journal["order", ORDER][-2:] == [
        SurplusPaymentFound("pay-ord-1:pay", PRICE),
        SurplusRefunded("pay-ord-1:pay", "re-ord-1:refund:pay-ord-1:pay"),
    ]


def test_money_that_the_void_gave_back_is_told_and_not_refunded_when_its_callback_comes_late(world: World) -> None:
    place(world)
    world.bank.silent = True
    world.advance(600_000)
    world.answer(ORDER, "void", Voided(PRICE))
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-ord-1:pay", True, PRICE)))
    assert PaymentVoided(PRICE) in world.journal["order", ORDER]
    assert not [effect for effect in world.effects(ORDER) if isinstance(effect, Request)]


def test_money_that_somebody_gave_back_by_hand_counts_as_refunded(world: World) -> None:
    place(world)
    world.run(ORDER)
    world.send("order", ORDER, Cancel())
    world.answer(ORDER, "refund", Declined(ALREADY_REFUNDED))
    assert PaymentRefunded("") in world.journal["order", ORDER]
    assert look(world).payment_status == "refunded"


def test_whoever_waits_is_told_at_once_what_the_shopper_has_to_do(world: World) -> None:
    place(world, "tok_async")
    assert settled(world.state("order", ORDER)) is None
    world.answer(ORDER, "pay:1", Pending("pay-1", PAGE))
    told = settled(world.state("order", ORDER))
    assert told is not None
    assert (told.settlement, told.action, told.payment_status) == (None, PAGE, "pending")
    world.send("order", ORDER, SettlePayment(KEY, Authorized("pay-1", False, PRICE)))
    assert look(world).action is None


def test_an_action_is_recorded_once_and_stays_while_the_provider_is_asked_again(world: World) -> None:
    place(world, "tok_async")
    world.answer(ORDER, "pay:1", Pending("pay-1", PAGE))
    world.advance(ASK_AGAIN_MS)
    assert look(world).action == PAGE
    [again] = world.effects(ORDER)
    assert isinstance(again, Request)
    assert again.call == Authorize(KEY, PRICE, "tok_async", ORDER, True, "pay-1", START)
    world.answer(ORDER, "pay:2", Pending("pay-1", PAGE))
    pending = [event for event in world.journal["order", ORDER] if isinstance(event, PaymentPending)]
    assert [event.action for event in pending] == [PAGE, None]
    assert look(world).action == PAGE
