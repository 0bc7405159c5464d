"""What a cart keeps beside its lines: codes, cards and delivery, bounded and seen by whoever checks it out."""

import pytest

from engine.address import DeliveryAddress
from engine.cart import AddLine, CartView, OpenCart, Seal
from engine.kernel import Rejected
from engine.money import Money
from engine.reasons import Reason
from engine.wishes import (
    MOST_COUPONS,
    MOST_GIFT_CARDS,
    CartWishes,
    KeepCoupon,
    KeepDelivery,
    KeepGiftCard,
    KeptCard,
    WishCommand,
)

from .world import World

CARD = KeptCard("gc_1", "…4711")


@pytest.fixture
def world() -> World:
    world = World()
    world.send("cart", "cart-1", OpenCart())
    world.send("cart", "cart-1", AddLine("MUG", 1, Money(900, "USD")))
    return world


def keep(world: World, command: WishCommand) -> CartView:
    view = world.send("cart", "cart-1", command)
    assert isinstance(view, CartView)
    return view


def test_everything_that_is_entered_changes_the_version_once(world: World) -> None:
    address = DeliveryAddress("Ada", "1 Main St", "New York", "US")
    for version, command in enumerate((KeepCoupon("SUMMER10"), KeepGiftCard(CARD), KeepDelivery("post", address)), 3):
        assert keep(world, command).version == keep(world, command).version == version
    assert keep(world, KeepCoupon("SUMMER10")).wishes == CartWishes(("SUMMER10",), (CARD,), "post", address)
    world.check_folds()


def test_what_is_taken_out_is_gone(world: World) -> None:
    keep(world, KeepCoupon("SUMMER10"))
    keep(world, KeepGiftCard(CARD))
    keep(world, KeepCoupon("SUMMER10", wanted=False))
    assert keep(world, KeepGiftCard(CARD, wanted=False)).wishes == CartWishes()


def test_an_order_that_seals_the_cart_sees_what_was_entered(world: World) -> None:
    keep(world, KeepCoupon("SUMMER10"))
    sealed = world.send("cart", "cart-1", Seal("ord-1"))
    assert isinstance(sealed, CartView)
    assert sealed.wishes == CartWishes(("SUMMER10",))
    reply = world.send("cart", "cart-1", KeepCoupon("WINTER"))
    assert reply == Rejected(Reason.CART_SEALED, {"order_id": "ord-1"})


def test_a_cart_keeps_a_bounded_number(world: World) -> None:
    for number in range(MOST_COUPONS):
        keep(world, KeepCoupon(f"C{number}"))
    for number in range(MOST_GIFT_CARDS):
        keep(world, KeepGiftCard(KeptCard(f"gc_0{number}", "")))
    for command in (KeepCoupon("MORE"), KeepGiftCard(CARD)):
        reply = world.send("cart", "cart-1", command)
        assert isinstance(reply, Rejected)
        assert reply.reason is Reason.CART_FULL


@pytest.mark.parametrize(
    "command", [KeepCoupon(""), KeepCoupon("x" * 256), KeepGiftCard(KeptCard("", "")), KeepDelivery("x" * 256)]
)
def test_what_no_cart_could_keep_is_refused_as_such(world: World, command: WishCommand) -> None:
    reply = world.send("cart", "cart-1", command)
    assert isinstance(reply, Rejected)
    assert reply.reason is Reason.INVALID_COMMAND
