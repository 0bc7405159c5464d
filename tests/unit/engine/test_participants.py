"""An order that reserves more than the stock of its lines: components, places, coupons, money of cards."""

from typing import Any

import msgspec
import pytest

from engine.cart import AddLine, Line, LookCart, OpenCart
from engine.coupon import CouponView, LookCoupon, PutCoupon
from engine.gift_card import CardView, IssueCard, LookCard
from engine.kernel import Rejected
from engine.money import Money
from engine.order import Cancel, Claim, LookOrder, OrderView, Place, Status, Units
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.records import LineUnits
from engine.payment import Authorize
from engine.pricing import Benefit, Context, Goods, Promotion, Quote, quote
from engine.reasons import Reason
from engine.stock import LookStock, Receive, SetPolicy, StockView, stock_key

from .world import World, named

ORDER = "ord-1"
BREAKFAST = Line("BREAKFAST-SET", 2, Money(3_000, "USD"), "Breakfast set")
PICNIC = Line("PICNIC-SET", 1, Money(5_000, "USD"), "Picnic set")


def place(*lines: Line, **other: Any) -> Place:
    return Place("fp-1", "ann@example.org", "sandbox", "tok_ok", lines, **other)


@pytest.fixture
def world() -> World:
    world = World()
    for sku, location, quantity in (("MUG", "default", 5), ("PLATE", "default", 5), ("MUG", "berlin", 5)):
        world.send("stock", stock_key(sku, location), Receive("r-1", quantity))
    return world


def stock_of(world: World, sku: str, location: str = "default") -> tuple[int, int]:
    view = world.send("stock", stock_key(sku, location), LookStock())
    assert isinstance(view, StockView)
    return view.on_hand, view.reserved


def look(world: World) -> OrderView:
    view = world.send("order", ORDER, LookOrder())
    assert isinstance(view, OrderView)
    return view


def test_units_of_one_stock_are_summed_over_the_lines_that_need_them(world: World) -> None:
    units = (Units("MUG", "default", 4), Units("PLATE", "default", 2), Units("MUG", "default", 1))
    world.send("order", ORDER, place(BREAKFAST, PICNIC, units=units))
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED
    assert look(world).lines == (BREAKFAST, PICNIC)
    assert (stock_of(world, "MUG"), stock_of(world, "PLATE")) == ((0, 0), (3, 0))
    assert world.state("stock", stock_key("MUG")).next_sequence == 2, "one reservation for both lines"
    world.check_folds()


def test_medusa_16502_two_lines_that_need_one_component_never_oversell_it(world: World) -> None:
    units = (Units("MUG", "default", 4), Units("MUG", "default", 2))
    world.send("order", ORDER, place(BREAKFAST, PICNIC, units=units))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert settlement.reason is Reason.INSUFFICIENT_STOCK
    assert settlement.details == {"lines": [{"sku": "MUG", "requested": 6, "available": 5}]}
    assert stock_of(world, "MUG") == (5, 0)


def test_units_come_from_the_location_that_was_chosen(world: World) -> None:
    world.send("order", ORDER, place(BREAKFAST, units=(Units("MUG", "berlin", 2),)))
    world.run(ORDER)
    assert (stock_of(world, "MUG"), stock_of(world, "MUG", "berlin")) == ((5, 0), (3, 0))


def test_a_cancelled_order_gives_all_its_units_back(world: World) -> None:
    world.send("order", ORDER, place(BREAKFAST, units=(Units("MUG", "default", 4), Units("PLATE", "default", 2))))
    world.run(ORDER)
    world.send("order", ORDER, Cancel())
    world.run(ORDER)
    assert (stock_of(world, "MUG"), stock_of(world, "PLATE")) == ((5, 0), (5, 0))
    world.check_folds()


