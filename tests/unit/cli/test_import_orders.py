"""`doorbuster import orders` with a small dirty table: each kind of dirt is told, the rest is history in a shop."""

import csv
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serve.cli.history import send_plan
from serve.cli.import_orders import make_plan, mapping_of
from serve.cli.imports import command
from serve.order_csv.mapping import ONLINE_RETAIL, ColumnMapping, MappingError, Use
from serve.order_csv.plan import Plan
from serve.order_csv.rules import Outcome

from ..serve.shopfront import Shopfront

KEY = "open-sesame"
HEADING = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
NIGHT, MORNING, NOON, EVENING = "2010-12-01 00:30:00", "2010-12-01 08:26:00", "2011-07-01 12:00:00", "2011-08-02 18:00"
UK = "United Kingdom"

DIRTY = f"""{HEADING}
1,LANTERN,White lantern,6,{MORNING},3.39,17850.0,{UK}
1,lantern,WHITE LANTERN,4,{MORNING},3.39,17850.0,{UK}
1,LANTERN,White lantern,60,{MORNING},2.99,17850.0,{UK}
1,POST,POSTAGE,1,{MORNING},18.00,17850.0,{UK}
1,LANTERN,White lantern,6,{MORNING},3.39,17850.0,{UK}
2,LANTERN,,5,{NOON},3.39,17850.0,EIRE
2,HEART,Hanging heart,1,{MORNING},2.5,17850.0,EIRE
3,HEART,Hanging heart,2,{NOON},2.55,,Narnia
3,M,Manual,1,{NOON},100,,Narnia
4,HEART,found,-20,{NOON},0.0,,{UK}
4,HEART,gift,1,{NOON},0,17850.0,{UK}
5,HEART,found,20,{NOON},0,,{UK}
5,PADS,pads,1,{NOON},0.001,17850,{UK}
A6,B,Adjust bad debt,1,{NOON},-11062.06,,{UK}
7,HEART,Hanging heart,-1,{NOON},2.55,17850,{UK}
8,HEART,Hanging heart,many,{NOON},2.55,17850,{UK}
8,HEART,Hanging heart,1,yesterday,2.55,17850,{UK}
8,HEART,Hanging heart,1,{NOON},free,17850,{UK}
8,NO SUCH SKU,Hanging heart,1,{NOON},1,17850,{UK}
8,HEART,Hanging heart,0,{NOON},1,17850,{UK}
8,HEART,Hanging heart
,HEART,Hanging heart,1,{NOON},1,17850,{UK}
C9,LANTERN,White lantern,-8,{EVENING},3.39,17850.0,{UK}
C9,LANTERN,White lantern,-100,{EVENING},3.39,17850.0,{UK}
C9,D,Discount,-1,{EVENING},5,17850.0,{UK}
C9,POST,POSTAGE,-1,{EVENING},18,17850.0,{UK}
C10,LANTERN,White lantern,-1,{NIGHT},3.39,17850.0,{UK}
C11,HEART,Hanging heart,-1,{EVENING},2.55,,{UK}
C12,HEART,Hanging heart,1,{EVENING},2.55,17850,{UK}
"""

