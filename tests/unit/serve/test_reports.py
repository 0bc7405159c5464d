"""Reports over HTTP: from a purchase to a row, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.refusals import RefusalTeller
from serve.reports.library import REPORTS
from serve.reports.question import Question
from serve.reports.report import Answer, Report
from serve.reports.running import Library

from .shopfront import Shopfront, SmallSettings, kind_of


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shopfront]:
    with Shopfront(settings=SmallSettings(lake=tmp_path / "lake")) as front:
        yield front


def test_a_purchase_is_in_the_reports_and_in_the_figures_of_now(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", amount=2_000)
    shop.buy(("RETRO-CLOCK", 3))
    shop.let_lake_read()
    figures = shop.get("/v1/reports/now", admin=True, params={"minutes": 2}).json()
    assert (figures["sum"]["orders"], figures["sum"]["units"], figures["sum"]["revenue"]) == (1, 3, {"USD": 6_000})
    assert [(each["sku"], each["units"]) for each in figures["skus"]] == [("RETRO-CLOCK", 3)]
    report = shop.get("/v1/reports/sales", admin=True, params={"interval": "month", "by": "product"})
    assert report.status_code == 200
    (row,) = report.json()["rows"]
    assert (row["product"], row["orders"], row["units"], row["net"]) == ("RETRO-CLOCK", 1, 3, 6_000)
    as_csv = shop.get("/v1/reports/sales", admin=True, params={"interval": "month", "format": "csv"})
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert as_csv.text.splitlines()[0].startswith("period,currency,orders,units")


def test_refusals_are_in_the_figures_of_now(shop: Shopfront) -> None:
    teller = RefusalTeller(shop.desk, shop.shop.refusals, "replica-1")
    shop.sell("RETRO-CLOCK", quantity=1)
    assert shop.buy(("NO-CLOCK", 1), key="before").status_code == 422
    # What was refused before anybody counted is not of this minute.
    shop.run(teller.tell())
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201
    assert shop.buy(("RETRO-CLOCK", 1), key="late").status_code == 409
    away = shop.desk.shut()
    shop.run(teller.tell())
    shop.desk.open(away)
    for _ in range(2):
        shop.run(teller.tell())
    summed = shop.get("/v1/reports/now", admin=True, params={"minutes": 1, "skus": 0}).json()["sum"]
    assert (summed["refused"], summed["reasons"]) == (1, {"insufficient-stock": 1})


def test_who_asks_for_what_is_being_made_waits_for_it(shop: Shopfront, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    run = Library.run

    def counted(self: Library, report: Report, question: Question) -> Answer:
        made.append(question)
        return run(self, report, question)

    monkeypatch.setattr(Library, "run", counted)
    asked = [("GET", "/v1/reports/best-sellers", {"admin": True, "params": {"limit": n}}) for n in (5, 5, 6)]
    assert [answer.status_code for answer in shop.at_once(asked)] == [200, 200, 200]
    assert sorted(question.limit for question in made) == [5, 6]
    assert shop.get("/v1/reports/best-sellers", admin=True, params={"limit": 5}).status_code == 200
    assert len(made) == 3


def test_every_report_is_listed_with_its_cuts(shop: Shopfront) -> None:
    items = shop.get("/v1/reports", admin=True).json()["items"]
    assert [each["name"] for each in items] == list(REPORTS)
    assert items[0]["intervals"] == ["hour", "day", "week", "month"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/reports/weather",
        "/v1/reports/sales?timezone=Mars/Olympus",
        "/v1/reports/sales?from=2026-02-30",
        "/v1/reports/sales?from=2026-11-02&to=2026-11-01",
        "/v1/reports/suppliers?by=vendor",
        "/v1/reports/sales?interval=minute",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(shop: Shopfront, path: str) -> None:
    answer = shop.get(path, admin=True)
    assert (answer.status_code, kind_of(answer)) == (422, "invalid-request")


def test_a_shop_without_a_lake_has_no_reports() -> None:
    with Shopfront() as shop:
        assert shop.get("/v1/reports/sales", admin=True).status_code == 404


def test_reports_are_for_the_merchant(shop: Shopfront) -> None:
    assert shop.get("/v1/reports/sales").status_code == 401