def test_every_stock_that_is_short_is_told_with_its_own_sku(world: World) -> None:
    world.send("order", ORDER, place(BREAKFAST, units=(Units("PLATE", "default", 9), Units("MUG", "default", 7))))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert [line["sku"] for line in settlement.details["lines"]] == ["PLATE", "MUG"]


def test_claims_that_pay_lower_what_the_provider_is_asked_for(world: World) -> None:
    # A stock stands for the ledger here: it speaks the same protocol.
    world.send("order", ORDER, place(PICNIC, units=(Units("MUG", "default", 1),)))
    assert look(world).due == Money(5_000, "USD")
    claimed = place(PICNIC, units=(Units("MUG", "default", 1),), claims=(Claim("purse", "card", 1_500, pays=True),))
    world.send("order", "ord-2", claimed)
    view = world.send("order", "ord-2", LookOrder())
    assert isinstance(view, OrderView)
    assert (view.total, view.due) == (Money(5_000, "USD"), Money(3_500, "USD"))


WRONG = [
    ({"units": (Units("MUG", "default", 0),)}, "units"),
    ({"units": (Units("MUG@x", "default", 1),)}, "units"),
    ({"units": (Units("MUG", "", 1),)}, "units"),
    ({"units": (Units("MUG", "default", 600_000), Units("MUG", "default", 600_000))}, "units"),
    ({"claims": (Claim("stock", "MUG@default", 1),)}, "claims"),
    ({"claims": (Claim("coupon", "SUMMER", 0),)}, "claims"),
    ({"claims": (Claim("coupon", "SUMMER", 1), Claim("coupon", "SUMMER", 1))}, "claims"),
    ({"claims": (Claim("gift-card", "card", 6_001, pays=True),)}, "claims"),
    ({"cart_version": 3}, "cart_version"),
]


@pytest.mark.parametrize(("fields", "field"), WRONG)
def test_units_and_claims_that_no_order_can_have_are_refused(world: World, fields: dict[str, Any], field: str) -> None:
    reply = world.send("order", ORDER, place(BREAKFAST, **fields))
    assert isinstance(reply, Rejected)
    assert (reply.reason, reply.details["field"]) == (Reason.INVALID_COMMAND, field)


def test_claims_need_lines(world: World) -> None:
    reply = world.send("order", ORDER, place(cart_id="cart-1", claims=(Claim("coupon", "SUMMER", 1),)))
    assert isinstance(reply, Rejected)
    assert reply.details["field"] == "lines"


# -- a cart that was looked at before


@pytest.fixture
def cart_version(world: World) -> int:
    world.send("cart", "cart-1", OpenCart())
    world.send("cart", "cart-1", AddLine("MUG", 1, Money(900, "USD"), "Mug"))
    return 2


MUG = Line("MUG", 1, Money(900, "USD"), "Mug")


def test_a_cart_is_sealed_at_the_version_that_was_looked_at(world: World, cart_version: int) -> None:
    world.send("order", ORDER, place(MUG, cart_id="cart-1", cart_version=cart_version))
    assert (look(world).status, look(world).lines) == (Status.SEALING, (MUG,))
    world.run(ORDER)
    assert look(world).status is Status.CONFIRMED
    assert world.send("cart", "cart-1", LookCart()).sealed_by == ORDER  # type: ignore[union-attr]
    world.check_folds()


def test_acidrain_a_cart_that_changed_since_it_was_looked_at_is_not_bought(world: World, cart_version: int) -> None:
    world.send("cart", "cart-1", AddLine("PLATE", 1, Money(800, "USD"), "Plate"))
    world.send("order", ORDER, place(MUG, cart_id="cart-1", cart_version=cart_version))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.REJECTED, Reason.CART_CHANGED)
    assert world.send("cart", "cart-1", LookCart()).sealed_by == ""  # type: ignore[union-attr]
    assert world.bank.calls == []
    assert stock_of(world, "MUG") == (5, 0)


