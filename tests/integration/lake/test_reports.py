"""Reports over a lake: they add up to what the orders are worth, and cut time where the zone's days begin."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ml.lake import summaries
from ml.lake.manifest import Manifest
from ml.lake.parquet import write_rows
from ml.lake.reading import instant_of
from ml.lake.tables import Behaviour, CartRow, OrderRow, ProductRow, PurchaseRow, Refusal, Row, Sale, StockMove
from serve.reports.counters import Counters
from serve.reports.formats import Format
from serve.reports.library import REPORTS
from serve.reports.question import question_of
from serve.reports.report import Answer
from serve.reports.running import Library
from serve.reports.writing import written

from .shop import Shop, filled, run, writer
from .shop import fill as read_all

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
YEAR = {"from": "2026-01-01", "to": "2026-12-31"}


def at(month: int, day: int, hour: int = 0, minute: int = 0, *, year: int = 2026) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1_000)


class Rows:
    """Rows of any table, each with an identity of its own, of which only what matters is said."""

    def __init__(self) -> None:
        self.of: dict[type[Row], list[Row]] = {}
        self._position = 0

    def add(self, row: type[Row], when: int, **values: Any) -> None:
        self._position += 1
        empty = {int: 0, str: "", bool: False, float: 0.0}
        plain = {field.name: empty[field.type] for field in msgspec.structs.fields(row) if field.required}
        self.of.setdefault(row, []).append(row(**(plain | {"position": self._position, "at": when} | values)))

    def sold(self, when: int, order: str, sku: str, units: int, price: int, kind: str = "sale", **more: Any) -> None:
        amount = units * price
        values = {"kind": kind, "order_id": order, "sku": sku, "units": units, "gross": amount, "net": amount}
        self.add(Sale, when, **({"total": amount, "currency": "EUR", "ordered_at": when} | values | more))

    def write(self, lake: Path) -> Path:
        manifest = Manifest(lake, create=True)
        manifest.take_over("t")
        files = [file for row, rows in self.of.items() for file in write_rows(lake, row, rows)]
        manifest.commit("t", files, {0: self._position})
        manifest.close()
        return lake


def asked(lake: Path, name: str, **given: str) -> Answer:
    question = question_of(name, YEAR | given, at(12, 31))
    return asyncio.run(Library(lake, REPORTS).answer(question))


def told(answer: Answer) -> list[dict[str, Any]]:
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


@pytest.fixture
def rows() -> Rows:
    return Rows()


def test_every_report_answers_an_empty_lake_in_every_cut(tmp_path: Path) -> None:
    for name, report in REPORTS.items():
        cuts = [(interval, by) for interval in report.intervals for by in report.dimensions]
        for interval, by in (cuts[0], cuts[-1]):
            answer = asked(tmp_path, name, interval=interval, by=by, timezone="Europe/Berlin", currency="EUR")
            assert written(answer, Format.JSON)
            assert written(answer, Format.CSV).count(b"\r\n") == len(answer.rows) + 1


def test_sales_add_up_to_what_the_orders_are_worth(tmp_path: Path) -> None:
    shop = Shop()
    shop.open()
    shop.trade(60)
    run(filled(shop, tmp_path))
    day = datetime.fromtimestamp(shop.now / 1_000, UTC).date()
    period = {"from": str(day.replace(year=day.year - 1)), "to": str(day)}
    for interval in ("hour", "day", "month"):
        for by in ("", "product", "vendor", "group"):
            found = told(asked(tmp_path, "sales", interval=interval, by=by, **period))
            worth = {"units": sum(row["units"] for row in found), "total": sum(row["total"] for row in found)}
            assert worth == shop.ledger(), (interval, by)
        # Each has a line or two, of different SKUs.
        orders = sum(row["orders"] for row in told(asked(tmp_path, "sales", interval=interval, **period)))
        lines = sum(row["orders"] for row in told(asked(tmp_path, "sales", interval=interval, by="product", **period)))
        assert orders < lines == sum(len(order.lines) for order in shop.confirmed())
        assert orders == len(shop.confirmed())


def test_a_sale_counts_on_the_day_of_the_zone(rows: Rows, tmp_path: Path) -> None:
    rows.sold(at(6, 30, 22, 30), "o1", "RETRO-CLOCK", 1, 2_000)
    rows.sold(at(10, 25, 0, 30), "o2", "RETRO-CLOCK", 1, 2_000)
    rows.sold(at(10, 25, 22, 30), "o3", "RETRO-CLOCK", 1, 2_000)
    rows.sold(at(10, 25, 23, 30), "o4", "RETRO-CLOCK", 1, 2_000)
    lake = rows.write(tmp_path)
    berlin = told(asked(lake, "sales", interval="day", timezone="Europe/Berlin"))
    assert [(row["period"], row["orders"]) for row in berlin] == [
        ("2026-07-01", 1),
        ("2026-10-25", 2),
        ("2026-10-26", 1),
    ]
    assert [row["period"] for row in told(asked(lake, "sales", interval="month"))] == ["2026-06", "2026-10"]
    assert [row["period"] for row in told(asked(lake, "sales", interval="week"))] == ["2026-06-29", "2026-10-19"]


def test_currencies_are_never_added(rows: Rows, tmp_path: Path) -> None:
    rows.sold(at(5, 1), "o1", "RETRO-CLOCK", 1, 2_000)
    rows.sold(at(5, 1), "o2", "RETRO-CLOCK", 1, 3_000, currency="JPY")
    lake = rows.write(tmp_path)
    both = told(asked(lake, "sales", interval="month"))
    assert [(row["currency"], row["total"]) for row in both] == [("EUR", 2_000), ("JPY", 3_000)]
    assert [row["total"] for row in told(asked(lake, "sales", interval="month", currency="JPY"))] == [3_000]


def test_discounts_returns_shipping_and_tax_stand_by_themselves(rows: Rows, tmp_path: Path) -> None:
    rows.sold(at(5, 1), "o1", "RETRO-CLOCK", 2, 1_000, discount=200, tax=300, net=1_500, total=1_800)
    rows.add(
        *(Sale, at(5, 1)),
        kind="shipping",
        order_id="o1",
        net=400,
        tax=80,
        total=480,
        currency="EUR",
    )
    back = {"gross": -1_000, "discount": -100, "tax": -150, "net": -750, "total": -900}
    rows.sold(at(6, 1), "o1", "RETRO-CLOCK", -1, 1_000, "return", **back)
    (may, june) = told(asked(rows.write(tmp_path), "sales", interval="month"))
    assert (may["gross"], may["discounts"], may["returns"], may["net"]) == (2_000, 200, 0, 1_500)
    assert (may["shipping"], may["tax"], may["total"], may["average_order"]) == (400, 380, 2_280, 2_280)
    assert (june["orders"], june["units"], june["gross"], june["returns"], june["net"]) == (0, -1, 0, 750, -750)
    assert june["average_order"] is None


def test_best_sellers_are_ranked_by_what_was_kept(rows: Rows, tmp_path: Path) -> None:
    rows.sold(at(5, 1), "o1", "RETRO-CLOCK", 4, 1_000)
    rows.sold(at(5, 2), "o2", "LAVA-LAMP", 1, 3_500)
    rows.sold(at(5, 3), "o1", "RETRO-CLOCK", -1, 1_000, "return")
    rows.add(ProductRow, at(1, 1), sku="LAVA-LAMP", version=1, title="Lava lamp")
    best = told(asked(rows.write(tmp_path), "best-sellers"))
    assert [(row["rank"], row["sku"], row["net"]) for row in best] == [
        (1, "LAVA-LAMP", 3_500),
        (2, "RETRO-CLOCK", 3_000),
    ]
    assert (best[0]["title"], best[1]["returned_share"]) == ("Lava lamp", 0.25)


def test_turnover_weighs_stock_by_the_time_it_lay_there(rows: Rows, tmp_path: Path) -> None:
    stock = {"sku": "RETRO-CLOCK", "location": "default"}
    rows.add(StockMove, at(1, 1, year=2025), kind="received", units=10, on_hand_change=10, on_hand=10, **stock)
    middle = (at(1, 1) + at(1, 1, year=2027)) // 2
    rows.add(StockMove, middle, kind="sold", units=6, on_hand_change=-6, on_hand=4, available=4, **stock)
    (row,) = told(asked(rows.write(tmp_path), "turnover"))
    assert (row["sold"], row["on_hand_first"], row["on_hand_last"], row["on_hand_average"]) == (6, 10, 4, 7.0)
    assert row["turnover_yearly"] == pytest.approx(6 / 7)
    assert row["days_of_supply"] == pytest.approx(4 * 365 / 6)
    assert row["sell_through"] == pytest.approx(0.6)


def test_days_without_stock_cost_what_a_day_with_stock_brought(rows: Rows, tmp_path: Path) -> None:
    stock = {"sku": "RETRO-CLOCK", "location": "default"}
    rows.add(StockMove, at(1, 1), kind="received", units=100, on_hand_change=100, on_hand=100, available=100, **stock)
    rows.add(StockMove, at(1, 11), kind="sold", units=100, on_hand_change=-100, on_hand=0, available=0, **stock)
    rows.add(StockMove, at(1, 16), kind="received", units=50, on_hand_change=50, on_hand=50, available=50, **stock)
    rows.add(ProductRow, at(1, 1), sku="RETRO-CLOCK", version=1, price=2_000, currency="EUR")
    period = {"from": "2026-01-01", "to": "2026-01-20"}
    (row,) = told(asked(rows.write(tmp_path), "stock-outs", **period))
    assert (row["times"], row["days_out"], row["out_now"]) == (1, 5.0, 0)
    assert row["daily_units"] == pytest.approx(100 / 15)
    assert row["lost_sales"] == pytest.approx(100 / 15 * 5 * 2_000, abs=1)


def test_a_funnel_counts_visitors_not_clicks(rows: Rows, tmp_path: Path) -> None:
    for visitor, actions in (("v1", "view view add"), ("v2", "view"), ("acc_ada", "view add checkout")):
        for action in actions.split():
            rows.add(Behaviour, at(5, 1), action=action, visitor=visitor)
    rows.add(OrderRow, at(5, 1), order_id="o1", status="confirmed", customer="acc_ada")
    funnel = {row["step"]: (row["visitors"], row["of_first"]) for row in told(asked(rows.write(tmp_path), "funnel"))}
    assert funnel == {
        "view": (3, 1.0),
        "add": (2, pytest.approx(2 / 3)),
        "checkout": (1, pytest.approx(1 / 3)),
        "purchase": (1, pytest.approx(1 / 3)),
    }


def test_a_cart_that_nobody_touched_for_a_day_is_abandoned(rows: Rows, tmp_path: Path) -> None:
    for cart in ("c1", "c2", "c3"):
        rows.add(CartRow, at(5, 1), cart_id=cart, kind="set", sku="RADIO", units=2, price=500, currency="EUR")
    rows.add(CartRow, at(5, 2), cart_id="c2", kind="sealed", order_id="o1")
    rows.add(CartRow, at(5, 2), cart_id="c3", kind="cleared")
    (row,) = told(asked(rows.write(tmp_path), "abandoned-carts"))
    assert (row["carts"], row["bought"], row["abandoned"], row["value"]) == (2, 1, 1, 1_000)


def test_cohorts_are_those_who_came_in_the_same_month(rows: Rows, tmp_path: Path) -> None:
    rows.sold(at(1, 5), "o1", "RADIO", 1, 500, customer="acc_ada")
    rows.sold(at(1, 6), "o2", "RADIO", 1, 500, customer="acc_ben")
    rows.sold(at(3, 6), "o3", "RADIO", 1, 700, customer="acc_ben")
    found = told(asked(rows.write(tmp_path), "cohorts"))
    assert [(row["cohort"], row["month"], row["active"], row["retention"]) for row in found] == [
        ("2026-01", 0, 2, 1.0),
        ("2026-01", 2, 1, 0.5),
    ]


def test_customers_are_valued_by_recency_frequency_and_money(rows: Rows, tmp_path: Path) -> None:
    for number in range(5):
        for order in range(number + 1):
            rows.sold(at(1 + number, 1 + order), f"o{number}-{order}", "RADIO", 1, 500, customer=f"acc_{number}")
    found = {row["customer"]: row for row in told(asked(rows.write(tmp_path), "customers"))}
    assert [(found[f"acc_{n}"]["r"], found[f"acc_{n}"]["f"], found[f"acc_{n}"]["m"]) for n in (0, 4)] == [
        (1, 1, 1),
        (5, 5, 5),
    ]
    assert found["acc_4"]["net"] == 2_500


def test_customers_who_are_alike_are_in_the_same_fifth(rows: Rows, tmp_path: Path) -> None:
    for number in range(10):
        rows.sold(at(1, 1), f"o{number}", "RADIO", 1 if number < 6 else 3, 500, customer=f"acc_{number}")
    found = told(asked(rows.write(tmp_path), "customers"))
    assert {(row["net"], row["r"], row["f"], row["m"]) for row in found} == {(500, 1, 1, 1), (1_500, 1, 1, 4)}


def test_a_supplier_is_measured_by_what_was_promised_first(rows: Rows, tmp_path: Path) -> None:
    order = {"supplier": "s1", "kind": "received", "units": 10, "sent_at": at(5, 1), "first_promised_at": at(5, 8)}
    rows.add(PurchaseRow, at(5, 8, 15), **order)
    rows.add(PurchaseRow, at(5, 11), **order)
    (row,) = told(asked(rows.write(tmp_path), "suppliers"))
    assert (row["deliveries"], row["on_time_share"], row["promised_days"], row["late_days"]) == (2, 0.5, 7.0, 3.0)


def test_refused_demand_is_worth_the_units_that_were_missing(rows: Rows, tmp_path: Path) -> None:
    missing = {"reason": "insufficient-stock", "requested": 5, "available": 2, "price": 700, "currency": "EUR"}
    rows.add(Refusal, at(5, 1), order_id="o1", sku="RADIO", **missing)
    (row,) = told(asked(rows.write(tmp_path), "refused-demand"))
    assert (row["units"], row["missed"]) == (5, 2_100)


def test_demand_is_foretold_for_the_weeks_after_the_period(rows: Rows, tmp_path: Path) -> None:
    for week in range(20):
        rows.sold(at(1, 5) + week * 7 * DAY_MS, f"o{week}", "RADIO", 3, 500)
    found = told(asked(rows.write(tmp_path), "demand-forecast", **{"from": "2026-01-05", "to": "2026-05-24"}))
    assert [(row["week"], row["units"], row["error"]) for row in found[:2]] == [
        ("2026-05-25", 3.0, 0.0),
        ("2026-06-01", 3.0, 0.0),
    ]


def test_all_formats_say_the_same(rows: Rows, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows.sold(at(5, 1), "o1", "=RADIO", 1, 500)
    answer = asked(rows.write(tmp_path), "sales", interval="month", by="product")
    as_json = msgspec.json.decode(written(answer, Format.JSON))["rows"]
    as_parquet = pq.read_table(io.BytesIO(written(answer, Format.PARQUET))).to_pylist()
    (as_csv,) = csv.DictReader(io.StringIO(written(answer, Format.CSV).decode()))
    assert as_json == as_parquet
    # A spreadsheet must not take it for a formula.
    assert (as_csv["product"], int(as_csv["net"])) == ("'=RADIO", as_json[0]["net"])
    assert written(answer, Format.PNG).startswith(b"\x89PNG")


def test_the_counters_are_the_same_before_and_after_a_kill(tmp_path: Path) -> None:
    async def story() -> None:
        shop = Shop()
        shop.open()
        shop.trade(20)
        await shop.commit()
        first = writer(shop, tmp_path)
        await first.open()
        counters = Counters(tmp_path)
        first.observe(counters.observe)
        await read_all(shop, first)
        await first.flush()
        shop.trade(10, seed=2)
        await shop.commit()
        await read_all(shop, first)
        before = counters.told(shop.now, 24 * 60, 10)
        assert before["sum"]["orders"] == 30
        # Killed with rows that weren't in files yet.
        first.abandon()
        second = writer(shop, tmp_path)
        again = Counters(tmp_path)
        second.observe(again.observe)
        await second.open()
        await read_all(shop, second)
        # In files by now, and told already.
        await second.flush()
        await again.load(shop.now)
        assert again.told(shop.now, 24 * 60, 10)["sum"] == before["sum"]
        await second.close()

    run(story())


PART = {"from": "2026-03-10", "to": "2026-05-05"}
SEVERAL = (
    ("sales", {"interval": "day"}),
    ("sales", {"interval": "month", "by": "category", "timezone": "Europe/London"} | PART),
    ("cohorts", {}),
    ("customers", {"currency": "EUR"}),
    ("customers", PART),
    ("demand-forecast", PART),
)


def answers(lake: Path) -> list[Any]:
    return [asked(lake, name, **cut).rows for name, cut in SEVERAL]


def test_what_was_added_up_of_files_before_says_the_same_as_the_files(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        when = at(1 + number % 6, 1 + number % 28, number % 24)
        whose = {"customer": f"acc_{number % 7}", "groups": "trade,vip" if number % 3 else ""}
        for index, sku in enumerate(("RADIO", "LAVA-LAMP", "RETRO-CLOCK")[: 1 + number % 3]):
            goods = {"category": ("Home", "Music")[index % 2], "vendor": "Acme", "index": index, "position": number}
            rows.sold(when, f"o{number}", sku, 1 + number % 4, 500, **whose, **goods)
            if number % 5 == 0:
                rows.sold(when + DAY_MS, f"o{number}", sku, -1, 500, "return", ordered_at=when, **whose)
    lake = rows.write(tmp_path)
    plain = answers(lake)
    assert not (lake / summaries.DIRECTORY).exists(), "small files are read as they are"
    monkeypatch.setattr(summaries, "FEWEST_ROWS", 1)
    assert answers(lake) == plain
    made = {path: path.stat().st_mtime_ns for path in (lake / summaries.DIRECTORY).rglob("*.parquet")}
    assert answers(lake) == plain
    assert made
    assert {path: path.stat().st_mtime_ns for path in made} == made, "each was made once"


def test_what_was_added_up_goes_with_its_file(rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "FEWEST_ROWS", 1)
    for month in (1, 2):
        rows.sold(at(month, 5), f"o{month}", "RADIO", 1, 500, customer="acc_ada")
    lake = rows.write(tmp_path)
    asked(lake, "customers")
    first, *others = instant_of(lake).files["sales"]
    of_first = [path for path in (lake / summaries.DIRECTORY).rglob("*.parquet") if path.name == Path(first.path).name]
    assert of_first
    summaries.sweep(lake, [file.path for file in others])
    assert not any(path.exists() for path in of_first)
    assert len(list((lake / summaries.DIRECTORY).rglob("*.parquet"))) == len(of_first)


def test_a_lake_beside_which_nothing_can_be_kept_is_read_as_it_is(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.sold(at(1, 5), "o1", "RADIO", 1, 500)
    lake = rows.write(tmp_path)
    plain = asked(lake, "sales").rows
    monkeypatch.setattr(summaries, "FEWEST_ROWS", 1)
    # Nobody can make a directory where a file is.
    (lake / summaries.DIRECTORY).write_text("")
    assert asked(lake, "sales").rows == plain
