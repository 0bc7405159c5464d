"""Orders after their sale, over HTTP: who may do what, and what each of them sees."""

from typing import Any

import pytest

from actors.journals.port import JournalFull
from engine.order_number import ClaimNumber, number_of

from .shopfront import Shopfront, keyed, kind_of

DAY_MS = 86_400_000


@pytest.fixture
def order(shop: Shopfront) -> dict[str, Any]:
    """Three clocks and a lamp are bought."""
    shop.sell("RETRO-CLOCK")
    shop.sell("LAVA-LAMP", amount=4500)
    placed: dict[str, Any] = shop.buy(("RETRO-CLOCK", 3), ("LAVA-LAMP", 1)).json()
    return placed


def own(order: dict[str, Any], path: str = "") -> tuple[str, dict[str, str]]:
    return f"/v1/orders/{order['id']}{path}", {"Authorization": f"Bearer {order['access_token']}"}


def lines(*units: tuple[int, int], **more: Any) -> list[dict[str, Any]]:
    return [{"line": line, "quantity": quantity, **more} for line, quantity in units]


class Counter:
    """The shop's side of one order."""

    def __init__(self, shop: Shopfront, order: dict[str, Any]) -> None:
        self._shop = shop
        self._path = f"/v1/admin/orders/{order['id']}"

    def look(self) -> dict[str, Any]:
        self._shop.run(_rest())
        found: dict[str, Any] = self._shop.get(self._path, admin=True).json()
        return found

    def post(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = self._shop.post(f"{self._path}/{path}", json=body, admin=True)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ship(self, *units: tuple[int, int]) -> str:
        """A parcel leaves and arrives."""
        made = self.post("shipments", 201, lines=lines(*units), carrier="DHL", tracking_number="JD0146")
        shipment_id: str = made["after_sale"]["shipments"][-1]["id"]
        for status in ("shipped", "delivered"):
            path = f"{self._path}/shipments/{shipment_id}"
            assert self._shop.request("PATCH", path, json={"status": status}, admin=True).status_code == 200
        return shipment_id


async def _rest() -> None:
    """Let what was asked of the payment provider come back."""
    import asyncio

    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def counter(shop: Shopfront, order: dict[str, Any]) -> Counter:
    return Counter(shop, order)


def test_an_order_goes_from_its_number_to_its_refund(shop: Shopfront, order: dict[str, Any], counter: Counter) -> None:
    path, token = own(order)
    number = shop.get(path, headers=token).json()["number"]
    assert shop.get(path, headers=token).json()["number"] == number
    heard = number.lower().replace("-", " ")
    assert shop.get(f"/v1/admin/orders?number={heard}", admin=True).json()["items"][0]["id"] == order["id"]

    counter.ship((0, 3), (1, 1))
    assert shop.get(path, headers=token).json()["status"] == "delivered"
    asked = shop.post(
        f"{path}/returns",
        json={"lines": lines((0, 2), reason="damaged"), "note": "cracked"},
        headers={**token, **keyed("return-1")},
    )
    assert asked.status_code == 201
    (returned,) = asked.json()["after_sale"]["returns"]
    assert (returned["rma"], returned["status"]) == (f"{number}-R1", "requested")
    name = f"returns/{returned['id']}"
    counter.post(f"{name}/answer", authorized=True)
    counter.post(f"{name}/receive")
    counter.post(f"{name}/inspect", lines=[{"line": 0, "restocked": 1, "written_off": 1}])
    counter.post(f"{name}/refund", restocking_fee=98)
    after = counter.look()["after_sale"]
    assert (after["captured"]["amount"], after["refunded"]["amount"], after["net"]["amount"]) == (10_497, 3_900, 6_597)
    assert [(item["refunded"]["amount"], item["net"]["amount"]) for item in after["items"]] == [
        (3_900, 2_097),
        (0, 4_500),
    ]
    assert [(refund["status"], refund["to"]) for refund in after["refunds"]] == [("done", "sandbox")]
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 8


def test_an_order_can_be_looked_at_while_nothing_can_be_recorded(
    shop: Shopfront, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    append = shop.journal.append

    async def no_room(batches: Any) -> Any:
        if any(batch.entries for batch in batches):
            raise JournalFull("the disk is full")
        return await append(batches)

    path, token = own(order)
    monkeypatch.setattr(shop.journal, "append", no_room)
    seen = shop.get(path, headers=token)
    assert (seen.status_code, seen.json()["status"], seen.json().get("number")) == (200, "confirmed", None), seen.text
    monkeypatch.undo()
    assert shop.get(path, headers=token).json()["number"]


def test_a_customer_cancels_in_part_and_a_retry_changes_nothing(shop: Shopfront, order: dict[str, Any]) -> None:
    path, token = own(order, "/cancellations")
    for _ in range(2):
        body = {"lines": lines((0, 2)), "reason": "too many"}
        answer = shop.post(path, json=body, headers={**token, **keyed("cancel-1")})
        assert answer.status_code == 201
        assert answer.json()["after_sale"]["items"][0]["cancelled"] == 2
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 9
    other = shop.post(path, json={"lines": lines((1, 1))}, headers={**token, **keyed("cancel-1")})
    assert (other.status_code, kind_of(other)) == (422, "idempotency-key-reused")
    more = shop.post(path, json={"lines": lines((0, 2))}, headers=token)
    assert (more.status_code, kind_of(more)) == (409, "units-unavailable")
    assert more.json()["lines"] == [{"sku": "RETRO-CLOCK", "requested": 2, "available": 1}]


def test_the_timeline_tells_the_staff_more_than_the_customer(
    shop: Shopfront, order: dict[str, Any], counter: Counter
) -> None:
    counter.post("notes", 201, text="pays late")
    counter.post("notes", 201, text="we added a sticker", internal=False)
    counter.post("refunds", 201, amount=100, reason="sorry")
    counter.look()
    path, token = own(order)
    rows = shop.get(f"{path}/timeline", headers=token).json()["items"]
    assert [(row["what"], row["by"]) for row in rows] == [
        ("placed", "customer"),
        ("paid", ""),
        ("confirmed", ""),
        ("note", "shop"),
        ("refund-asked", "shop"),
        ("refunded", ""),
    ]
    full = shop.get(f"/v1/admin/orders/{order['id']}/timeline", admin=True).json()["items"]
    assert [row["text"] for row in full if row["what"] == "note"] == ["pays late", "we added a sticker"]
    assert {row["by"] for row in full if row["what"] == "note"} == {"admin-key"}
    assert [note["text"] for note in shop.get(path, headers=token).json()["after_sale"]["notes"]] == [
        "we added a sticker"
    ]


def test_a_return_is_late_for_the_customer_but_not_for_the_staff(
    shop: Shopfront, order: dict[str, Any], counter: Counter
) -> None:
    counter.ship((1, 1))
    shop.clock.advance(31 * DAY_MS)
    body = {"lines": lines((1, 1), reason="no-longer-wanted")}
    path, token = own(order, "/returns")
    late = shop.post(path, json=body, headers=token)
    assert (late.status_code, kind_of(late)) == (409, "return-window-over")
    returned = counter.post("returns", 201, **body)["after_sale"]["returns"][0]
    withdrawn = shop.post(f"{path}/{returned['id']}/withdraw", headers=token)
    assert withdrawn.json()["after_sale"]["returns"][0]["status"] == "withdrawn"


def test_a_parcel_is_tracked_and_moved(shop: Shopfront, order: dict[str, Any], counter: Counter) -> None:
    made = counter.post("shipments", 201, lines=lines((0, 3)))
    path = f"/v1/admin/orders/{order['id']}/shipments/{made['after_sale']['shipments'][0]['id']}"
    body = {"carrier": "UPS", "tracking_url": "https://ups.example/1Z", "status": "shipped", "note": "two boxes"}
    (shipment,) = shop.request("PATCH", path, json=body, admin=True).json()["after_sale"]["shipments"]
    assert (shipment["carrier"], shipment["tracking_number"], shipment["status"]) == ("UPS", "", "shipped")
    back = shop.request("PATCH", path, json={"status": "created"}, admin=True)
    assert (back.status_code, kind_of(back)) == (409, "step-not-allowed")
    assert shop.request("PATCH", f"{path}x", json={"carrier": "UPS"}, admin=True).status_code == 404
    assert counter.post("fulfil")["status"] == "fulfilled"


def test_an_edit_asks_the_customer_for_the_difference(shop: Shopfront, order: dict[str, Any], counter: Counter) -> None:
    shop.sell("RADIO", amount=3000)
    body = {"add": [{"sku": "RADIO", "quantity": 1}], "remove": lines((0, 1)), "reason": "asked by phone"}
    edit = counter.post("edits", 201, **body)["after_sale"]["edits"][0]
    assert edit["due"] == {"amount": 1_001, "currency": "USD"}
    path, token = own(order, f"/edits/{edit['id']}/pay")
    assert shop.post(path, json={"method": "sandbox", "token": "tok_ok"}, headers=token).status_code == 200
    look = counter.look()
    assert look["after_sale"]["edits"][0]["status"] == "done"
    assert [item["sku"] for item in look["after_sale"]["items"]] == ["RETRO-CLOCK", "LAVA-LAMP", "RADIO"]
    assert look["after_sale"]["net"]["amount"] == 10_497 + 1_001
    again = shop.post(f"/v1/admin/orders/{order['id']}/edits/{edit['id']}/withdraw", admin=True)
    assert kind_of(again) == "step-not-allowed"
    told = [row["what"] for row in shop.get(f"/v1/orders/{order['id']}/timeline", headers=token).json()["items"]]
    assert told[3:] == ["edit-begun", "edit-payment-asked", "edit-done"]


def test_only_what_is_sold_here_is_added(shop: Shopfront, order: dict[str, Any], counter: Counter) -> None:
    shop.sell("SET", quantity=0, components=[{"sku": "RETRO-CLOCK", "quantity": 1}])
    for sku in ("SET", "NOTHING"):
        problem = counter.post("edits", 422, add=[{"sku": sku, "quantity": 1}])
        assert problem["type"] == "/problems/product-unavailable"


def test_the_components_of_a_bundle_go_back_with_it(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    shop.sell("BELL", quantity=7)
    components = [{"sku": "RETRO-CLOCK", "quantity": 1}, {"sku": "BELL", "quantity": 2}]
    shop.sell("CLOCK-SET", quantity=0, amount=4999, components=components)
    bought = shop.buy(("BELL", 1), ("CLOCK-SET", 2)).json()
    path, token = own(bought, "/cancellations")
    assert shop.post(path, json={"lines": lines((1, 1))}, headers=token).status_code == 201
    assert (shop.stock("RETRO-CLOCK")["on_hand"], shop.stock("BELL")["on_hand"]) == (4, 4)


def test_a_refund_above_what_was_captured_says_how_much_is_left(counter: Counter) -> None:
    counter.post("refunds", 201, amount=10_000)
    problem = counter.post("refunds", 409, amount=498)
    assert (problem["type"], problem["refundable"]) == ("/problems/refund-too-high", 497)


def test_a_number_that_was_misheard_is_told_from_one_that_nobody_has(shop: Shopfront) -> None:
    good = number_of("ord_" + "0" * 32)
    assert shop.get(f"/v1/admin/orders?number={good}", admin=True).json() == {"items": []}
    swapped = good[1] + good[0] + good[2:]
    misheard = shop.get(f"/v1/admin/orders?number={swapped}", admin=True)
    assert (misheard.status_code, kind_of(misheard)) == (422, "invalid-request")


def test_of_two_orders_with_one_number_the_second_gets_another(shop: Shopfront, order: dict[str, Any]) -> None:
    wanted = number_of(order["id"])
    shop.run(shop.client.send("order-number", wanted, ClaimNumber("ord_somebody-else")))
    path, token = own(order)
    number = shop.get(path, headers=token).json()["number"]
    assert number == number_of(order["id"], 1) != wanted
    assert shop.get(f"/v1/admin/orders?number={number}", admin=True).json()["items"][0]["id"] == order["id"]


def test_the_shops_side_is_closed_to_customers(shop: Shopfront, order: dict[str, Any]) -> None:
    path, token = own(order)
    for method, asked in (("GET", ""), ("GET", "/timeline"), ("POST", "/refunds"), ("POST", "/shipments")):
        answer = shop.request(method, f"/v1/admin/orders/{order['id']}{asked}", headers=token)
        assert answer.status_code == 401
    assert (
        shop.post(f"/v1/admin/orders/{order['id']}/refunds", headers=shop.token("acc_s", "support")).status_code == 403
    )
    assert shop.get(f"{path}/timeline").status_code == 401
    missing = "ord_" + "f" * 32
    for asked in ("", "/timeline"):
        assert shop.get(f"/v1/admin/orders/{missing}{asked}", admin=True).status_code == 404
    assert shop.post(f"/v1/admin/orders/{missing}/notes", json={"text": "x"}, admin=True).status_code == 404
