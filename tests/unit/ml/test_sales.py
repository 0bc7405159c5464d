"""The ledger of sales: whatever becomes of an order, its rows add up to what was taken and not given back."""

from random import Random
from typing import Any

import pytest

from engine.cart import AddLine, Line, OpenCart
from engine.gift_card import IssueCard
from engine.money import Money
from engine.order import Cancel, Claim, Place, Status
from engine.order.aftersale.cancellation import CancelUnits
from engine.order.aftersale.edits import EditOrder, PayEdit
from engine.order.aftersale.fulfilment import CreateShipment, MoveShipment
from engine.order.aftersale.records import (
    Finding,
    LineAmount,
    LineUnits,
    ReturnedUnits,
    ReturnReason,
    ShipmentStatus,
)
from engine.order.aftersale.refunds import RefundOrder
from engine.order.aftersale.returns import AnswerReturn, InspectReturn, ReceiveReturn, RefundReturn, RequestReturn
from engine.pricing import Discount, Quote, QuotedLine, QuotedShipping
from engine.pricing.values import Tax
from engine.stock import Receive, stock_key
from ml.lake.tables import CartRow, OrderRow, Refusal, Sale
from tests.unit.engine.test_aftersale_properties import play
from tests.unit.engine.world import START, World

from .told import rows_of, rows_of_events, summed

pytestmark = pytest.mark.unit

ORDER = "ord-1"
CLOCK = Line("RETRO-CLOCK", 3, Money(2_000, "EUR"))
LAMP = Line("LAVA-LAMP", 1, Money(5_000, "EUR"))
QUOTE = Quote(
    "EUR",
    (
        # 6,000 less a tenth, with 19 % on top; 5,000 with 7 % contained.
        QuotedLine(
            "RETRO-CLOCK", 3, 2_000, 6_426, (Discount("p", "tenth", 600),), (Tax("VAT", 190_000, 5_400, 1_026),)
        ),
        QuotedLine("LAVA-LAMP", 1, 5_000, 5_000, (), (Tax("VAT", 70_000, 4_673, 327, included=True),)),
    ),
    6_426 + 5_000 + 595,
    QuotedShipping("std", "Standard", 500, 595, (), (Tax("VAT", 190_000, 500, 95),)),
    region="de",
)


def bought(quote: Quote | None = QUOTE, **more: Any) -> World:
    world = World()
    for sku in ("RETRO-CLOCK", "LAVA-LAMP", "RADIO"):
        world.send("stock", stock_key(sku), Receive("r-1", 10))
    place = Place("fp", "ann@example.org", "sandbox", "tok_ok", (CLOCK, LAMP), quote=quote, customer="acc_ann", **more)
    world.send("order", ORDER, place)
    world.run(ORDER)
    return world


def tell(world: World, *commands: Any) -> World:
    for command in commands:
        world.send("order", ORDER, command)
        world.run(ORDER)
    return world


def shipped(world: World) -> World:
    units = (LineUnits(0, 3), LineUnits(1, 1))
    return tell(world, CreateShipment("s-1", units), MoveShipment("s-1", ShipmentStatus.SHIPPED))


def sent_back(world: World, line: int, quantity: int) -> World:
    returned = RequestReturn("r-1", (ReturnedUnits(line, quantity, ReturnReason.DAMAGED),))
    found = InspectReturn("r-1", (Finding(line, quantity, 0),))
    return tell(world, returned, AnswerReturn("r-1", True), ReceiveReturn("r-1"), found)


def money_adds_up(world: World) -> list[Sale]:
    sales: list[Sale] = rows_of(world, Sale)
    assert summed(sales, "total") == world.bank.balance(ORDER)
    for row in sales:
        assert row.total == row.net + row.tax
        assert row.currency == "EUR"
    return sales


def test_a_confirmed_order_has_a_row_for_each_line_and_one_for_its_shipping() -> None:
    sales = money_adds_up(bought())
    clock, lamp, shipping = sorted(sales, key=lambda row: (row.kind == "shipping", row.line))
    assert (clock.units, clock.gross, clock.discount, clock.tax, clock.net) == (3, 6_000, 600, 1_026, 5_400)
    assert (lamp.units, lamp.gross, lamp.discount, lamp.tax, lamp.net) == (1, 5_000, 0, 327, 4_673)
    assert (shipping.kind, shipping.sku, shipping.units, shipping.net, shipping.tax) == ("shipping", "", 0, 500, 95)
    assert {(row.customer, row.groups, row.country) for row in sales} == {("acc_ann", "wholesale", "DE")}
    assert (clock.category, clock.vendor, clock.at, clock.ordered_at) == ("Home > Clocks", "Acme", START, START)


