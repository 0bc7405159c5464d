"""What another system sold is in the ledger with its own dates, its returns and its credits."""

import pytest

from engine.account import ImportAccount
from engine.address import DeliveryAddress
from engine.cart import Line
from engine.credit import CreditLine, ImportCredit
from engine.money import Money
from engine.order.importing import CreditedUnits, ImportOrder, ImportReturn
from ml.lake.tables import CustomerRow, OrderRow, Sale
from tests.unit.engine.world import DAY_MS, START, World

from .told import rows_of, summed

pytestmark = pytest.mark.unit

SOLD = START - 400 * DAY_MS
LINES = (Line("LAVA-LAMP", 4, Money(500, "GBP")), Line("LAVA-LAMP", 2, Money(450, "GBP")))
ADDRESS = DeliveryAddress("", "", "", "GB")


@pytest.fixture
def world() -> World:
    world = World()
    order = ImportOrder("till", "536365", "fp", SOLD, "GBP", LINES, 300, "acc_17850", address=ADDRESS)
    world.send("order", "ord_1", order)
    return world


def test_an_imported_order_counts_on_the_day_it_was_sold(world: World) -> None:
    sales: list[Sale] = rows_of(world, Sale)
    assert {row.at for row in sales} == {row.ordered_at for row in sales} == {SOLD}
    assert [(row.kind, row.line, row.units, row.net) for row in sales] == [
        ("shipping", -1, 0, 300),
        ("sale", 0, 4, 2_000),
        ("sale", 1, 2, 900),
    ]
    assert {(row.customer, row.country, row.currency) for row in sales} == {("acc_17850", "GB", "GBP")}
    orders: list[OrderRow] = rows_of(world, OrderRow)
    assert [(row.status, row.at, row.imported) for row in orders] == [
        ("confirmed", SOLD, True),
        ("fulfilled", SOLD, True),
    ]


def test_its_returns_count_on_theirs_also_where_more_was_given_back_than_it_cost(world: World) -> None:
    later = SOLD + 3 * DAY_MS
    world.send("order", "ord_1", ImportReturn("r-1", later, (CreditedUnits(0, 1, 500), CreditedUnits(1, 2, 5_000))))
    sales: list[Sale] = rows_of(world, Sale)
    returned = [row for row in sales if row.kind == "return"]
    assert [(row.at, row.sku, row.units, row.total) for row in returned] == [
        (later, "LAVA-LAMP", -1, -500),
        (later, "LAVA-LAMP", -2, -5_000),
    ]
    assert summed(sales, "total") == 3_200 - 5_500


def test_a_credit_without_its_sale_is_a_return_of_goods_or_a_refund() -> None:
    world = World()
    lines = (
        CreditLine("goods", 1_500, "LAVA-LAMP", 3),
        CreditLine("discount", 200),
        CreditLine("shipping", 100),
    )
    world.send("credit", "crd_1", ImportCredit("till", "C1", "fp", SOLD, "GBP", lines, "acc_17850", ADDRESS))
    sales: list[Sale] = rows_of(world, Sale)
    assert [(row.kind, row.sku, row.units, row.gross, row.discount, row.net, row.reason) for row in sales] == [
        ("return", "LAVA-LAMP", -3, -1_500, 0, -1_500, ""),
        ("refund", "", 0, 0, 200, -200, "discount"),
        ("refund", "", 0, -100, 0, -100, "shipping"),
    ]
    assert {(row.at, row.country) for row in sales} == {(SOLD, "GB")}


def test_a_customer_of_another_system_is_known_by_its_country() -> None:
    world = World()
    world.send("account", "acc_17850", ImportAccount("till", "17850", "GB"))
    rows: list[CustomerRow] = rows_of(world, CustomerRow)
    assert [(row.customer, row.kind, row.country, row.imported) for row in rows] == [
        ("acc_17850", "registered", "GB", True)
    ]