def test_what_a_cart_never_held_is_not_bought(world: World, cart_version: int) -> None:
    plate = Line("PLATE", 1, Money(800, "USD"), "Plate")
    world.send("order", ORDER, place(plate, cart_id="cart-1", cart_version=cart_version))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert settlement.reason is Reason.CART_CHANGED
    assert world.send("cart", "cart-1", LookCart()).sealed_by == ""  # type: ignore[union-attr]


def test_nothing_more_is_asked_once_a_participant_has_refused(world: World) -> None:
    world.send("stock", stock_key("MUG"), SetPolicy(safety_stock=5))
    wanted = place(MUG, units=(Units("MUG", "default", 1),), claims=(Claim("tickets", "front-row", 1),))
    world.send("order", ORDER, wanted)
    assert [effect.id for effect in world.effects(ORDER)] == ["reserve:0"]
    world.run(ORDER)
    assert look(world).status is Status.REJECTED
    assert world.effects(ORDER) == []


def test_a_free_remainder_skips_the_payment(world: World) -> None:
    claims = (Claim("purse", "card", 900, pays=True),)
    world.send("order", ORDER, place(MUG, claims=claims))
    assert look(world).due == Money(0, "USD")
    assert not any(isinstance(getattr(effect, "call", None), Authorize) for effect in world.effects(ORDER))


# -- coupons and gift cards

SUMMER = Promotion("Summer sale", Benefit.PERCENTAGE, percent_bp=1_000, needs_coupon=True)
COUPON = Claim("coupon", "SUMMER10", 1, terms="summer")


def paying(amount: int, key: str = "card-1") -> Claim:
    return Claim("gift-card", key, amount, pays=True, terms="USD", name="...4711")


def quote_of(*lines: Line) -> Quote:
    goods = [Goods(line.sku, line.quantity, line.price) for line in lines]
    found = quote(goods, {"summer": SUMMER}, Context("USD", 0, coupons={"SUMMER10": "summer"}))
    assert found is not None
    return found


def coupon_of(world: World, code: str = "SUMMER10") -> tuple[int, int]:
    view = world.send("coupon", code, LookCoupon())
    assert isinstance(view, CouponView)
    return view.used, view.reserved


def card_of(world: World) -> tuple[int, int]:
    view = world.send("gift-card", "card-1", LookCard())
    assert isinstance(view, CardView)
    return view.balance, view.reserved


@pytest.fixture
def vouchers(world: World) -> World:
    world.send("coupon", "SUMMER10", PutCoupon("summer", limit=2, customer_limit=1))
    world.send("gift-card", "card-1", IssueCard(Money(1_000, "USD")))
    return world


def test_a_coupon_and_a_card_are_used_up_with_their_order(vouchers: World) -> None:
    world = vouchers
    wanted = place(MUG, quote=quote_of(MUG), claims=(COUPON, paying(500)), customer="ann")
    world.send("order", ORDER, wanted)
    assert (look(world).total, look(world).due) == (Money(810, "USD"), Money(310, "USD"))
    world.run(ORDER)
    view = look(world)
    assert (view.status, view.quote) == (Status.CONFIRMED, quote_of(MUG))
    assert (coupon_of(world), card_of(world), world.bank.balance(ORDER)) == ((1, 0), (500, 0), 310)
    assert (stock_of(world, "MUG")) == (4, 0)
    world.check_folds()


def test_what_a_card_pays_alone_needs_no_provider(vouchers: World) -> None:
    vouchers.send("order", ORDER, place(MUG, claims=(paying(900),)))
    vouchers.run(ORDER)
    assert (look(vouchers).status, look(vouchers).payment_status) == (Status.CONFIRMED, "none")
    assert (card_of(vouchers), vouchers.bank.calls) == ((100, 0), [])


