"""Locations, transfers, counts, purchase orders and reordering over HTTP."""

from typing import Any

import pytest

from engine.address import DeliveryAddress
from engine.location import LocationPut
from engine.wishes import CartWishes
from serve.api.allocation import ABROAD_KM, ANYWHERE, Destination, Source, allocate, destination_of, distance_km
from serve.api.wishes import AddressRequest, ShippingRequest

from .shopfront import Shopfront, keyed, kind_of

CLOCK, LAMP = "RETRO-CLOCK", "LAVA-LAMP"
DAY_MS = 86_400_000


def open_location(shop: Shopfront, name: str, **fields: Any) -> None:
    body = {"name": name.title(), **fields}
    assert shop.put(f"/v1/admin/locations/{name}", json=body, admin=True).status_code == 201


def post(shop: Shopfront, path: str, body: Any = None, status: int = 201, **headers: str) -> Any:
    answer = shop.post(f"/v1/admin{path}", json=body, admin=True, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def stock(shop: Shopfront, sku: str, location: str = "default") -> dict[str, Any]:
    found: dict[str, Any] = shop.get(f"/v1/stock/{sku}?location={location}", admin=True).json()
    return found


def receive(shop: Shopfront, sku: str, location: str, quantity: int) -> None:
    answer = shop.post(f"/v1/stock/{sku}/receipts?location={location}", json={"quantity": quantity}, admin=True)
    assert answer.status_code == 201


def test_each_location_has_a_stock_and_a_ledger_of_its_own(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=5)
    assert shop.get(f"/v1/stock/{CLOCK}?location=north").status_code == 404
    open_location(shop, "north")
    receive(shop, CLOCK, "north", 7)
    assert (stock(shop, CLOCK)["on_hand"], stock(shop, CLOCK, "north")["on_hand"]) == (5, 7)
    ledger = shop.get(f"/v1/stock/{CLOCK}/history?location=north", admin=True).json()["items"]
    assert [row["on_hand_change"] for row in ledger] == [7]


def test_a_product_shows_what_all_selling_locations_have(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=5)
    open_location(shop, "north")
    open_location(shop, "cellar", sells=False)
    receive(shop, CLOCK, "north", 7)
    receive(shop, CLOCK, "cellar", 9)
    assert shop.get(f"/v1/products/{CLOCK}").json()["availability"]["available"] == 12


def test_an_order_is_sent_from_one_location_where_one_has_all(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=1)
    shop.sell(LAMP, quantity=5)
    open_location(shop, "north", priority=900)
    receive(shop, CLOCK, "north", 3)
    receive(shop, LAMP, "north", 3)
    assert shop.buy((CLOCK, 2), (LAMP, 2)).status_code == 201
    assert (stock(shop, CLOCK, "north")["on_hand"], stock(shop, LAMP, "north")["on_hand"]) == (1, 1)
    assert (stock(shop, CLOCK)["on_hand"], stock(shop, LAMP)["on_hand"]) == (1, 5)


def test_an_order_that_no_location_has_whole_is_split_and_never_oversold(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=2)
    open_location(shop, "north")
    receive(shop, CLOCK, "north", 3)
    assert shop.buy((CLOCK, 4)).status_code == 201
    assert stock(shop, CLOCK)["on_hand"] + stock(shop, CLOCK, "north")["on_hand"] == 1
    refused = shop.buy((CLOCK, 2), key="key-2")
    assert (kind_of(refused), refused.json()["lines"][0]["available"]) == ("insufficient-stock", 1)
    assert shop.buy((CLOCK, 1), key="key-3").status_code == 201
    assert kind_of(shop.buy((CLOCK, 1), key="key-4")) == "insufficient-stock"


def test_two_lines_of_one_sku_are_one_line_of_the_order_and_sent_from_one_place(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=0)
    shop.sell(LAMP, quantity=5)
    open_location(shop, "north")
    receive(shop, CLOCK, "north", 5)
    bought = shop.buy((CLOCK, 1), (CLOCK, 1), (LAMP, 1)).json()
    assert stock(shop, CLOCK, "north")["on_hand"] == 3
    body = {"lines": [{"line": 1, "quantity": 1}]}
    answer = shop.post(f"/v1/orders/{bought['id']}/cancellations", json=body, admin=True, headers=keyed("C-1"))
    assert answer.status_code in (200, 201, 202), answer.text
    assert (stock(shop, LAMP)["on_hand"], stock(shop, CLOCK, "north")["on_hand"]) == (5, 3)


def test_an_order_goes_where_its_request_says_else_where_its_cart_does() -> None:
    lyon = AddressRequest(name="Ada", line1="1 Rue", city="Lyon", country="FR")
    kept = CartWishes(address=DeliveryAddress(name="Ada", line1="1 Rd", city="Leeds", country="GB"))
    assert destination_of(ShippingRequest("post", lyon), kept) == Destination("FR")
    assert destination_of(ShippingRequest("post"), kept) == Destination("GB")
    assert destination_of(None) == ANYWHERE


def test_what_no_location_has_is_promised_by_one_that_sells_ahead(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=1)
    open_location(shop, "north")
    policy = {"backorder_limit": 10}
    answer = shop.request("PATCH", f"/v1/stock/{CLOCK}/policy?location=north", json=policy, admin=True)
    assert answer.status_code == 200
    assert shop.buy((CLOCK, 3)).status_code == 201
    assert (stock(shop, CLOCK)["on_hand"], stock(shop, CLOCK, "north")["on_hand"]) == (1, 0)


def test_a_cart_is_sent_from_where_its_goods_are(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=0)
    open_location(shop, "north")
    receive(shop, CLOCK, "north", 3)
    assert shop.check_out(shop.cart_with((CLOCK, 2))).status_code == 201
    assert stock(shop, CLOCK, "north")["on_hand"] == 1


def test_a_cancelled_order_gives_its_units_back_where_they_came_from(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=0)
    open_location(shop, "north")
    receive(shop, CLOCK, "north", 3)
    bought = shop.buy((CLOCK, 2)).json()
    token = {"Authorization": f"Bearer {bought['access_token']}"}
    assert shop.post(f"/v1/orders/{bought['id']}/cancel", headers=token).status_code == 200
    assert (stock(shop, CLOCK, "north")["on_hand"], stock(shop, CLOCK)["on_hand"]) == (3, 0)


def source(key: str, priority: int = 100, km: float = ABROAD_KM, **available: int) -> Source:
    return Source(key, priority, km, available, {})


@pytest.mark.parametrize(
    ("sources", "taken"),
    [
        ((source("a", 2, a=9), source("b", 1, a=5)), {"b": 4}),
        ((source("a", km=900.0, a=9), source("b", km=20.0, a=5)), {"b": 4}),
        ((source("a", a=5), source("b", a=9)), {"b": 4}),
        ((source("b", a=5), source("a", a=5)), {"a": 4}),
        ((source("a", 1, a=3), source("b", 9, a=4)), {"b": 4}),
        ((source("a", 1, a=1), source("b", 9, a=3)), {"b": 3, "a": 1}),
        ((source("a", a=1), source("b", a=0)), {"a": 1}),
    ],
    ids=["priority", "nearest", "most stock", "name", "one shipment first", "fewest shipments", "as far as it goes"],
)
def test_the_location_is_chosen_by(sources: tuple[Source, ...], taken: dict[str, int]) -> None:
    assert allocate({"a": 4}, sources) == {"a": taken}


def test_distances_go_by_coordinates_else_by_country() -> None:
    berlin = LocationPut("Berlin", "DE", latitude=52_520_000, longitude=13_405_000)
    assert 500 < distance_km(berlin, Destination("DE", 48.137, 11.575)) < 510
    assert distance_km(berlin, Destination("DE")) < distance_km(berlin, Destination("FR")) == ABROAD_KM


def test_a_transfer_is_sent_received_and_closed(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=10)
    open_location(shop, "north")
    body = {"source": "default", "destination": "north", "lines": [{"sku": CLOCK, "quantity": 6}]}
    for _ in range(2):
        sent = post(shop, "/transfers", body, **keyed("T-1"))
    assert (sent["status"], sent["lines"][0]["in_transit"], stock(shop, CLOCK)["on_hand"]) == ("in-transit", 6, 4)
    assert stock(shop, CLOCK, "north")["incoming"] == 6
    path = f"/transfers/{sent['id']}"
    for _ in range(2):
        part = post(shop, f"{path}/receipts", {"lines": [{"sku": CLOCK, "quantity": 4}]}, **keyed("BOX-1"))
    assert (part["status"], stock(shop, CLOCK, "north")["on_hand"]) == ("partly-received", 4)
    answer = shop.post(f"/v1/admin{path}/receipts", json={"lines": [{"sku": CLOCK, "quantity": 3}]}, admin=True)
    assert (answer.status_code, kind_of(answer)) == (409, "more-than-sent")
    closed = post(shop, f"{path}/close", {"reason": "lost at sea"}, 200)
    assert (closed["status"], closed["lines"][0]["lost"]) == ("closed", 2)
    assert shop.get(f"/v1/admin{path}", admin=True).json() == closed
    rows = shop.get(f"/v1/stock/{CLOCK}/history", admin=True).json()["items"]
    assert ("dispatched", -6) in [(row["event"], row["on_hand_change"]) for row in rows]


def test_transfers_are_listed_newest_first_and_by_status(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=10)
    open_location(shop, "north")
    ids = []
    for quantity in (1, 99, 2):
        shop.clock.advance(1_000)
        body = {"source": "default", "destination": "north", "lines": [{"sku": CLOCK, "quantity": quantity}]}
        ids.append(post(shop, "/transfers", body)["id"])
    page = shop.get("/v1/admin/transfers?limit=2", admin=True).json()
    rest = shop.get(f"/v1/admin/transfers?limit=2&cursor={page['next_cursor']}", admin=True).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == ids[::-1]
    refused = shop.get("/v1/admin/transfers?status=refused", admin=True).json()["items"]
    assert [item["id"] for item in refused] == [ids[1]]


def test_a_count_books_the_difference_at_its_instant(shop: Shopfront) -> None:
    shop.sell(CLOCK, quantity=10)
    sheet = post(shop, "/counts", {"skus": [CLOCK]})
    assert sheet["lines"][0]["expected"] == 10
    shop.buy((CLOCK, 3))
    path = f"/v1/admin/counts/{sheet['id']}"
    counted = shop.put(f"{path}/lines/{CLOCK}", json={"counted": 6}, admin=True).json()
    assert counted["lines"][0]["variance"] == -1
    shop.buy((CLOCK, 1), key="key-2")
    approved = post(shop, f"/counts/{sheet['id']}/approve", {"reason": "year's end"}, 200)
    assert (approved["status"], approved["lines"][0]["booked"], stock(shop, CLOCK)["on_hand"]) == ("closed", True, 5)
    row = shop.get(f"/v1/stock/{CLOCK}/history", admin=True).json()["items"][-1]
    assert (row["event"], row["on_hand_change"], row["reason"]) == ("adjusted", -1, "year's end")
    assert row["reference"] == sheet["id"]
    answer = shop.post(f"{path}/cancel", admin=True)
    assert (answer.status_code, kind_of(answer)) == (409, "wrong-state")


def sell_with_supplier(shop: Shopfront, sku: str = CLOCK, **supply: Any) -> None:
    shop.sell(sku, quantity=20)
    supplier = {"name": "Acme", "currency": "USD", "lead_time_days": 4, "lead_time_deviation_days": 1}
    shop.put("/v1/admin/suppliers/acme", json=supplier, admin=True)
    offer = {"unit_cost": {"amount": 650, "currency": "USD"}, **supply}
    assert shop.put(f"/v1/admin/supplies/{sku}@acme", json=offer, admin=True).status_code == 201


def order_body(quantity: int = 10, **fields: Any) -> dict[str, Any]:
    return {
        "supplier": "acme",
        "currency": "USD",
        "lines": [{"sku": CLOCK, "quantity": quantity, "unit_cost": 650}],
        **fields,
    }


def test_a_purchase_order_goes_from_the_draft_to_the_shelf(shop: Shopfront) -> None:
    sell_with_supplier(shop)
    charges = [{"name": "freight", "amount": 500, "basis": "quantity"}]
    draft = post(shop, "/purchases", order_body(), **keyed("P-1"))
    path = f"/v1/admin/purchases/{draft['id']}"
    edited = shop.put(path, json=order_body(charges=charges), admin=True, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.json()["total"]) == (200, 7_000)
    assert shop.put(path, json=order_body(), admin=True, headers={"If-Match": '"1"'}).status_code == 412
    sent = post(shop, f"/purchases/{draft['id']}/send", {"expected_at": "2026-12-24T00:00:00Z"}, 200)
    assert (sent["status"], stock(shop, CLOCK)["incoming"]) == ("sent", 10)
    lines = {"lines": [{"sku": CLOCK, "quantity": 8, "damaged": 1}]}
    for _ in range(2):
        part = post(shop, f"/purchases/{draft['id']}/receipts", lines, **keyed("BOX-1"))
    assert (part["status"], part["lines"][0]["outstanding"]) == ("partly-received", 1)
    closed = post(shop, f"/purchases/{draft['id']}/close", None, 200)
    assert (closed["status"], stock(shop, CLOCK)["on_hand"], stock(shop, CLOCK)["incoming"]) == ("closed", 28, 0)
    costs = shop.get(f"/v1/admin/stock/{CLOCK}", admin=True).json()
    assert (costs["average_cost"], costs["locations"][0]["average_cost_milli"]) == (
        {"amount": 700, "currency": "USD"},
        700_000,
    )
    listed = shop.get("/v1/admin/purchases?status=closed", admin=True).json()["items"]
    assert [item["id"] for item in listed] == [draft["id"]]


def test_a_sold_out_product_says_when_the_next_delivery_comes(shop: Shopfront) -> None:
    sell_with_supplier(shop)
    shop.buy((CLOCK, 20))
    assert shop.get(f"/v1/products/{CLOCK}").json()["availability"]["expected_at"] is None
    tag = shop.get(f"/v1/products/{CLOCK}").headers["etag"]
    draft = post(shop, "/purchases", order_body(expected_at="2026-12-24T00:00:00Z"))
    post(shop, f"/purchases/{draft['id']}/send", None, 200)
    shown = shop.get(f"/v1/products/{CLOCK}", headers={"If-None-Match": tag})
    assert shown.json()["availability"]["expected_at"] == "2026-12-24T00:00:00.000Z"
    post(shop, f"/purchases/{draft['id']}/reschedule", {"expected_at": "2027-01-02T00:00:00Z"}, 200)
    shown = shop.get(f"/v1/products/{CLOCK}")
    assert shown.json()["availability"]["expected_at"] == "2027-01-02T00:00:00.000Z"
    assert shown.headers["etag"].startswith('"1.')
    again = shop.put(
        f"/v1/products/{CLOCK}",
        json={"title": "Clock", "price": {"amount": 1, "currency": "USD"}},
        headers={"If-Match": shown.headers["etag"]},
        admin=True,
    )
    assert again.status_code == 200


def test_reordering_drafts_once_by_the_demand_of_the_ledger(shop: Shopfront) -> None:
    sell_with_supplier(shop, pack_size=6)
    for day in range(8):
        shop.buy((CLOCK, 2), key=f"day-{day}")
        shop.clock.advance(DAY_MS)
    wish = {"service_level": 0.95, "window_days": 8, "coverage_days": 7}
    tried = post(shop, "/reorder", {**wish, "dry_run": True}, 200)
    line = tried["lines"][0]
    # 2 a day, always, and a lead time of 4 days with a deviation of 1: 8 + 1.645 * 2.
    assert (line["demand_per_day"], line["safety_stock"], line["reorder_point"]) == (2.0, 4, 12)
    # Up to 12 + 14 with 4 left, in packs of 6.
    assert (line["position"], line["quantity"], tried["drafts"]) == (4, 24, [])
    drafted = post(shop, "/reorder", wish, 200)["drafts"]
    assert [(each["status"], each["lines"][0]["quantity"], each["automatic"]) for each in drafted] == [
        ("draft", 24, True)
    ]
    assert post(shop, "/reorder", wish, 200)["drafts"] == []
    post(shop, f"/purchases/{drafted[0]['id']}/send", None, 200)
    again = post(shop, "/reorder", wish, 200)
    assert (again["lines"][0]["position"], again["drafts"]) == (28, [])


def test_two_runs_at_once_draft_a_sku_once(shop: Shopfront) -> None:
    sell_with_supplier(shop)
    shop.buy((CLOCK, 20))
    shop.clock.advance(DAY_MS)
    request = ("POST", "/v1/admin/reorder", {"admin": True})
    answers = shop.at_once([request] * 5)
    assert sum(len(answer.json()["drafts"]) for answer in answers) == 1


def test_only_the_days_of_the_window_count(shop: Shopfront) -> None:
    sell_with_supplier(shop)
    shop.buy((CLOCK, 10))
    for _ in range(40):
        shop.clock.advance(DAY_MS)
        shop.post(f"/v1/stock/{CLOCK}/receipts", json={"quantity": 1}, admin=True)
    shop.buy((CLOCK, 7), key="key-2")
    shop.clock.advance(1)
    line = post(shop, "/reorder", {"window_days": 7, "dry_run": True}, 200)["lines"][0]
    assert line["demand_per_day"] == 1.0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/transfers", {"source": "default", "destination": "default", "lines": [{"sku": CLOCK, "quantity": 1}]}, 422),
        ("/transfers", {"source": "default", "destination": "moon", "lines": [{"sku": CLOCK, "quantity": 1}]}, 404),
        ("/counts", {"skus": ["MOON-DUST"]}, 404),
        ("/counts", {"skus": [CLOCK, CLOCK]}, 422),
        ("/purchases", order_body(supplier="nobody"), 404),
        ("/purchases", order_body(quantity=0), 422),
        ("/purchases", order_body(rate_millionths=5), 422),
        ("/reorder", {"location": "moon"}, 404),
        ("/reorder", {"service_level": 1.0}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(shop: Shopfront, path: str, body: Any, status: int) -> None:
    sell_with_supplier(shop)
    assert shop.post(f"/v1/admin{path}", json=body, admin=True).status_code == status
    assert shop.post(f"/v1/admin{path}", json=body).status_code == 401


def test_what_there_is_not_is_not_found(shop: Shopfront) -> None:
    missing = "0" * 32
    for path in (f"/transfers/trf_{missing}", f"/counts/cnt_{missing}", f"/purchases/po_{missing}"):
        assert shop.get(f"/v1/admin{path}", admin=True).status_code == 404
    assert shop.post(f"/v1/admin/purchases/po_{missing}/send", admin=True).status_code == 404