EXPECTED = {
    Outcome.SOLD: 7,
    Outcome.SHIPPING: 1,
    Outcome.RETURNED: 1,
    Outcome.RETURNED_IN_PART: 1,
    Outcome.CREDITED: 2,
    Outcome.SHIPPING_CREDITED: 1,
    Outcome.DISCOUNT_CREDITED: 1,
    Outcome.DUPLICATE: 1,
    Outcome.NOT_A_SALE: 1,
    Outcome.STOCK_CORRECTION: 2,
    Outcome.PRICE_TOO_FINE: 1,
    Outcome.NEGATIVE_PRICE: 1,
    Outcome.WRONG_SIGN: 2,
    Outcome.UNREADABLE: 7,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    table = tmp_path / "orders.csv.gz"
    table.write_bytes(gzip.compress(DIRTY.encode()))
    return table


@pytest.fixture
def plan(tmp_path: Path, file: Path) -> Iterator[Plan]:
    with Plan(tmp_path / "plan.sqlite") as made:
        make_plan(made, file, ONLINE_RETAIL, no_bar)
        yield made


def no_bar(_doing: str, _total: int) -> Any:
    return lambda _steps: None


def poster(shop: Shopfront) -> Any:
    def post(path: str, body: Any) -> list[dict[str, Any]]:
        answer = shop.post(path, json=body, admin=True)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    return post


def test_every_line_has_one_outcome(plan: Plan) -> None:
    assert plan.counts() == EXPECTED
    assert sum(EXPECTED.values()) == len(DIRTY.splitlines()) - 1
    assert plan.fact("unknown countries") == "Narnia"


def test_what_came_back_is_taken_from_the_newest_sale_before_it(plan: Plan) -> None:
    taken = plan.db.execute(
        "SELECT s.name, r.line, r.quantity, r.amount FROM returned r JOIN document s ON s.id = r.sold ORDER BY r.rowid"
    ).fetchall()
    # Eight: five of the newest order, three of the other's last line. Of the hundred 57 there, ten more, 33 nowhere.
    assert taken == [("2", 0, 5, 1_695), ("1", 1, 3, 1_017), ("1", 1, 57, 19_323), ("1", 0, 10, 3_390)]
    credited = plan.db.execute("SELECT kind, quantity, amount FROM credited WHERE sku = 'LANTERN' ORDER BY number")
    assert credited.fetchall() == [("goods", 33, 11_187), ("goods", 1, 339)]


def test_the_shop_has_it_with_the_dates_of_then(plan: Plan) -> None:
    with Shopfront() as shop:
        lines = plan.open_lines()
        assert sum(send_plan(plan, ONLINE_RETAIL, poster(shop), in_flight=1)) == lines > 0
        assert plan.tasks() == {("order", "imported"): 4, ("return", "imported"): 2, ("credit", "imported"): 3}
        assert not plan.open_lines()
        customer = shop.get("/v1/admin/products/LANTERN", admin=True).json()
        assert (customer["title"], customer["status"]) == ("White lantern", "archived")


def test_a_second_import_finds_all_of_it(tmp_path: Path, plan: Plan, file: Path) -> None:
    with Shopfront() as shop:
        for _ in send_plan(plan, ONLINE_RETAIL, poster(shop), in_flight=1):
            pass
        recorded = shop.run(shop.journal.last_positions())
        with Plan(tmp_path / "again.sqlite") as again:
            make_plan(again, file, ONLINE_RETAIL, no_bar)
            for _ in send_plan(again, ONLINE_RETAIL, poster(shop), in_flight=1):
                pass
            assert {status for _, status in again.tasks()} == {"unchanged"}
        assert shop.run(shop.journal.last_positions()) == recorded


def test_an_import_that_was_cut_off_goes_on_behind_what_was_answered(tmp_path: Path, plan: Plan) -> None:
    with Shopfront() as shop:
        next(send_plan(plan, ONLINE_RETAIL, poster(shop), in_flight=1))
        with Plan(plan.file) as later:
            assert later.is_made
            assert later.tasks()["order", "imported"] == 4
            for _ in send_plan(later, ONLINE_RETAIL, poster(shop), in_flight=1):
                pass
            assert set(later.tasks()) == {("order", "imported"), ("return", "imported"), ("credit", "imported")}


def test_a_plan_that_was_cut_off_is_made_anew(tmp_path: Path, file: Path) -> None:
    with Plan(tmp_path / "half.sqlite") as half:
        half.begin()
        half.write("INSERT INTO fact VALUES (?, ?)", [("made", "no")])
        assert not half.is_made
        make_plan(half, file, ONLINE_RETAIL, no_bar)
        assert half.is_made
        assert half.counts() == EXPECTED


def test_duplicates_count_where_they_are_wanted(tmp_path: Path, file: Path) -> None:
    mapping = mapping_of(preset="online-retail", keep_duplicates=True)
    with Plan(tmp_path / "all.sqlite") as made:
        make_plan(made, file, mapping, no_bar)
        assert Outcome.DUPLICATE not in made.counts()


def test_any_table_can_be_mapped(tmp_path: Path) -> None:
    table = tmp_path / "orders.csv"
    table.write_text(
        "Nr,Article,Pieces,When,Each,Mail\n"
        "10-1,retro-clock,2,2024-02-01T10:00:00+01:00,19.99,ada@example.org\n"
        "10-1,retro-clock,-1,2024-02-03T10:00:00+01:00,19.99,ada@example.org\n"
        "10-2,freight,1,2024-02-03T10:00:00+01:00,5,ada@example.org\n"
    )
    mapping = mapping_of(
        columns="order=Nr, sku=Article, quantity=Pieces, date=When, price=Each, email=Mail",
        currency="EUR",
        source="old-shop",
        codes="freight=shipping",
    )
    with Plan(tmp_path / "plan.sqlite") as made:
        make_plan(made, table, mapping, no_bar)
        assert made.counts() == {Outcome.SOLD: 1, Outcome.RETURNED: 1, Outcome.SHIPPING: 1}
        (at,) = made.db.execute("SELECT at FROM document WHERE name = '10-1' AND NOT is_return").fetchone()
        assert at == 1_706_778_000_000


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ({}, "--preset"),
        ({"columns": "order=Nr"}, "--currency"),
        ({"columns": "order=Nr", "currency": "EUR"}, "no column is named for sku"),
        ({"columns": "order", "currency": "EUR"}, "name=value"),
        ({"preset": "online-retail", "columns": "colour=Colour"}, "no field colour"),
        ({"preset": "online-retail", "currency": "pounds"}, "no currency"),
        ({"preset": "online-retail", "timezone": "Nowhere/Town"}, "time zone"),
        ({"preset": "online-retail", "codes": "M=magic"}, "magic"),
    ],
)
def test_a_mapping_that_cannot_be_says_why(choices: dict[str, Any], word: str) -> None:
    with pytest.raises(MappingError, match=word):
        mapping_of(**choices)


