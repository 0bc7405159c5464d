"""The bulk import: good rows go in, bad ones are told, and once is as good as twice."""

from typing import Any

from .shopfront import Shopfront

IMPORT = "/v1/admin/import"


def row(number: int, sku: str, **fields: Any) -> dict[str, Any]:
    return {"row": number, "sku": sku, "title": sku.title(), "price": {"amount": 1999, "currency": "USD"}, **fields}


def bring_in(shop: Shopfront, *rows: Any) -> list[dict[str, Any]]:
    answer = shop.post(IMPORT, json={"rows": rows}, admin=True)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_rows_become_products_with_stock(shop: Shopfront) -> None:
    results = bring_in(shop, row(2, "RETRO-CLOCK", quantity=7, tags=["retro"]), row(3, "BRASS-LAMP"))
    assert results == [
        {"row": 2, "sku": "RETRO-CLOCK", "status": "created", "error": None},
        {"row": 3, "sku": "BRASS-LAMP", "status": "created", "error": None},
    ]
    assert shop.get("/v1/products/RETRO-CLOCK").json()["tags"] == ["retro"]
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 7
    assert shop.stock("BRASS-LAMP")["on_hand"] == 0


def test_a_second_import_changes_only_what_differs(shop: Shopfront) -> None:
    rows = [row(2, "RETRO-CLOCK", quantity=7), row(3, "BRASS-LAMP", quantity=1)]
    bring_in(shop, *rows)
    results = bring_in(shop, rows[0], {**rows[1], "title": "Brass lamp"})
    assert [result["status"] for result in results] == ["unchanged", "updated"]
    assert (shop.stock("RETRO-CLOCK")["on_hand"], shop.stock("BRASS-LAMP")["on_hand"]) == (7, 1)
    assert shop.get("/v1/products/RETRO-CLOCK").json()["version"] == 1


def test_bad_rows_are_told_and_good_ones_go_in(shop: Shopfront) -> None:
    results = bring_in(
        shop,
        row(2, "RETRO-CLOCK"),
        row(3, "A@B"),
        row(4, "BRASS-LAMP", quantity=-1),
        {"row": 5, "sku": "NO-TITLE"},
        row(6, "RETRO-CLOCK"),
        {},
        row(8, "WOOD-RADIO", colour="red"),
    )
    assert [(result["row"], result["status"]) for result in results] == [
        (2, "created"),
        (3, "error"),
        (4, "error"),
        (5, "error"),
        (6, "error"),
        (None, "error"),
        (8, "error"),
    ]
    assert "quantity" in results[2]["error"]
    assert "title" in results[3]["error"]
    assert "price" in results[3]["error"]
    assert "already" in results[4]["error"]
    assert "colour" in results[6]["error"]


def test_a_whole_batch_goes_in_one_request(shop: Shopfront) -> None:
    rows = [row(number, f"CLOCK-{number}", description="x" * 500, quantity=1) for number in range(500)]
    assert {result["status"] for result in bring_in(shop, *rows)} == {"created"}
    assert shop.post(IMPORT, json={"rows": [*rows, row(501, "ONE-MORE")]}, admin=True).status_code == 422


def test_the_import_is_for_the_admin_who_may_send_more_than_others(shop: Shopfront) -> None:
    assert shop.post(IMPORT, json={"rows": [row(2, "RETRO-CLOCK")]}).status_code == 401
    assert shop.post(IMPORT, content=b"x" * 1_000_001, admin=True).status_code == 413
