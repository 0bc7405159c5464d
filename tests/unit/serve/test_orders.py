"""What became of an order, for whoever may know."""

import pytest

from serve.identity import access_token_of, order_id_of

from .shopfront import SECRET, Shopfront, kind_of


def test_an_order_opens_with_its_token_or_the_admin_key(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    placed = shop.buy(("RETRO-CLOCK", 1)).json()
    path, token = f"/v1/orders/{placed['id']}", {"Authorization": f"Bearer {placed['access_token']}"}
    order = shop.get(path, headers=token).json()
    payment = {"status": "captured", "id": placed["payment_id"], "method": "sandbox", "action": None}
    assert (order["status"], order["payment"]) == ("confirmed", payment)
    same = ("total", "email", "placed_at", "settled_at")
    assert {name: order[name] for name in same} == {name: placed[name] for name in same}
    assert order["lines"] == [{**line, "backordered": False, "ships_from": None} for line in placed["lines"]]
    assert shop.get(path, admin=True).json() == order


def test_an_order_stays_closed_to_others(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    path = shop.buy(("RETRO-CLOCK", 1)).headers["location"]
    other = shop.buy(("RETRO-CLOCK", 1), key="key-2").json()
    for method, asked in (("GET", path), ("POST", f"{path}/cancel")):
        unknown = shop.request(method, asked)
        assert (unknown.status_code, kind_of(unknown)) == (401, "unauthorized")
        # Someone else's order looks like none at all.
        stranger = shop.request(method, asked, headers={"Authorization": f"Bearer {other['access_token']}"})
        assert (stranger.status_code, kind_of(stranger)) == (404, "not-found")


@pytest.mark.parametrize("order_id", ["ord_" + "0" * 32, "nonsense"])
def test_an_order_that_nobody_placed_is_not_found(shop: Shopfront, order_id: str) -> None:
    assert shop.get(f"/v1/orders/{order_id}", admin=True).status_code == 404
    token = {"Authorization": f"Bearer {access_token_of(SECRET, order_id)}"}
    assert shop.get(f"/v1/orders/{order_id}", headers=token).status_code == 404
    assert shop.post(f"/v1/orders/{order_id}/cancel", headers=token).status_code == 404


def test_a_cancelled_order_gives_units_and_money_back(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=2)
    placed = shop.buy(("RETRO-CLOCK", 2)).json()
    path, token = f"/v1/orders/{placed['id']}", {"Authorization": f"Bearer {placed['access_token']}"}
    for body in ({"reason": "changed my mind"}, {}):
        cancelled = shop.post(f"{path}/cancel", json=body, headers=token)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert shop.get(path, headers=token).json()["payment"]["status"] == "refunded"
    assert shop.stock("RETRO-CLOCK")["available"] == 2


def test_a_rejected_order_cannot_be_cancelled(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    shop.buy(("RETRO-CLOCK", 1), token="tok_declined")
    path = f"/v1/orders/{order_id_of(SECRET, 'key-1')}"
    answer = shop.post(f"{path}/cancel", admin=True)
    assert (answer.status_code, kind_of(answer)) == (409, "order-not-cancellable")
    assert shop.get(path, admin=True).json()["reason"] == "payment-declined"


def test_a_reason_is_held_to_the_contract(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    path = shop.buy(("RETRO-CLOCK", 1)).headers["location"]
    assert shop.post(f"{path}/cancel", json={"reason": "x" * 201}, admin=True).status_code == 422
    assert shop.post(f"{path}/cancel", content=b"reason=none", admin=True).status_code == 415