def test_options_add_to_a_preset() -> None:
    mapping = mapping_of(preset="online-retail", codes="m=discount", columns="email=Mail", timezone="UTC", source="x")
    assert (mapping.codes["M"], mapping.codes["POST"]) == (Use.DISCOUNT, Use.SHIPPING)
    assert (mapping.columns["email"], mapping.columns["sku"]) == ("Mail", "StockCode")
    assert isinstance(mapping, ColumnMapping)
    assert (mapping.source, mapping.currency) == ("x", "GBP")


# -- the command, against a small server


class FakeShop(ThreadingHTTPServer):
    """Takes history like the shop does; refuses the order of this number."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: set[tuple[str, str, str]] = set()
        self.lock = threading.Lock()
        self.refused = ""

    def take(self, what: str, row: dict[str, Any]) -> dict[str, Any]:
        name = (what, row["reference"], row.get("order", ""))
        if row["reference"] == self.refused:
            return {"reference": row["reference"], "id": None, "status": "error", "error": "is cursed"}
        status = "unchanged" if name in self.taken else "imported"
        self.taken.add(name)
        return {"reference": row["reference"], "id": "ord_1", "status": status, "error": None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeShop

    def do_GET(self) -> None:
        self._send({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        what = self.path.rpartition("/")[2]
        with self.server.lock:
            self._send({"results": [self.server.take(what, row) for row in body[what]]})

    def _send(self, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def server() -> Iterator[FakeShop]:
    with FakeShop() as shop:
        thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield shop
        shop.shutdown()
        thread.join()


def run(server: FakeShop, file: Path, *options: str) -> Result:
    data = file.parent
    (data / "admin.key").write_text(KEY)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    arguments = ["orders", str(file), "--preset", "online-retail", "--url", address, "--data", str(data), *options]
    return CliRunner().invoke(command, arguments)


def test_the_command_reports_every_line_and_leaves_nothing_behind(server: FakeShop, file: Path) -> None:
    first = run(server, file)
    assert first.exit_code == 0, first.output
    assert "29 lines" in first.output
    assert "4 orders, 2 returns, 3 credits" in first.output
    assert "Narnia" in first.output
    assert list((file.parent / "imports").iterdir()) == []
    again = run(server, file)
    assert "0 orders (4 there already)" in again.output


def test_refused_lines_are_written_with_their_reasons(server: FakeShop, file: Path) -> None:
    server.refused = "3"
    target = file.parent / "refused.csv"
    result = run(server, file, "--refused", str(target))
    assert result.exit_code == 1
    assert "1 refused by the shop" in result.output
    with target.open(newline="") as text:
        heading, *rows = csv.reader(text)
    assert heading[-3:] == ["row", "reason", "detail"]
    assert len(rows) == 16
    reasons = {row[-2]: row for row in rows}
    assert reasons["duplicate-line"][:2] == ["1", "LANTERN"]
    assert reasons["refused-by-shop"][-1] == "is cursed"
    assert reasons["unreadable"][-1]


def test_a_file_without_the_columns_is_refused(server: FakeShop, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    result = run(server, file)
    assert result.exit_code == 1
    assert "no column InvoiceNo" in result.output
