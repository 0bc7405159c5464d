"""Order history of invoice lines: what is a purchase, and what is said of a file that can't be read."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.errors import DataRefused, NotEnoughData
from ml.interactions import NOBODY, Did
from ml.sources.order_history import order_history, read_order_history

HEADING = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
CLOCK = "536365,85123A,RETRO CLOCK,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"
LAMP = "536366,71053,BRASS LAMP,1,2010-12-02 09:00:00,3.39,,France"


def test_a_line_is_a_purchase_of_a_customer_in_an_invoice() -> None:
    data = order_history([HEADING, CLOCK, LAMP])
    assert data.items.skus == ["85123A", "71053"]
    assert data.items.titles == ["RETRO CLOCK", "BRASS LAMP"]
    assert data.customers == ["17850"]
    assert data.customer.tolist() == [0, NOBODY]
    assert data.session.tolist() == [0, 1]
    assert data.quantity.tolist() == [6, 1]
    assert set(data.did.tolist()) == {Did.PURCHASE}
    assert data.at[0] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp() * 1_000


def test_codes_that_differ_by_case_are_one_product_under_its_usual_title() -> None:
    again = [CLOCK.replace("536365", f"53700{number}").replace("85123A", "85123a") for number in range(2)]
    data = order_history([HEADING, CLOCK.replace("RETRO CLOCK", "Clock?"), *again])
    assert (data.items.skus, data.items.titles) == (["85123A"], ["RETRO CLOCK"])


@pytest.mark.parametrize(
    "line",
    [
        CLOCK.replace("536365", "C536365").replace(",6,", ",-6,"),
        CLOCK.replace(",6,", ",-6,"),
        CLOCK.replace("85123A", "POST"),
        CLOCK.replace("85123A", "Bank charges"),
        CLOCK.replace("2.55", "-2.55"),
        LAMP.replace("3.39", "0"),
        LAMP,
    ],
)
def test_what_is_no_purchase_of_goods_is_left_out(line: str) -> None:
    assert len(order_history([HEADING, LAMP, line])) == 1


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "line 1: there is no column InvoiceNo"),
        ([HEADING.replace("StockCode", "Code")], "no column StockCode"),
        ([HEADING, CLOCK, "536366,71053"], "line 3: 2 cells, not 8"),
        ([HEADING, CLOCK.replace(",6,", ",six,")], "line 2: .*six"),
        ([HEADING, CLOCK.replace("2010-12-01", "the first")], "line 2: .*the first"),
        ([HEADING, CLOCK.replace(",6,", ",99999999999,")], "line 2: nobody buys"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(DataRefused, match=words):
        order_history(lines)


def test_a_file_without_purchases_is_not_enough() -> None:
    with pytest.raises(NotEnoughData):
        order_history([HEADING])


def test_a_gzipped_file_is_the_same(tmp_path: Path) -> None:
    content = "\n".join((HEADING, CLOCK, LAMP))
    (tmp_path / "orders.csv").write_text(content)
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(content.encode()))
    plain, packed = (read_order_history(tmp_path / name) for name in ("orders.csv", "orders.csv.gz"))
    assert plain.fingerprint == packed.fingerprint


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(HEADING.encode(), mtime=0)[:-6]])
def test_what_is_no_whole_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "orders.csv.gz").write_bytes(content)
    with pytest.raises(DataRefused):
        read_order_history(tmp_path / "orders.csv.gz")