def test_a_guest_has_no_name_in_the_lake() -> None:
    world = World()
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 10))
    place = Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,), customer="ann@example.org")
    world.send("order", ORDER, place)
    world.run(ORDER)
    assert [row.customer for row in rows_of(world, Sale)] == [""]
    assert {row.guest for row in rows_of(world, OrderRow)} == {True}


def test_an_order_that_is_cancelled_as_a_whole_comes_to_nothing() -> None:
    sales = money_adds_up(tell(bought(), Cancel("changed my mind")))
    for field in ("units", "gross", "discount", "tax", "net", "total"):
        assert summed(sales, field) == 0
    assert {row.reason for row in sales if row.kind == "cancel"} == {"changed my mind"}


def test_units_that_are_cancelled_take_their_part_of_discount_and_tax_with_them() -> None:
    sales = money_adds_up(tell(bought(), CancelUnits("c-1", (LineUnits(0, 1),), "too late")))
    assert summed(sales, "units", kind="cancel", sku="RETRO-CLOCK") == -1
    assert summed(sales, "total", kind="cancel") == -2_142
    assert summed(sales, "discount", kind="cancel") == -200
    assert summed(sales, "tax", kind="cancel") == -342


def test_when_all_units_are_cancelled_one_by_one_nothing_is_left_of_any_column() -> None:
    world = bought()
    for number, line in enumerate((0, 1, 0, 0)):
        tell(world, CancelUnits(f"c-{number}", (LineUnits(line, 1),)))
    sales = money_adds_up(world)
    for field in ("units", "gross", "discount", "tax", "net", "total"):
        assert summed(sales, field) == 0, field


def test_a_return_counts_when_it_is_settled_and_says_why() -> None:
    world = sent_back(shipped(bought()), 0, 2)
    assert not [row for row in rows_of(world, Sale) if row.kind == "return"]
    sales = money_adds_up(tell(world, RefundReturn("r-1", fee=300)))
    assert summed(sales, "units", kind="return") == -2
    assert summed(sales, "total", kind="return") == -(4_284 - 300)
    assert {row.reason for row in sales if row.kind == "return"} == {"damaged"}


def test_an_exchange_takes_units_in_and_sells_others() -> None:
    world = sent_back(shipped(bought()), 1, 1)
    radio = Line("RADIO", 1, Money(3_000, "EUR"))
    sales = money_adds_up(tell(world, EditOrder("e-1", (radio,), return_id="r-1")))
    assert summed(sales, "units", kind="exchange", sku="LAVA-LAMP") == -1
    assert summed(sales, "total", kind="exchange", sku="LAVA-LAMP") == -5_000
    assert summed(sales, "units", kind="sale", sku="RADIO") == 1


def test_what_an_edit_costs_more_counts_when_the_edit_is_done() -> None:
    world = tell(bought(), EditOrder("e-1", (Line("RADIO", 1, Money(3_000, "EUR")),)))
    before = summed(rows_of(world, Sale), "total")
    sales = money_adds_up(tell(world, PayEdit("e-1", "sandbox", "tok_ok")))
    assert summed(sales, "total") == before + 3_000


def test_money_that_is_given_back_without_goods_is_a_refund() -> None:
    sales = money_adds_up(tell(bought(), RefundOrder("g-1", 642, (LineAmount(0, 642),), "scratched")))
    refunds = [row for row in sales if row.kind == "refund"]
    assert [(row.units, row.total, row.sku, row.reason) for row in refunds] == [(0, -642, "RETRO-CLOCK", "scratched")]
    assert summed(sales, "tax", kind="refund") in (-102, -103)
    other = money_adds_up(tell(bought(), RefundOrder("g-1", 1_000)))
    assert summed(other, "total", kind="refund", sku="") == -1_000


