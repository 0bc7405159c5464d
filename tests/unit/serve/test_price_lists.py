"""Price lists over HTTP: another currency, a sale for a while, who comes first; and tax regions."""

import pytest

from serve.api.answers import timestamp

from .shopfront import EMAIL, START_MS, Shopfront, keyed, kind_of, order_body

LISTS = "/v1/admin/price-lists"


@pytest.fixture(autouse=True)
def clock_of_20_dollars(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", amount=2000)


def put_list(shop: Shopfront, key: str, amount: int, compare_at: int = 0, **fields: object) -> None:
    body = {"name": key, "currency": "USD", **fields}
    assert shop.put(f"{LISTS}/{key}", json=body, admin=True).status_code in (200, 201)
    price = {"sku": "RETRO-CLOCK", "amount": amount, "compare_at": compare_at}
    results = shop.post(f"{LISTS}/{key}/prices", json={"prices": [price]}, admin=True).json()["results"]
    assert results == [{"sku": "RETRO-CLOCK", "status": "set", "error": None}]


def price_now(shop: Shopfront, currency: str = "") -> int:
    query = f"?currency={currency}" if currency else ""
    amount: int = shop.get(f"/v1/products/RETRO-CLOCK{query}").json()["price"]["amount"]
    return amount


def test_a_price_in_another_currency_is_shown_and_paid(shop: Shopfront) -> None:
    put_list(shop, "euro", 1900, 2100, currency="EUR")
    found = shop.get("/v1/products/RETRO-CLOCK?currency=EUR").json()
    assert (found["price"], found["compare_at_price"]) == (
        {"amount": 1900, "currency": "EUR"},
        {"amount": 2100, "currency": "EUR"},
    )
    assert price_now(shop) == 2000
    bought = shop.post("/v1/orders", json={**order_body(("RETRO-CLOCK", 2)), "currency": "EUR"}, headers=keyed("k"))
    assert (bought.status_code, bought.json()["total"]) == (201, {"amount": 3800, "currency": "EUR"})


def test_what_has_no_price_in_a_currency_is_not_sold_in_it(shop: Shopfront) -> None:
    assert shop.get("/v1/products/RETRO-CLOCK?currency=CHF").status_code == 404
    assert shop.get("/v1/products?currency=CHF").json()["items"] == []
    assert shop.get("/v1/products?currency=chf").status_code == 422
    refused = shop.post("/v1/orders", json={**order_body(("RETRO-CLOCK", 1)), "currency": "CHF"}, headers=keyed("k"))
    assert (refused.status_code, kind_of(refused)) == (422, "product-unavailable")


def test_a_cart_in_another_currency_keeps_it(shop: Shopfront) -> None:
    put_list(shop, "euro", 1900, currency="EUR")
    cart = shop.post("/v1/carts").headers["location"]
    line = {"sku": "RETRO-CLOCK", "quantity": 1}
    assert shop.post(f"{cart}/lines?currency=EUR", json=line).json()["total"] == {"amount": 1900, "currency": "EUR"}
    assert shop.get(cart).json()["lines"][0]["price_changed"] is False
    body = {"email": EMAIL, "payment": {"method": "sandbox", "token": "tok_ok"}}
    bought = shop.post(f"{cart}/checkout", json=body, headers=keyed("k"))
    assert bought.json()["total"] == {"amount": 1900, "currency": "EUR"}


def test_a_sale_lasts_as_long_as_it_says(shop: Shopfront) -> None:
    put_list(shop, "sale", 1500, starts_at=timestamp(START_MS + 1_000), ends_at=timestamp(START_MS + 2_000))
    assert price_now(shop) == 2000
    tag = shop.get("/v1/products/RETRO-CLOCK").headers["etag"]
    shop.clock.advance(1_000)
    assert price_now(shop) == 1500
    assert shop.get("/v1/products/RETRO-CLOCK", headers={"If-None-Match": tag}).status_code == 200
    shop.clock.advance(1_000)
    assert price_now(shop) == 2000


def test_the_higher_priority_counts_then_the_cheaper_price(shop: Shopfront) -> None:
    put_list(shop, "sale", 1500)
    put_list(shop, "clearance", 1400)
    assert price_now(shop) == 1400
    put_list(shop, "fixed", 1800, priority=1)
    assert price_now(shop) == 1800
    put_list(shop, "club", 900, priority=2, group="club")
    assert price_now(shop) == 1800
    assert shop.delete(f"{LISTS}/fixed", admin=True).status_code == 204
    assert price_now(shop) == 1400
    for key in ("clearance", "sale"):
        answer = shop.post(f"{LISTS}/{key}/prices", json={"removed": ["RETRO-CLOCK"]}, admin=True)
        assert answer.json()["results"][0]["status"] == "removed"
    assert price_now(shop) == 2000


def test_each_price_is_set_by_itself(shop: Shopfront) -> None:
    put_list(shop, "sale", 1500)
    prices = [{"sku": sku, "amount": 1400} for sku in ("NEVER-WAS", "RETRO-CLOCK")]
    results = shop.post(f"{LISTS}/sale/prices", json={"prices": prices}, admin=True).json()["results"]
    assert [(result["status"], result["error"]) for result in results] == [("error", "not-found"), ("set", None)]
    assert shop.post(f"{LISTS}/no-list/prices", json={"prices": prices}, admin=True).status_code == 404
    listed = shop.get("/v1/admin/products/RETRO-CLOCK", admin=True).json()["list_prices"]
    assert listed == [{"list": "sale", "amount": 1400, "compare_at": None}]


def test_a_tax_region_has_one_rate_for_each_class(shop: Shopfront) -> None:
    standard = {"tax_class": "", "name": "MwSt.", "rate_ppm": 190_000}
    books = {"tax_class": "books", "name": "MwSt. ermäßigt", "rate_ppm": 70_000}
    region = {"name": "Deutschland", "rates": [standard, books], "inclusive": True, "taxes_shipping": True}
    assert shop.put("/v1/admin/tax-regions/de", json=region, admin=True).status_code == 201
    found = shop.get("/v1/admin/tax-regions/de", admin=True).json()
    assert {name: found[name] for name in region} == region
    twice = {**region, "rates": [books, books]}
    assert shop.put("/v1/admin/tax-regions/de", json=twice, admin=True).status_code == 422
    assert shop.put("/v1/admin/tax-regions/germany", json=region, admin=True).status_code == 422


def test_members_of_a_group_pay_its_prices_wherever_they_buy(shop: Shopfront) -> None:
    put_list(shop, "club", 1500, group="club")
    ada, bob = shop.token("acc_ada", "customer"), shop.token("acc_bob", "customer")
    members = {"title": "Club", "accounts": ["acc_ada"]}
    assert shop.put("/v1/admin/customer-groups/club", json=members, admin=True).status_code == 201
    assert [
        shop.get("/v1/products/RETRO-CLOCK", headers=headers).json()["price"]["amount"]
        for headers in ({}, bob, ada, {"Authorization": "Bearer of-nobody"})
    ] == [2000, 2000, 1500, 2000]
    assert shop.get("/v1/products", headers=ada).json()["items"][0]["price"]["amount"] == 1500
    quoted = shop.post("/v1/quote", json={"lines": [{"sku": "RETRO-CLOCK", "quantity": 1}]}, headers=ada)
    assert quoted.json()["total"]["amount"] == 1500
    bought = shop.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers={**ada, **keyed("express")})
    assert bought.json()["total"]["amount"] == 1500
    cart = shop.post("/v1/carts").headers["location"]
    line = {"sku": "RETRO-CLOCK", "quantity": 1}
    assert shop.post(f"{cart}/lines", json=line, headers=ada).json()["total"]["amount"] == 1500
    assert shop.get(cart, headers=ada).json()["lines"][0]["price_changed"] is False
    body = {"email": EMAIL, "payment": {"method": "sandbox", "token": "tok_ok"}}
    checked_out = shop.post(f"{cart}/checkout", json=body, headers={**ada, **keyed("cart")})
    assert checked_out.json()["total"]["amount"] == 1500
    shop.delete("/v1/admin/customer-groups/club", admin=True)
    assert shop.get("/v1/products/RETRO-CLOCK", headers=ada).json()["price"]["amount"] == 2000
