"""The express purchase: exactly once, all or nothing, the same bytes for every retry."""

import json

import pytest

from serve.api.requests import decode_order_request
from serve.identity import order_id_of

from .shopfront import EMAIL, SECRET, ForgetfulCatalogue, Shopfront, SmallSettings, keyed, kind_of, order_body


def test_a_purchase_is_answered_with_the_settled_order(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5, amount=1999)
    answer = shop.buy(("RETRO-CLOCK", 2))
    assert answer.status_code == 201
    order = answer.json()
    assert order["id"] == order_id_of(SECRET, "key-1")
    assert answer.headers["location"] == f"/v1/orders/{order['id']}"
    assert order["status"] == "confirmed"
    assert order["total"] == {"amount": 3998, "currency": "USD"}
    assert order["lines"] == [
        {
            "sku": "RETRO-CLOCK",
            "title": "Retro-Clock",
            "quantity": 2,
            "price": {"amount": 1999, "currency": "USD"},
            "total": {"amount": 3998, "currency": "USD"},
        }
    ]
    assert order["placed_at"].endswith("Z")
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 3


def test_a_retry_gets_the_same_bytes_and_buys_nothing(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    first = shop.buy(("RETRO-CLOCK", 1))
    shop.clock.advance(60_000)
    shop.sell("RETRO-CLOCK", quantity=0, amount=9999)
    again = shop.buy(("RETRO-CLOCK", 1))
    assert (again.status_code, again.content) == (201, first.content)
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 4


def test_a_retry_gets_the_same_bytes_after_the_order_was_cancelled(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    first = shop.buy(("RETRO-CLOCK", 1))
    token = {"Authorization": f"Bearer {first.json()['access_token']}"}
    assert shop.post(f"{first.headers['location']}/cancel", headers=token).json()["status"] == "cancelled"
    assert shop.buy(("RETRO-CLOCK", 1)).content == first.content


def test_a_retry_of_the_purchase_that_took_the_last_unit_is_not_told_sold_out(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=1)
    first = shop.buy(("RETRO-CLOCK", 1))
    assert shop.buy(("RETRO-CLOCK", 1)).content == first.content


def test_json_spelled_otherwise_is_the_same_request(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    first = shop.buy(("RETRO-CLOCK", 1))
    spelled = (
        b'{ "payment": {"token":"tok_ok", "method":"sandbox"}, "email": "ada@example.org",'
        b' "lines": [{"quantity": 1, "sku": "RETRO-CL\\u004fCK"}] }'
    )
    again = shop.post("/v1/orders", content=spelled, headers=keyed("key-1", **{"Content-Type": "application/json"}))
    assert again.content == first.content


@pytest.mark.parametrize("stock", [10, 1])
def test_the_same_key_with_another_body_is_refused(shop: Shopfront, stock: int) -> None:
    shop.sell("RETRO-CLOCK", quantity=stock)
    shop.buy(("RETRO-CLOCK", 1))
    answer = shop.buy(("RETRO-CLOCK", 2))
    assert (answer.status_code, kind_of(answer)) == (422, "idempotency-key-reused")


def test_the_same_key_sent_fifty_times_at_once_buys_once(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=100)
    answers = shop.at_once(
        [("POST", "/v1/orders", {"json": order_body(("RETRO-CLOCK", 1)), "headers": keyed("one")})] * 50
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 99


def test_three_hundred_buyers_get_exactly_the_hundred_units(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=100)
    body = order_body(("RETRO-CLOCK", 1))
    answers = shop.at_once([("POST", "/v1/orders", {"json": body, "headers": keyed(f"buyer-{n}")}) for n in range(300)])
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (100, 200)
    stock = shop.stock("RETRO-CLOCK")
    assert (stock["on_hand"], stock["reserved"], stock["available"]) == (0, 0, 0)


def test_too_little_stock_names_the_line_and_what_is_left(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=2)
    shop.sell("BRASS-LAMP", quantity=9)
    answer = shop.buy(("BRASS-LAMP", 1), ("RETRO-CLOCK", 3))
    assert (answer.status_code, kind_of(answer)) == (409, "insufficient-stock")
    assert answer.json()["lines"] == [{"sku": "RETRO-CLOCK", "requested": 3, "available": 2}]
    assert answer.json()["detail"] == "RETRO-CLOCK: 3 requested, 2 left."
    assert shop.stock("BRASS-LAMP")["available"] == 9
    assert shop.buy(("BRASS-LAMP", 1), ("RETRO-CLOCK", 3)).content == answer.content


def test_sold_out_is_told_without_waking_the_stock(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=1)
    shop.buy(("RETRO-CLOCK", 1))
    shop.knows_all_orders()
    before = shop.stock("RETRO-CLOCK")["version"]
    answer = shop.buy(("RETRO-CLOCK", 2), ("RETRO-CLOCK", 1), key="too-late")
    assert (answer.status_code, kind_of(answer)) == (409, "insufficient-stock")
    assert answer.json()["lines"] == [{"sku": "RETRO-CLOCK", "requested": 3, "available": 0}]
    assert answer.json()["detail"] == "RETRO-CLOCK: 3 requested, sold out."
    assert shop.stock("RETRO-CLOCK")["version"] == before


def test_a_receipt_ends_being_sold_out(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=0)
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 409
    shop.sell("RETRO-CLOCK", quantity=1)
    assert shop.buy(("RETRO-CLOCK", 1), key="key-2").status_code == 201


def test_lines_of_one_sku_are_summed(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=3)
    assert shop.buy(("RETRO-CLOCK", 2), ("RETRO-CLOCK", 2)).status_code == 409
    order = shop.buy(("RETRO-CLOCK", 2), ("RETRO-CLOCK", 1), key="key-2").json()
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("RETRO-CLOCK", 3)]


def test_a_declined_payment_is_told_and_releases_the_stock(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=1)
    answer = shop.buy(("RETRO-CLOCK", 1), token="tok_declined")
    assert (answer.status_code, kind_of(answer)) == (402, "payment-declined")
    assert answer.json()["code"] == "card_declined"
    assert answer.json()["instance"] == f"/v1/orders/{order_id_of(SECRET, 'key-1')}"
    assert shop.buy(("RETRO-CLOCK", 1), token="tok_declined").content == answer.content
    assert shop.buy(("RETRO-CLOCK", 1), key="key-2").status_code == 201


def test_an_unknown_product_is_named(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    answer = shop.buy(("RETRO-CLOCK", 1), ("MOON-DUST", 1))
    assert (answer.status_code, kind_of(answer)) == (422, "product-unavailable")
    [error] = answer.json()["errors"]
    assert error == {"in": "body", "pointer": "#/lines/1/sku", "detail": "MOON-DUST is not sold here."}


def test_lines_of_two_currencies_are_refused(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", currency="USD")
    shop.sell("BRASS-LAMP", currency="EUR")
    answer = shop.buy(("RETRO-CLOCK", 1), ("BRASS-LAMP", 1))
    assert (answer.status_code, kind_of(answer)) == (422, "currency-mismatch")


def test_an_order_keeps_its_answer_when_its_products_change_currency(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    shop.sell("BRASS-LAMP")
    first = shop.buy(("RETRO-CLOCK", 1), ("BRASS-LAMP", 1))
    shop.sell("BRASS-LAMP", quantity=0, currency="EUR")
    assert shop.buy(("RETRO-CLOCK", 1), ("BRASS-LAMP", 1)).content == first.content


def test_an_order_that_has_not_settled_is_accepted_and_found_at_its_location() -> None:
    with Shopfront(settings=SmallSettings(settle_wait_s=0.05)) as shop:
        shop.sell("RETRO-CLOCK")
        answer = shop.buy(("RETRO-CLOCK", 1), token="tok_async")
        assert answer.status_code == 202
        assert answer.json()["status"] == "processing"
        assert "preference-applied" not in answer.headers
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        order = shop.get(answer.headers["location"], headers=token).json()
        assert (order["status"], order["payment"]["status"]) == ("awaiting-payment", "pending")


def test_whoever_prefers_not_to_wait_gets_202_every_time(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    first = shop.buy(("RETRO-CLOCK", 1), Prefer="respond-async")
    assert first.status_code == 202
    assert first.headers["preference-applied"] == "respond-async"
    again = shop.buy(("RETRO-CLOCK", 1), Prefer="wait=5, Respond-Async")
    assert (again.status_code, again.content) == (202, first.content)
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-invalid"),
        ("with space", "idempotency-key-invalid"),
        ("k" * 256, "idempotency-key-invalid"),
        ("schlüssel".encode(), "idempotency-key-invalid"),
    ],
)
def test_a_purchase_needs_a_sound_idempotency_key(shop: Shopfront, key: str | bytes | None, problem: str) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=headers)
    assert (answer.status_code, kind_of(answer)) == (400, problem)


def test_two_idempotency_keys_are_refused_though_they_be_equal(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    for second in ("key-1", "key-2"):
        headers = [("Idempotency-Key", "key-1"), ("Idempotency-Key", second)]
        answer = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers=headers)
        assert (answer.status_code, kind_of(answer)) == (400, "idempotency-key-invalid")
        assert answer.json()["detail"] == "The request has more than one Idempotency-Key."
    assert shop.stock("RETRO-CLOCK")["on_hand"] == 10


def test_a_customer_buys_no_more_than_the_limit(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    shop.request("PATCH", "/v1/stock/RETRO-CLOCK/policy", json={"customer_limit": 1}, admin=True)
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201
    answer = shop.buy(("RETRO-CLOCK", 1), key="key-2", email=EMAIL.upper())
    assert (answer.status_code, kind_of(answer)) == (409, "customer-limit")
    assert answer.json()["detail"] == "RETRO-CLOCK is limited to 1."


def test_a_shop_that_was_told_nothing_yet_sells_all_the_same() -> None:
    with Shopfront(catalogue=ForgetfulCatalogue()) as shop:
        shop.sell("RETRO-CLOCK", quantity=1)
        assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201
        assert shop.buy(("RETRO-CLOCK", 1), key="key-2").status_code == 409


def test_the_lean_decoder_accepts_what_the_contract_accepts() -> None:
    body = json.dumps(order_body(("RETRO-CLOCK", 10_000), email="o'neil+x@sub.example.org"))
    assert decode_order_request(body.encode()).lines[0].quantity == 10_000