def test_what_a_gift_card_pays_is_part_of_the_sale_and_goes_back_with_it() -> None:
    world = World()
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 10))
    world.send("gift-card", "card-1", IssueCard(Money(5_000, "EUR")))
    card = Claim("gift-card", "card-1", 4_000, pays=True, terms="EUR")
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", "tok_ok", (LAMP,), claims=(card,)))
    world.run(ORDER)
    assert summed(rows_of(world, Sale), "total") == 5_000
    tell(world, CancelUnits("c-1", (LineUnits(0, 1),)))
    assert (summed(rows_of(world, Sale), "total"), summed(rows_of(world, Sale), "units")) == (0, 0)
    assert world.state("gift-card", "card-1").balance == 5_000


def test_every_status_has_its_row_once() -> None:
    world = shipped(bought())
    rows: list[OrderRow] = rows_of(world, OrderRow)
    assert [row.status for row in rows] == ["placed", "confirmed", "fulfilled"]
    assert {(row.units, row.lines, row.total, row.currency) for row in rows} == {(4, 2, QUOTE.total, "EUR")}
    cancelled = rows_of(tell(bought(), Cancel("mind")), OrderRow)
    assert [(row.status, row.reason) for row in cancelled] == [("placed", ""), ("confirmed", ""), ("cancelled", "mind")]


def test_an_order_of_a_cart_counts_as_placed_when_the_cart_has_told_its_lines() -> None:
    world = World()
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 10))
    world.send("cart", "cart_1", OpenCart())
    world.send("cart", "cart_1", AddLine("LAVA-LAMP", 2, LAMP.price))
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", "tok_ok", (), cart_id="cart_1"))
    world.run(ORDER)
    rows: list[OrderRow] = rows_of(world, OrderRow)
    assert [(row.status, row.units, row.total) for row in rows] == [("placed", 2, 10_000), ("confirmed", 2, 10_000)]
    assert [row.kind for row in rows_of(world, CartRow)] == ["set", "sealed"]


def test_an_order_that_is_refused_tells_what_was_short_and_sells_nothing() -> None:
    world = World()
    world.send("stock", stock_key("RETRO-CLOCK"), Receive("r-1", 2))
    world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 2))
    world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", "tok_ok", (CLOCK, LAMP)))
    assert world.run(ORDER).status is Status.REJECTED
    assert rows_of(world, Sale) == []
    short: list[Refusal] = rows_of(world, Refusal)
    assert [(row.sku, row.reason, row.requested, row.available, row.price) for row in short] == [
        ("RETRO-CLOCK", "insufficient-stock", 3, 2, 2_000)
    ]
    last = rows_of(world, OrderRow)[-1]
    assert (last.status, last.reason) == ("rejected", "insufficient-stock")


def test_a_payment_that_fails_or_expires_sells_nothing() -> None:
    for token, status in (("tok_declined", "rejected"), ("tok_async", "expired")):
        world = World()
        world.send("stock", stock_key("LAVA-LAMP"), Receive("r-1", 2))
        world.send("order", ORDER, Place("fp", "ann@example.org", "sandbox", token, (LAMP,)))
        world.run(ORDER)
        world.advance(2 * 86_400_000)
        world.run(ORDER)
        assert rows_of(world, OrderRow)[-1].status == status
        assert rows_of(world, Sale) == []


@pytest.mark.parametrize("seed", range(8))
def test_after_any_story_the_rows_are_what_the_bank_kept_and_units_what_the_customer_has(seed: int) -> None:
    shop = play(Random(seed).choice, 60)
    rows = rows_of_events("order", ORDER, shop.world.journal["order", ORDER])
    ledger = [row for row in rows if isinstance(row, Sale)]
    assert summed(ledger, "total") == shop.world.bank.balance(ORDER)
    after, order = shop.order.after, shop.order
    if after is not None and order.status is not Status.CANCELLED:
        for index, item in enumerate(after.items):
            assert summed(ledger, "units", line=index) == item.line.quantity - item.credited
            assert summed(ledger, "total", line=index) == item.paid - item.refunded


def test_an_order_whose_parcels_came_back_is_confirmed_again_and_counted_once() -> None:
    world = tell(shipped(bought()), MoveShipment("s-1", ShipmentStatus.RETURNED_TO_SENDER))
    rows: list[OrderRow] = rows_of(world, OrderRow)
    assert [row.status for row in rows] == ["placed", "confirmed", "fulfilled", "reopened"]
