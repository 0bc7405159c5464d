"""Back-orders over HTTP: sold before they are here, with a date, shipped in order."""

from typing import Any

import pytest

from .shopfront import Shopfront, kind_of

FRIDAY = "2026-12-04T00:00:00.000Z"


@pytest.fixture(autouse=True)
def console(shop: Shopfront) -> None:
    shop.sell("GAME-CONSOLE", quantity=0)
    policy = {"backorder_limit": 2, "available_from": FRIDAY}
    answer = shop.request("PATCH", "/v1/stock/GAME-CONSOLE/policy", json=policy, admin=True)
    assert (answer.json()["backorder_limit"], answer.json()["available_from"]) == (2, FRIDAY)


def receive(shop: Shopfront, quantity: int) -> None:
    answer = shop.post("/v1/stock/GAME-CONSOLE/receipts", json={"quantity": quantity}, admin=True)
    assert answer.status_code == 201


def fulfil(shop: Shopfront, order: dict[str, Any]) -> Any:
    return shop.post(f"/v1/admin/orders/{order['id']}/fulfil", admin=True)


def test_a_pre_order_shows_its_date_everywhere(shop: Shopfront) -> None:
    shown = shop.get("/v1/products/GAME-CONSOLE").json()["availability"]
    assert (shown["in_stock"], shown["backorder"], shown["ships_from"]) == (False, 2, FRIDAY)
    placed = shop.buy(("GAME-CONSOLE", 1))
    assert placed.status_code == 201
    line = placed.json()["lines"][0]
    assert (line["backordered"], line["ships_from"]) == (True, FRIDAY)
    assert shop.buy(("GAME-CONSOLE", 1)).content == placed.content
    token = {"Authorization": f"Bearer {placed.json()['access_token']}"}
    looked = shop.get(f"/v1/orders/{placed.json()['id']}", headers=token).json()["lines"][0]
    assert (looked["backordered"], looked["ships_from"]) == (True, FRIDAY)


def test_more_than_the_limit_is_not_sold(shop: Shopfront) -> None:
    assert shop.buy(("GAME-CONSOLE", 2), key="key-1").status_code == 201
    assert kind_of(shop.buy(("GAME-CONSOLE", 1), key="key-2")) == "insufficient-stock"
    assert shop.get("/v1/products/GAME-CONSOLE").json()["availability"]["backorder"] == 0


def test_a_back_order_leaves_when_its_goods_have_come_the_oldest_first(shop: Shopfront) -> None:
    first, second = (shop.buy(("GAME-CONSOLE", 1), key=key).json() for key in ("key-1", "key-2"))
    waiting = fulfil(shop, second)
    assert (kind_of(waiting), waiting.json()["ahead"]) == ("backorder-waiting", 1)
    shipment = {"lines": [{"line": 0, "quantity": 1}]}
    packed = shop.post(f"/v1/admin/orders/{first['id']}/shipments", json=shipment, admin=True)
    assert kind_of(packed) in ("backorder-waiting", "invalid-request")
    receive(shop, 1)
    assert (fulfil(shop, second).status_code, fulfil(shop, first).status_code) == (409, 200)
    receive(shop, 1)
    assert fulfil(shop, second).status_code == 200
    assert shop.stock("GAME-CONSOLE")["on_hand"] == 0


def test_a_declined_card_leaves_the_place_to_the_next(shop: Shopfront) -> None:
    assert shop.buy(("GAME-CONSOLE", 2), key="poor", token="tok_declined").status_code == 402
    assert shop.buy(("GAME-CONSOLE", 2), key="rich").status_code == 201


def test_a_cancelled_back_order_lets_the_next_up(shop: Shopfront) -> None:
    first, second = (shop.buy(("GAME-CONSOLE", 1), key=key).json() for key in ("key-1", "key-2"))
    token = {"Authorization": f"Bearer {first['access_token']}"}
    assert shop.post(f"/v1/orders/{first['id']}/cancel", headers=token).status_code == 200
    assert shop.stock("GAME-CONSOLE")["promised"] == 1
    receive(shop, 1)
    assert fulfil(shop, second).status_code == 200
    ledger = shop.get("/v1/stock/GAME-CONSOLE/history", admin=True).json()["items"]
    assert sum(row["on_hand_change"] for row in ledger) == 0
    assert [row["event"] for row in ledger][-3:] == ["received", "backorder-filled", "committed"]
