"""What the lake tells of stocks, products, purchase orders, customers, their groups and carts."""

from random import Random

import pytest

from engine.account import Address, Erase, OpenAccount, Profile, PutAddress, UseCart
from engine.account.events import HandleHeld
from engine.backorders import BackorderSold
from engine.cart import AddLine, OpenCart
from engine.customer_group import CustomerGroup
from engine.document import DocumentRemoved
from engine.kernel import Accepted
from engine.money import Money
from engine.product import DeleteProduct, PutProduct, SetListPrices
from engine.purchase import ReceivedUnits, ReceivePurchase, ReschedulePurchase, SendPurchase
from engine.stock import STOCK, Adjust, Receive, SetPolicy, stock_key
from ml.lake.facts.around import Where
from ml.lake.facts.groups import Groups, group_rows
from ml.lake.facts.stock import MOVES
from ml.lake.tables import CartRow, CustomerRow, ProductRow, PurchaseRow, StockMove
from tests.unit.engine.test_aftersale_properties import play
from tests.unit.engine.test_purchase import CONTENT, drafted
from tests.unit.engine.world import DAY_MS, START, World

from .told import rows_of

pytestmark = pytest.mark.unit

CLOCK = stock_key("RETRO-CLOCK")


@pytest.mark.parametrize("seed", range(4))
def test_the_last_move_of_a_stock_says_what_the_stock_says_and_moves_add_up(seed: int) -> None:
    world = play(Random(seed).choice, 40).world
    moves: list[StockMove] = rows_of(world, StockMove)
    for sku in {move.sku for move in moves}:
        stock = world.state("stock", stock_key(sku))
        own = [move for move in moves if move.sku == sku]
        assert (own[-1].on_hand, own[-1].reserved) == (stock.on_hand, stock.reserved)
        assert sum(move.on_hand_change for move in own) == stock.on_hand
        assert sum(move.reserved_change for move in own) == stock.reserved
        assert {move.order_id for move in own if move.kind == "sold"} <= {"ord-1"}


def test_deliveries_tell_their_cost_and_what_a_unit_costs_on_average() -> None:
    world = World()
    world.send("stock", CLOCK, Receive("r-1", 10, cost=5_000, currency="EUR", reference="po_1"))
    world.send("stock", CLOCK, Receive("r-2", 30, cost=21_000, currency="EUR"))
    world.send("stock", CLOCK, Adjust("a-1", -3, "broken"))
    world.send("stock", CLOCK, SetPolicy(safety_stock=5))
    first, second, broken, policy = rows_of(world, StockMove)
    assert (first.kind, first.cost, first.unit_cost_milli, first.reference) == ("received", 5_000, 500_000, "po_1")
    assert (second.unit_cost_milli, second.currency) == (650_000, "EUR")
    assert (broken.kind, broken.units, broken.on_hand, broken.reason) == ("adjusted", -3, 37, "broken")
    assert (policy.available, policy.on_hand_change) == (32, 0)
    assert world.state("stock", CLOCK).average_cost_milli == policy.unit_cost_milli


def test_every_event_of_a_stock_either_moves_it_or_is_known_not_to() -> None:
    still = {"NextExpiryFound", "ExpectationSet", BackorderSold.__name__}
    known = {event.__name__ for event in MOVES} | still
    assert {event.__name__ for event in STOCK.events.__args__} == known


def test_a_product_has_a_row_for_every_version() -> None:
    world = World()
    put = PutProduct("Retro clock", Money(1_999, "EUR"), category=("Home", "Clocks"), vendor="Acme", tags=("retro",))
    world.send("product", "RETRO-CLOCK", put)
    world.send("product", "RETRO-CLOCK", SetListPrices())
    world.send("product", "RETRO-CLOCK", DeleteProduct())
    first, gone = rows_of(world, ProductRow)
    assert (first.title, first.category, first.vendor, first.price) == ("Retro clock", "Home > Clocks", "Acme", 1_999)
    assert (first.active, gone.active, gone.deleted, gone.version) == (True, False, True, 2)


def test_what_a_supplier_promised_first_is_kept_when_it_promises_anew() -> None:
    world = drafted()
    world.send("purchase", "po_1", SendPurchase())
    world.send("purchase", "po_1", ReschedulePurchase(START + 9 * DAY_MS))
    world.advance(10 * DAY_MS)
    world.send("purchase", "po_1", ReceivePurchase("d-1", (ReceivedUnits("RETRO-CLOCK", 8, 2),)))
    rows: list[PurchaseRow] = rows_of(world, PurchaseRow)
    assert [row.kind for row in rows] == ["drafted"] * 2 + ["sent"] * 2 + ["rescheduled"] * 2 + ["received"]
    came = rows[-1]
    assert (came.sku, came.units, came.damaged, came.supplier) == ("RETRO-CLOCK", 8, 2, "acme")
    assert (came.first_promised_at, came.promised_at) == (CONTENT.expected_at, START + 9 * DAY_MS)
    assert (came.at, came.sent_at, came.unit_cost) == (START + 10 * DAY_MS, START, 500)
    assert came.landed_cost > 8 * came.unit_cost


def test_a_customer_is_an_id_a_country_and_groups_and_goes_when_erased() -> None:
    world = World()
    world.send("account", "acc_ada", OpenAccount("ada@example.org", "mail_ada", "hash", Profile("Ada")))
    assert rows_of(world, CustomerRow) == [], "whose address isn't shown to be its own is nobody yet"
    world.record("account", "acc_ada", Accepted((HandleHeld(),)))
    world.send("account", "acc_ada", PutAddress("home", Address("Ada Lovelace", "St James's Square", "London", "GB")))
    world.send("account", "acc_ada", UseCart("cart_1", ""))
    world.send("account", "acc_ada", Erase())
    rows: list[CustomerRow] = rows_of(world, CustomerRow)
    assert [(row.kind, row.country, row.groups) for row in rows] == [
        ("registered", "", "wholesale"),
        ("changed", "GB", "wholesale"),
        ("erased", "", ""),
    ]
    owned: list[CartRow] = rows_of(world, CartRow)
    assert [(row.kind, row.cart_id, row.customer) for row in owned] == [("owned", "cart_1", "acc_ada")]
    assert "Ada" not in repr(rows)


def test_a_group_tells_who_came_and_who_went() -> None:
    groups, where = Groups(), Where(0, 1, START)
    rows = list(group_rows(where, "staff", groups, [CustomerGroup("Staff", ("acc_ada", "acc_ben"))]))
    rows += group_rows(where, "vip", groups, [CustomerGroup("VIP", ("acc_ada",))])
    rows += group_rows(where, "staff", groups, [CustomerGroup("Staff", ("acc_ben",)), DocumentRemoved()])
    told = [(row.customer, row.groups) for row in rows if isinstance(row, CustomerRow)]
    assert told == [
        ("acc_ada", "staff"),
        ("acc_ben", "staff"),
        ("acc_ada", "staff,vip"),
        ("acc_ada", "vip"),
        ("acc_ben", ""),
    ]
    assert (groups.of("acc_ada"), groups.of("acc_ben")) == ("vip", "")


def test_a_cart_tells_each_change_of_a_line() -> None:
    world = World()
    world.send("cart", "cart_1", OpenCart())
    world.send("cart", "cart_1", AddLine("LAVA-LAMP", 2, Money(5_000, "EUR")))
    rows: list[CartRow] = rows_of(world, CartRow)
    assert [(row.kind, row.sku, row.units, row.price, row.customer) for row in rows] == [
        ("set", "LAVA-LAMP", 2, 5_000, "")
    ]
