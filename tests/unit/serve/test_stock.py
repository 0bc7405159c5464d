"""Stock over HTTP: quantities, bookings, and a ledger that adds up."""

from typing import Any

import pytest

from .shopfront import Shopfront, keyed, kind_of

STOCK = "/v1/stock/RETRO-CLOCK"


def ledger_of(shop: Shopfront, limit: int = 1_000) -> list[dict[str, Any]]:
    rows, path = [], f"{STOCK}/history?limit={limit}"
    while path:
        page = shop.get(path, admin=True)
        rows += page.json()["items"]
        path = page.headers.get("link", "").partition(">")[0].removeprefix("<")
    return rows


def test_receipts_and_adjustments_change_what_is_on_hand(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    receipt = {"quantity": 100, "reason": "delivery", "reference": "PO-7"}
    received = shop.post(f"{STOCK}/receipts", json=receipt, admin=True)
    assert (received.status_code, received.json()["on_hand"]) == (201, 100)
    adjusted = shop.post(f"{STOCK}/adjustments", json={"quantity": -2, "reason": "breakage"}, admin=True)
    assert (adjusted.status_code, adjusted.json()["on_hand"]) == (201, 98)
    found = shop.get(STOCK).json()
    assert (found["on_hand"], found["reserved"], found["available"]) == (98, 0, 98)


def test_a_booking_with_a_key_is_booked_once(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    for _ in range(2):
        booked = shop.post(f"{STOCK}/receipts", json={"quantity": 5}, headers=keyed("PO-7"), admin=True)
        assert (booked.status_code, booked.json()["on_hand"]) == (201, 5)
        shop.post(f"{STOCK}/adjustments", json={"quantity": 1, "reason": "found"}, headers=keyed("A"), admin=True)
        shop.post(f"{STOCK}/adjustments", json={"quantity": -1, "reason": "lost"}, headers=keyed("B"), admin=True)
    assert shop.post(f"{STOCK}/receipts", json={"quantity": 5}, admin=True).json()["on_hand"] == 10


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("receipts", {"quantity": 0}),
        ("receipts", {"quantity": -1}),
        ("receipts", {"quantity": 1_000_001}),
        ("receipts", {"quantity": "5"}),
        ("receipts", {}),
        ("adjustments", {"quantity": 0, "reason": "nothing"}),
        ("adjustments", {"quantity": 1}),
        ("adjustments", {"quantity": 1, "reason": ""}),
    ],
)
def test_bookings_are_held_to_the_contract(shop: Shopfront, path: str, body: dict[str, Any]) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    assert shop.post(f"{STOCK}/{path}", json=body, admin=True).status_code == 422


def test_reserved_units_cannot_be_written_off(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=3)
    shop.buy(("RETRO-CLOCK", 2), token="tok_async", Prefer="respond-async")
    answer = shop.post(f"{STOCK}/adjustments", json={"quantity": -2, "reason": "fire"}, admin=True)
    assert (answer.status_code, kind_of(answer)) == (409, "stock-in-use")


def test_policy_changes_only_what_it_names(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=10)
    shop.request("PATCH", f"{STOCK}/policy", json={"safety_stock": 4, "incoming": 50}, admin=True)
    found = shop.request("PATCH", f"{STOCK}/policy", json={"customer_limit": 2}, admin=True).json()
    assert (found["safety_stock"], found["incoming"], found["customer_limit"]) == (4, 50, 2)
    assert (found["on_hand"], found["available"]) == (10, 6)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "history"), ("POST", "receipts"), ("POST", "adjustments"), ("PATCH", "policy")]
)
def test_books_are_for_the_admin(shop: Shopfront, method: str, path: str) -> None:
    assert shop.request(method, f"{STOCK}/{path}", json={"quantity": 1, "reason": "theft"}).status_code == 401


def test_stock_of_no_product_is_not_found(shop: Shopfront) -> None:
    assert shop.get("/v1/stock/MOON-DUST").status_code == 404
    for path in ("receipts", "adjustments"):
        body = {"quantity": 1, "reason": "magic"}
        assert shop.post(f"/v1/stock/MOON-DUST/{path}", json=body, admin=True).status_code == 404
    assert shop.get("/v1/stock/MOON-DUST/history", admin=True).status_code == 404


def test_the_ledger_tells_every_movement_and_adds_up(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    shop.post(f"{STOCK}/receipts", json={"quantity": 10, "reason": "delivery", "reference": "PO-7"}, admin=True)
    shop.post(f"{STOCK}/adjustments", json={"quantity": -1, "reason": "breakage"}, admin=True)
    bought = shop.buy(("RETRO-CLOCK", 2)).json()
    shop.buy(("RETRO-CLOCK", 3), key="declined", token="tok_declined")
    token = {"Authorization": f"Bearer {bought['access_token']}"}
    shop.post(f"/v1/orders/{bought['id']}/cancel", headers=token)
    shop.buy(("RETRO-CLOCK", 4), key="waiting", token="tok_async", Prefer="respond-async")
    rows = ledger_of(shop)
    moves = [(row["event"], row["on_hand_change"], row["reserved_change"]) for row in rows]
    assert moves == [
        ("received", 10, 0),
        ("adjusted", -1, 0),
        ("reserved", 0, 2),
        ("committed", -2, -2),
        ("reserved", 0, 3),
        ("released", 0, -3),
        ("returned", 2, 0),
        ("reserved", 0, 4),
    ]
    assert (rows[0]["reason"], rows[0]["reference"]) == ("delivery", "PO-7")
    stock = shop.stock("RETRO-CLOCK")
    assert (stock["on_hand"], stock["reserved"]) == (sum(move[1] for move in moves), sum(move[2] for move in moves))


def test_the_ledger_is_read_in_pages(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    for _ in range(7):
        shop.post(f"{STOCK}/receipts", json={"quantity": 1}, admin=True)
    assert ledger_of(shop, limit=3) == ledger_of(shop)
    assert [row["version"] for row in ledger_of(shop)] == [1, 2, 3, 4, 5, 6, 7]


def test_a_hot_sku_is_pinned_and_unpinned_and_keeps_its_ledger(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=10)
    pinned = shop.put(f"{STOCK}/pin", admin=True).json()
    assert pinned["pinned"]
    assert shop.put(f"{STOCK}/pin", admin=True).json() == pinned
    assert shop.buy(("RETRO-CLOCK", 2)).status_code == 201
    assert shop.delete(f"{STOCK}/pin", admin=True).json() == {"sku": "RETRO-CLOCK", "pinned": False, "shard": None}
    assert shop.buy(("RETRO-CLOCK", 3), key="key-2").status_code == 201
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 5
    assert sum(row["on_hand_change"] for row in ledger_of(shop, limit=2)) == 5
    assert shop.put(f"{STOCK}/pin").status_code == 401