@pytest.mark.parametrize("token", ["tok_declined", "tok_ok"])
def test_a_dead_order_gives_its_coupon_and_its_money_back(vouchers: World, token: str) -> None:
    wanted = place(MUG, quote=quote_of(MUG), claims=(COUPON, paying(500)), customer="ann")
    vouchers.send("order", ORDER, msgspec.structs.replace(wanted, token=token))
    vouchers.run(ORDER)
    vouchers.send("order", ORDER, Cancel())
    vouchers.run(ORDER)
    assert (coupon_of(vouchers), card_of(vouchers), stock_of(vouchers, "MUG")) == ((0, 0), (1_000, 0), (5, 0))
    assert vouchers.bank.balance(ORDER) == 0
    vouchers.check_folds()


REFUSALS = [
    ("a card with too little", {"claims": (paying(900),)}, 899, Reason.GIFT_CARD_INSUFFICIENT),
    ("no such card", {"claims": (paying(900, "card-2"),)}, 0, Reason.GIFT_CARD_UNKNOWN),
]


@pytest.mark.parametrize(("fields", "balance", "reason"), named(REFUSALS))
def test_a_card_that_refuses_ends_the_order(world: World, fields: dict[str, Any], balance: int, reason: Reason) -> None:
    if balance:
        world.send("gift-card", "card-1", IssueCard(Money(balance, "USD")))
    world.send("order", ORDER, place(MUG, **fields))
    world.run(ORDER)
    settlement = look(world).settlement
    assert settlement is not None
    assert (settlement.status, settlement.reason) == (Status.REJECTED, reason)
    assert (stock_of(world, "MUG"), world.bank.calls) == ((5, 0), [])


def test_an_order_that_is_cancelled_in_parts_gives_its_coupon_back_with_the_last_unit(vouchers: World) -> None:
    wanted = place(MUG, quote=quote_of(MUG), claims=(COUPON, paying(500)), customer="ann")
    vouchers.send("order", ORDER, wanted)
    vouchers.run(ORDER)
    for number in range(MUG.quantity):
        assert coupon_of(vouchers) == (1, 0)
        vouchers.send("order", ORDER, CancelUnits(f"c-{number}", (LineUnits(0, 1),)))
        vouchers.run(ORDER)
    assert (coupon_of(vouchers), card_of(vouchers), stock_of(vouchers, "MUG")) == ((0, 0), (1_000, 0), (5, 0))
    assert vouchers.bank.balance(ORDER) == 0
    vouchers.check_folds()


def test_acidrain_a_coupon_is_not_used_more_often_than_it_may_be(vouchers: World) -> None:
    for number, customer in enumerate(("ann", "ann", "bob", "cem")):
        wanted = place(MUG, quote=quote_of(MUG), claims=(COUPON,), customer=customer)
        vouchers.send("order", f"ord-{number}", wanted)
    # All of them ask at once: each has placed its order before any coupon is reserved.
    for number in range(4):
        vouchers.run(f"ord-{number}")
    settlements = [vouchers.state("order", f"ord-{number}").settlement for number in range(4)]
    assert [each.reason for each in settlements] == [None, Reason.COUPON_LIMIT, None, Reason.COUPON_EXHAUSTED]
    assert coupon_of(vouchers) == (2, 0)


@pytest.mark.parametrize("claims", [(), (Claim("coupon", "OTHER", 1),)])
def test_an_order_uses_up_exactly_the_coupons_that_lowered_its_price(world: World, claims: tuple[Claim, ...]) -> None:
    reply = world.send("order", ORDER, place(MUG, quote=quote_of(MUG), claims=claims))
    assert isinstance(reply, Rejected)
    assert reply.details["field"] == "claims"


def test_a_coupon_that_is_for_another_promotion_by_now_is_refused(vouchers: World) -> None:
    vouchers.send("coupon", "SUMMER10", PutCoupon("winter"))
    vouchers.send("order", ORDER, place(MUG, quote=quote_of(MUG), claims=(COUPON,)))
    vouchers.run(ORDER)
    settlement = look(vouchers).settlement
    assert settlement is not None
    assert settlement.reason is Reason.COUPON_ENDED
