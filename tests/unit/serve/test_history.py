"""The import of another system's history over HTTP, and what the shop then shows of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve.order_csv.rules import Outcome
from serve.placed import PlacedOrders

from .shopfront import EMAIL, START_MS, Shopfront, kind_of
from .visitor import Visitor

PAGE = Path(__file__).parents[3] / "docs" / "importing.md"
LANTERN = {"sku": "METAL-LANTERN", "title": "White metal lantern", "quantity": 6, "price": 339}
HEART = {"sku": "T-LIGHT-HEART", "title": "Hanging heart", "quantity": 2, "price": 255}


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front


def order(reference: str = "536365", **fields: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "placed_at": "2010-12-01T08:26:00Z",
        "currency": "GBP",
        "country": "GB",
        "customer": {"reference": "17850"},
        "lines": [LANTERN, HEART],
        **fields,
    }


def bring(shop: Shopfront, what: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = shop.post(f"/v1/admin/imports/{what}", json={"source": "old-shop", what: rows}, admin=True)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_an_order_comes_with_its_date_its_customer_and_products_nobody_buys(shop: Shopfront) -> None:
    (result,) = bring(shop, "orders", order(shipping=1_800))
    assert (result["reference"], result["status"]) == ("536365", "imported")
    shown = shop.get(f"/v1/admin/orders/{result['id']}", admin=True).json()
    assert (shown["status"], shown["placed_at"]) == ("fulfilled", "2010-12-01T08:26:00.000Z")
    assert (shown["number"], shown["source"], shown["payment"]["status"]) == ("536365", "old-shop", "elsewhere")
    assert shown["total"] == {"amount": 6 * 339 + 2 * 255 + 1_800, "currency": "GBP"}
    assert shown["charges"]["shipping"]["total"]["amount"] == 1_800
    product = shop.get("/v1/admin/products/METAL-LANTERN", admin=True).json()
    assert (product["title"], product["status"]) == ("White metal lantern", "archived")
    assert shop.get("/v1/products/METAL-LANTERN").status_code == 404
    told = shop.get(f"/v1/admin/orders/{result['id']}/timeline", admin=True).json()["items"]
    assert told[0]["what"] == "imported"


def test_an_order_is_found_by_the_number_it_had_there(shop: Shopfront) -> None:
    (result,) = bring(shop, "orders", order())
    found = shop.get("/v1/admin/orders?number=536365&source=old-shop", admin=True).json()["items"]
    assert [each["id"] for each in found] == [result["id"]]
    assert shop.get("/v1/admin/orders?number=536366&source=old-shop", admin=True).json()["items"] == []


def test_the_same_rows_again_change_nothing(shop: Shopfront) -> None:
    back = {"reference": "C536379", "order": "536365", "returned_at": "2010-12-02T09:41:00Z"}
    back["lines"] = [{"line": 0, "quantity": 2, "amount": 678}]  # type: ignore[assignment]
    credit = {"reference": "C536383", "credited_at": "2010-12-02T09:49:00Z", "currency": "GBP"}
    credit["lines"] = [{"kind": "discount", "amount": 500}]  # type: ignore[assignment]
    rows = (("orders", order()), ("returns", back), ("credits", credit))
    first = [bring(shop, what, row)[0] for what, row in rows]
    recorded = shop.run(shop.journal.last_positions())
    again = [bring(shop, what, row)[0] for what, row in rows]
    assert [result["status"] for result in first] == ["imported"] * 3
    assert again == [{**result, "status": "unchanged"} for result in first]
    assert shop.run(shop.journal.last_positions()) == recorded


def test_another_content_under_the_same_number_is_refused(shop: Shopfront) -> None:
    bring(shop, "orders", order())
    (result,) = bring(shop, "orders", order(lines=[LANTERN]))
    assert (result["status"], result["error"]) == ("error", "idempotency-key-reused")


def test_a_row_at_fault_stops_no_other(shop: Shopfront) -> None:
    rows = (order("1", currency="pounds"), order("2"), order("2"), order("3", placed_at="2099-01-01T00:00:00Z"), {})
    results = bring(shop, "orders", *rows)
    assert [result["status"] for result in results] == ["error", "imported", "error", "error", "error"]
    assert "currency" in results[0]["error"]
    assert "already" in results[2]["error"]
    assert "future" in results[3]["error"]
    assert results[4]["reference"] is None


def test_what_came_back_is_shown_with_its_order(shop: Shopfront) -> None:
    (result,) = bring(shop, "orders", order())
    line = {"line": 0, "quantity": 2, "amount": 678}
    back = {"reference": "C536379", "order": "536365", "returned_at": "2010-12-02T09:41:00Z", "lines": [line]}
    bring(shop, "returns", back)
    after = shop.get(f"/v1/admin/orders/{result['id']}", admin=True).json()["after_sale"]
    assert after["returns"][0]["credit"]["amount"] == 678
    assert after["returns"][0]["changed_at"] == "2010-12-02T09:41:00.000Z"
    assert after["net"]["amount"] == 6 * 339 + 2 * 255 - 678
    told = shop.get(f"/v1/admin/orders/{result['id']}/timeline", admin=True).json()["items"]
    assert told[-1]["what"] == "return-imported"
    (nobody,) = bring(shop, "returns", {**back, "order": "536366"})
    assert (nobody["status"], nobody["error"]) == ("error", "not-found")
    (more,) = bring(shop, "returns", {**back, "reference": "C2", "lines": [{**line, "quantity": 9}]})
    assert more["error"] == "units-unavailable"


def test_a_credit_can_be_looked_at(shop: Shopfront) -> None:
    goods = {"kind": "goods", "amount": 2_750, "sku": "T-LIGHT-HEART", "quantity": 1, "title": "Hanging heart"}
    credit = {
        "reference": "C536379",
        "credited_at": "2010-12-02T09:41:00Z",
        "currency": "GBP",
        "country": "FR",
        "customer": {"reference": "17850"},
        "lines": [goods, {"kind": "shipping", "amount": 1_800}],
    }
    (result,) = bring(shop, "credits", credit)
    shown = shop.get(f"/v1/admin/credits/{result['id']}", admin=True).json()
    assert (shown["total"]["amount"], shown["country"], shown["lines"][0]["sku"]) == (4_550, "FR", "T-LIGHT-HEART")
    assert shown["customer"].startswith("acc_")
    missing = shop.get("/v1/admin/credits/crd_" + "0" * 32, admin=True)
    assert kind_of(missing) == "not-found"


def test_a_customer_with_an_address_takes_the_account_over_by_a_mail(shop: Shopfront) -> None:
    (result,) = bring(shop, "orders", order(customer={"reference": "17850", "email": EMAIL}))
    assert shop.mails() == []
    ada = Visitor(shop, EMAIL)
    assert ada.log_in().status_code == 400
    shop.post("/v1/auth/password-reset", json={"email": EMAIL})
    assert ada.open_link("reset-password", password=ada.password).status_code == 204
    ada.log_in()
    assert [item["id"] for item in ada.get("/v1/me/orders").json()["items"]] == [result["id"]]


def test_orders_of_a_known_address_go_to_its_account(shop: Shopfront) -> None:
    ada = Visitor(shop, EMAIL).registered()
    (result,) = bring(shop, "orders", order(customer={"email": EMAIL}))
    assert [item["id"] for item in ada.get("/v1/me/orders").json()["items"]] == [result["id"]]


def test_a_product_that_is_sold_stays_as_it_is(shop: Shopfront) -> None:
    shop.sell("METAL-LANTERN", amount=499)
    bring(shop, "orders", order())
    assert shop.get("/v1/products/METAL-LANTERN").json()["price"]["amount"] == 499
    assert shop.stock("METAL-LANTERN")["on_hand"] == 10


def test_the_longest_invoice_fits(shop: Shopfront) -> None:
    shop.settings.max_import_body_bytes = 16_777_216
    lines = [{"sku": f"SKU-{number:04}", "title": "x" * 35, "quantity": 1, "price": 100} for number in range(1_200)]
    (result,) = bring(shop, "orders", order(lines=lines))
    assert result["status"] == "imported"
    assert len(shop.get(f"/v1/admin/orders/{result['id']}", admin=True).json()["lines"]) == 1_200


def test_the_examples_of_the_docs_are_taken(shop: Shopfront) -> None:
    examples = re.findall(r"^POST (\S+) +(\{.*?\}\]\})$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(examples) == 3
    for path, body in examples:
        answer = shop.post(path, json=json.loads(body), admin=True)
        assert [result["status"] for result in answer.json()["results"]] == ["imported"], answer.text


def test_the_docs_name_every_outcome_of_a_line() -> None:
    page = PAGE.read_text()
    named = [outcome for outcome in Outcome if f"`{outcome}`" not in page]
    assert not named


def test_payments_are_not_looked_for_where_nothing_was_placed(shop: Shopfront) -> None:
    bring(shop, "orders", order())

    async def placed() -> list[str]:
        pages = PlacedOrders(shop.journal).between(0, START_MS * 2)
        return [order_id async for page in pages for order_id in page]

    assert shop.run(placed()) == []
