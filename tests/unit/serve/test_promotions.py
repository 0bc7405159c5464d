"""Promotions, coupons, gift cards, shipping and taxes over HTTP: what is quoted is what is paid, and says why."""

from typing import Any

import httpx
import pytest

from .shopfront import EMAIL, Shopfront, keyed, kind_of, order_body

SUMMER = {"title": "Summer sale", "benefit": "percentage", "percent_bp": 1_000}
POST = {"title": "Post", "currency": "USD", "tiers": [{"price": 500}], "regions": ["us"], "free_from": 9_000}
NEW_YORK = {"name": "New York", "rates": [{"tax_class": "", "name": "Sales tax", "rate_ppm": 80_000}]}
ADDRESS = {"name": "Ada", "line1": "1 Main St", "city": "New York", "country": "US", "region": "NY"}


@pytest.fixture
def clocks(shop: Shopfront) -> Shopfront:
    shop.sell("RETRO-CLOCK", amount=2_000)
    return shop


def put(shop: Shopfront, what: str, key: str, body: dict[str, Any]) -> None:
    response = shop.put(f"/v1/admin/{what}/{key}", json=body, admin=True)
    assert response.status_code in (200, 201), response.text


def coupon(shop: Shopfront, code: str = "SUMMER-10", **fields: Any) -> None:
    put(shop, "promotions", "summer", {**SUMMER, "needs_coupon": True})
    put(shop, "coupons", code, {"promotion": "summer", **fields})


def card(shop: Shopfront, amount: int, key: str = "card-1") -> dict[str, Any]:
    body = {"amount": {"amount": amount, "currency": "USD"}}
    response = shop.post("/v1/admin/gift-cards", json=body, headers=keyed(key), admin=True)
    assert response.status_code == 201
    found: dict[str, Any] = response.json()
    return found


def quote(shop: Shopfront, *lines: tuple[str, int], **wishes: Any) -> httpx.Response:
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], **wishes}
    return shop.post("/v1/quote", json=body)


def buy(shop: Shopfront, *lines: tuple[str, int], key: str = "key-1", token: str = "tok_ok", **wishes: Any) -> Any:
    return shop.post("/v1/orders", json={**order_body(*lines, token=token), **wishes}, headers=keyed(key))


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


# -- promotions


def test_an_automatic_promotion_lowers_the_price_and_the_order_says_why(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", SUMMER)
    quoted = quote(clocks, ("RETRO-CLOCK", 2)).json()
    assert (quoted["subtotal"], quoted["discount"], quoted["total"]) == (usd(4_000), usd(400), usd(3_600))
    bought = clocks.buy(("RETRO-CLOCK", 2))
    assert bought.json()["total"] == usd(3_600)
    assert bought.json()["charges"]["lines"][0]["discounts"] == [
        {"promotion_id": "summer", "why": "Summer sale", "coupon": None, "amount": usd(400)}
    ]
    look = clocks.get(
        bought.headers["location"], headers={"Authorization": f"Bearer {bought.json()['access_token']}"}
    ).json()
    assert look["charges"] == bought.json()["charges"]
    assert clocks.buy(("RETRO-CLOCK", 2)).content == bought.content


def test_without_any_promotion_an_answer_has_no_charges(clocks: Shopfront) -> None:
    assert "charges" not in clocks.buy(("RETRO-CLOCK", 1)).json()


def test_a_promotion_that_was_removed_is_over_at_once(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", SUMMER)
    assert clocks.delete("/v1/admin/promotions/summer", admin=True).status_code == 204
    assert quote(clocks, ("RETRO-CLOCK", 1)).json()["total"] == usd(2_000)


def test_a_retry_gets_its_first_answer_whatever_the_prices_are_by_now(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", SUMMER)
    first = clocks.buy(("RETRO-CLOCK", 1))
    put(clocks, "promotions", "summer", {**SUMMER, "percent_bp": 5_000})
    assert clocks.buy(("RETRO-CLOCK", 1)).content == first.content


def test_a_promotion_of_a_category_is_also_for_those_below_it(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", amount=2_000, category=["Home", "Clocks"])
    shop.sell("BICYCLE", amount=2_000, category=["Sports"])
    for category in ("Home", "home"):
        put(shop, "promotions", "summer", {**SUMMER, "categories": [category]})
        quoted = quote(shop, ("RETRO-CLOCK", 1), ("BICYCLE", 1)).json()
        assert [line["total"] for line in quoted["lines"]] == [usd(1_800), usd(2_000)]


def test_a_group_of_customers_has_its_own_promotion(clocks: Shopfront) -> None:
    put(clocks, "promotions", "staff", {**SUMMER, "percent_bp": 5_000, "groups": ["staff"]})
    put(clocks, "customer-groups", "staff", {"title": "Staff", "accounts": ["acc_1"]})
    body = {"lines": [{"sku": "RETRO-CLOCK", "quantity": 1}]}
    assert clocks.post("/v1/quote", json=body).json()["total"] == usd(2_000)
    assert clocks.post("/v1/quote", json=body, headers=clocks.token("acc_2")).json()["total"] == usd(2_000)
    ada = clocks.token("acc_1")
    assert clocks.post("/v1/quote", json=body, headers=ada).json()["total"] == usd(1_000)
    bought = clocks.post("/v1/orders", json=order_body(("RETRO-CLOCK", 1)), headers={**keyed("key-1"), **ada})
    assert bought.json()["total"] == usd(1_000)
    put(clocks, "customer-groups", "staff", {"title": "Staff"})
    assert clocks.post("/v1/quote", json=body, headers=ada).json()["total"] == usd(2_000)


def test_a_quote_beyond_all_sums_is_refused(shop: Shopfront) -> None:
    shop.sell("PALACE", quantity=0, amount=10**12)
    shop.post("/v1/stock/PALACE/receipts", json={"quantity": 10_000}, admin=True)
    refused = quote(shop, ("PALACE", 10_000), ("PALACE", 10_000))
    assert (refused.status_code, kind_of(refused)) == (422, "invalid-command")


def test_a_promotion_that_can_not_be_is_refused(shop: Shopfront) -> None:
    for body in (
        {**SUMMER, "percent_bp": 0},
        {**SUMMER, "benefit": "amount"},
        {**SUMMER, "benefit": "amount", "amount": 5},
        {**SUMMER, "benefit": "buy-x-get-y"},
        {**SUMMER, "starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
    ):
        response = shop.put("/v1/admin/promotions/x", json=body, admin=True)
        assert (response.status_code, kind_of(response)) == (422, "invalid-request"), body


# -- coupons


def test_a_coupon_is_used_up_by_its_order(clocks: Shopfront) -> None:
    coupon(clocks, limit=1)
    bought = buy(clocks, ("RETRO-CLOCK", 1), coupons=["summer 10"])
    assert bought.json()["total"] == usd(1_800)
    assert buy(clocks, ("RETRO-CLOCK", 1), coupons=["summer 10"]).content == bought.content, "a retry"
    assert clocks.get("/v1/admin/coupons/SUMMER10", admin=True).json()["used"] == 1
    again = buy(clocks, ("RETRO-CLOCK", 1), key="key-2", coupons=["SUMMER10"])
    assert (again.status_code, kind_of(again)) == (409, "coupon-unused")
    assert again.json()["coupons"] == [{"code": "SUMMER10", "why": "coupon-exhausted"}]


def test_a_coupon_comes_back_when_the_payment_is_declined(clocks: Shopfront) -> None:
    coupon(clocks, limit=1)
    assert buy(clocks, ("RETRO-CLOCK", 1), token="tok_declined", coupons=["SUMMER10"]).status_code == 402
    assert buy(clocks, ("RETRO-CLOCK", 1), key="key-2", coupons=["SUMMER10"]).status_code == 201


def test_a_customer_uses_a_coupon_so_often_at_most(clocks: Shopfront) -> None:
    coupon(clocks, customer_limit=1)
    assert buy(clocks, ("RETRO-CLOCK", 1), coupons=["SUMMER10"]).status_code == 201
    again = buy(clocks, ("RETRO-CLOCK", 1), key="key-2", coupons=["SUMMER10"])
    assert (again.status_code, kind_of(again)) == (409, "coupon-limit")
    other = {**order_body(("RETRO-CLOCK", 1), email="bob@example.org"), "coupons": ["SUMMER10"]}
    assert clocks.post("/v1/orders", json=other, headers=keyed("key-3")).status_code == 201


def test_a_coupon_that_takes_nothing_off_is_told_in_a_quote_and_refused_in_a_purchase(clocks: Shopfront) -> None:
    quoted = quote(clocks, ("RETRO-CLOCK", 1), coupons=["NOBODY-KNOWS"]).json()
    assert quoted["unused_coupons"] == [{"code": "NOBODYKNOWS", "why": "coupon-unknown"}]
    assert kind_of(buy(clocks, ("RETRO-CLOCK", 1), coupons=["NOBODY-KNOWS"])) == "coupon-unused"
    assert clocks.stock("RETRO-CLOCK")["reserved"] == 0


def test_generated_codes_are_used_once_each_and_the_same_for_the_same_key(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", {**SUMMER, "needs_coupon": True})
    body = {"promotion": "summer", "count": 3, "prefix": "vip-"}
    made = [clocks.post("/v1/admin/coupons", json=body, headers=keyed("bulk"), admin=True).json() for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0]["codes"])) == 3
    for number, code in enumerate(made[0]["codes"]):
        assert code.startswith("VIP")
        assert buy(clocks, ("RETRO-CLOCK", 1), key=f"key-{number}", coupons=[code]).status_code == 201
    assert buy(clocks, ("RETRO-CLOCK", 1), key="more", coupons=[made[0]["codes"][0]]).status_code == 409


def test_all_codes_are_listed_page_by_page(clocks: Shopfront) -> None:
    for promotion in ("summer", "winter"):
        put(clocks, "promotions", promotion, {**SUMMER, "needs_coupon": True})
    for number in range(7):
        promotion = "winter" if number % 3 == 0 else "summer"
        put(clocks, "coupons", f"code-{number}", {"promotion": promotion, "limit": number})
    pages, cursor = [], ""
    while cursor is not None:
        found = clocks.get(f"/v1/admin/coupons?limit=3&cursor={cursor}", admin=True).json()
        pages.append([(coupon["code"], coupon["limit"]) for coupon in found["items"]])
        cursor = found["next_cursor"]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [coupon for page in pages for coupon in page] == [(f"CODE{number}", number) for number in range(7)]
    winter = clocks.get("/v1/admin/coupons?promotion=winter", admin=True).json()
    assert ([coupon["code"] for coupon in winter["items"]], winter["next_cursor"]) == (
        ["CODE0", "CODE3", "CODE6"],
        None,
    )
    assert clocks.get("/v1/admin/coupons?cursor=%21", admin=True).status_code == 422


def test_a_coupon_needs_its_promotion(shop: Shopfront) -> None:
    response = shop.put("/v1/admin/coupons/SUMMER", json={"promotion": "summer"}, admin=True)
    assert (response.status_code, kind_of(response)) == (422, "promotion-unknown")


def test_acidrain_a_code_that_a_thousand_checkouts_want_at_once_is_never_overspent(shop: Shopfront) -> None:
    buyers, limit = 1_000, 7
    shop.sell("RETRO-CLOCK", quantity=buyers, amount=2_000)
    coupon(shop, limit=limit)
    body = {**order_body(("RETRO-CLOCK", 1)), "coupons": ["SUMMER10"]}
    requests = [("POST", "/v1/orders", {"json": body, "headers": keyed(f"key-{number}")}) for number in range(buyers)]
    told = [response.status_code for response in shop.at_once(requests)]
    assert (told.count(201), told.count(409)) == (limit, buyers - limit)
    view = shop.get("/v1/admin/coupons/SUMMER10", admin=True).json()
    assert (view["used"], view["reserved"]) == (limit, 0)
    stock = shop.stock("RETRO-CLOCK")
    assert (stock["on_hand"], stock["reserved"]) == (buyers - limit, 0)


# -- gift cards and store credit


def test_a_gift_card_pays_and_its_ledger_tells_it(clocks: Shopfront) -> None:
    issued = card(clocks, 1_500)
    bought = buy(clocks, ("RETRO-CLOCK", 1), gift_cards=[issued["code"]]).json()
    assert bought["charges"]["tenders"] == [{"kind": "gift-card", "name": issued["hint"], "amount": usd(1_500)}]
    assert bought["charges"]["due"] == usd(500)
    assert clocks.post("/v1/gift-cards/balance", json={"code": issued["code"]}).json()["balance"] == usd(0)
    ledger = clocks.get(f"/v1/admin/gift-cards/{issued['id']}/ledger", admin=True).json()["items"]
    assert [row["event"] for row in ledger] == ["issued", "reserved", "spent"]
    assert sum(row["balance_change"] for row in ledger) == 0


def test_a_gift_card_that_covers_all_needs_no_payment(clocks: Shopfront) -> None:
    issued = card(clocks, 5_000)
    bought = buy(clocks, ("RETRO-CLOCK", 1), token="tok_declined", gift_cards=[issued["code"]])
    assert (bought.status_code, bought.json()["payment_id"]) == (201, "")
    assert clocks.post("/v1/gift-cards/balance", json={"code": issued["code"]}).json()["available"] == usd(3_000)


def test_two_purchases_at_once_never_spend_a_card_twice(clocks: Shopfront) -> None:
    issued = card(clocks, 2_000)
    body = {**order_body(("RETRO-CLOCK", 1)), "gift_cards": [issued["code"]]}
    requests = [("POST", "/v1/orders", {"json": body, "headers": keyed(f"key-{number}")}) for number in range(5)]
    told = clocks.at_once(requests)
    assert sorted(response.status_code for response in told) == [201, 409, 409, 409, 409]
    assert {kind_of(response) for response in told if response.status_code == 409} == {"gift-card-insufficient"}


def test_a_code_is_shown_once_and_kept_nowhere(clocks: Shopfront) -> None:
    issued = card(clocks, 1_500)
    assert card(clocks, 1_500) == issued
    shown = clocks.get(f"/v1/admin/gift-cards/{issued['id']}", admin=True)
    assert issued["code"].replace("-", "") not in shown.text
    assert issued["hint"] == f"…{issued['code'][-4:]}"


def test_a_blocked_card_pays_nothing_until_it_is_unblocked(clocks: Shopfront) -> None:
    issued = card(clocks, 5_000)
    path = f"/v1/admin/gift-cards/{issued['id']}"
    assert clocks.post(f"{path}/change", json={"blocked": True, "note": "lost"}, admin=True).json()["blocked"]
    refused = buy(clocks, ("RETRO-CLOCK", 1), gift_cards=[issued["code"]])
    assert (refused.status_code, kind_of(refused)) == (409, "gift-card-blocked")
    clocks.post(f"{path}/change", json={"blocked": False}, admin=True)
    assert buy(clocks, ("RETRO-CLOCK", 1), gift_cards=[issued["code"]]).status_code == 201


def test_a_top_up_books_once(clocks: Shopfront) -> None:
    issued = card(clocks, 500)
    path = f"/v1/admin/gift-cards/{issued['id']}/top-ups"
    for _ in range(2):
        response = clocks.post(path, json={"amount": usd(700)}, headers=keyed("top-up"), admin=True)
        assert (response.status_code, response.json()["balance"]) == (201, usd(1_200))


def test_an_unknown_card_is_refused(clocks: Shopfront) -> None:
    assert kind_of(buy(clocks, ("RETRO-CLOCK", 1), gift_cards=["AAAA-BBBB-CCCC-DDDD"])) == "gift-card-unknown"
    assert clocks.post("/v1/gift-cards/balance", json={"code": "AAAA-BBBB"}).status_code == 404


def test_store_credit_is_for_its_account(clocks: Shopfront) -> None:
    path = "/v1/admin/accounts/acc_1/credit"
    assert clocks.post(path, json={"amount": usd(700)}, headers=keyed("c-1"), admin=True).status_code == 201
    body = {**order_body(("RETRO-CLOCK", 1)), "store_credit": True}
    assert clocks.post("/v1/orders", json=body, headers=keyed("key-1")).status_code == 401
    ada = clocks.token("acc_1")
    bought = clocks.post("/v1/orders", json=body, headers={**keyed("key-2"), **ada}).json()
    assert bought["charges"]["due"] == usd(1_300)
    assert clocks.get("/v1/me/credit/USD", headers=ada).json()["balance"] == usd(0)
    assert clocks.get(f"{path}/USD/ledger", admin=True).json()["items"][0]["event"] == "topped-up"


# -- shipping, taxes, and the price that was seen


def test_shipping_and_taxes_are_part_of_the_total(clocks: Shopfront) -> None:
    put(clocks, "shipping-methods", "post", POST)
    put(clocks, "tax-regions", "us-ny", NEW_YORK)
    options = quote(clocks, ("RETRO-CLOCK", 1), region="us-ny").json()["shipping_options"]
    assert options == [{"method": "post", "title": "Post", "price": usd(500)}]
    bought = buy(clocks, ("RETRO-CLOCK", 1), shipping={"method": "post", "address": ADDRESS}).json()
    charges = bought["charges"]
    assert charges["lines"][0]["taxes"] == [
        {"name": "Sales tax", "rate_ppm": 80_000, "base": usd(2_000), "amount": usd(160), "included": False}
    ]
    assert (charges["shipping"]["total"], charges["total"], bought["total"]) == (usd(540), usd(2_700), usd(2_700))


def test_whoever_leaves_out_where_it_goes_or_how_is_asked(clocks: Shopfront) -> None:
    put(clocks, "shipping-methods", "post", POST)
    assert kind_of(clocks.buy(("RETRO-CLOCK", 1))) == "shipping-required"
    abroad = {"method": "post", "address": {**ADDRESS, "country": "DE", "region": ""}}
    assert kind_of(buy(clocks, ("RETRO-CLOCK", 1), shipping=abroad)) == "shipping-unavailable"
    assert kind_of(buy(clocks, ("RETRO-CLOCK", 1), shipping={"method": "pigeon"})) == "shipping-unavailable"
    put(clocks, "tax-regions", "us-ny", NEW_YORK)
    assert kind_of(clocks.buy(("RETRO-CLOCK", 1))) == "region-required"


def test_nobody_pays_more_than_they_saw(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", SUMMER)
    seen = quote(clocks, ("RETRO-CLOCK", 1)).json()["total"]
    clocks.delete("/v1/admin/promotions/summer", admin=True)
    dearer = buy(clocks, ("RETRO-CLOCK", 1), expected_total=seen)
    assert (dearer.status_code, kind_of(dearer)) == (409, "price-changed")
    assert dearer.json()["charges"]["total"] == usd(2_000)
    assert buy(clocks, ("RETRO-CLOCK", 1), key="key-2", expected_total=usd(2_000)).json()["total"] == usd(2_000)


def test_what_got_cheaper_is_simply_cheaper(clocks: Shopfront) -> None:
    put(clocks, "promotions", "summer", SUMMER)
    assert buy(clocks, ("RETRO-CLOCK", 1), expected_total=usd(2_000)).json()["total"] == usd(1_800)


# -- carts


def check_out(shop: Shopfront, cart: str, key: str = "key-1", **wishes: Any) -> httpx.Response:
    body = {"email": EMAIL, "payment": {"method": "sandbox", "token": "tok_ok"}, **wishes}
    return shop.post(f"{cart}/checkout", json=body, headers=keyed(key))


def test_a_cart_is_quoted_and_bought_with_its_coupons(clocks: Shopfront) -> None:
    coupon(clocks, limit=1)
    cart = clocks.cart_with(("RETRO-CLOCK", 2))
    quoted = clocks.post(f"{cart}/quote", json={"coupons": ["SUMMER10"]}).json()
    assert quoted["total"] == usd(3_600)
    assert clocks.post(f"{cart}/quote").json()["total"] == usd(4_000)
    bought = check_out(clocks, cart, coupons=["SUMMER10"], expected_total=quoted["total"])
    assert (bought.status_code, bought.json()["total"]) == (201, usd(3_600))
    assert check_out(clocks, cart, coupons=["SUMMER10"], expected_total=quoted["total"]).content == bought.content


def test_an_empty_cart_has_no_quote(clocks: Shopfront) -> None:
    cart = clocks.post("/v1/carts").headers["location"]
    assert kind_of(clocks.post(f"{cart}/quote")) == "cart-empty"


def test_a_cart_whose_coupon_is_gone_can_be_checked_out_again(clocks: Shopfront) -> None:
    coupon(clocks, customer_limit=1)
    buy(clocks, ("RETRO-CLOCK", 1), coupons=["SUMMER10"])
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    assert kind_of(check_out(clocks, cart, key="key-2", coupons=["SUMMER10"])) == "coupon-limit"
    assert check_out(clocks, cart, key="key-3").status_code == 201


@pytest.mark.parametrize(
    "wishes",
    [
        {"coupons": ["not/a/code"]},
        {"coupons": ["A"] * 11},
        {"gift_cards": ["short"]},
        {"shipping": {"method": "post", "address": {**ADDRESS, "country": "us"}}},
        {"region": "US"},
        {"expected_total": {"amount": -1, "currency": "USD"}},
        {"expected_total": 5},
    ],
)
def test_wishes_that_break_the_contract_are_refused(clocks: Shopfront, wishes: dict[str, Any]) -> None:
    assert buy(clocks, ("RETRO-CLOCK", 1), **wishes).status_code == 422


# -- what a cart keeps


def test_a_cart_keeps_codes_and_shows_what_they_are_worth(clocks: Shopfront) -> None:
    coupon(clocks, limit=1)
    issued = card(clocks, 1_500)
    cart = clocks.cart_with(("RETRO-CLOCK", 2))
    clocks.put(f"{cart}/coupons/summer 10")
    clocks.put(f"{cart}/coupons/SUMMER-10")
    kept = clocks.post(f"{cart}/gift-cards", json={"code": issued["code"]}).json()
    assert kept["kept"]["coupons"] == ["SUMMER10"]
    assert kept["kept"]["gift_cards"] == [{"id": issued["id"], "hint": issued["hint"]}]
    assert (kept["charges"]["total"], kept["charges"]["due"]) == (usd(3_600), usd(2_100))
    bought = clocks.check_out(cart)
    assert (bought.status_code, bought.json()["charges"]["due"]) == (201, usd(2_100))
    assert clocks.check_out(cart).content == bought.content


def test_what_was_kept_can_be_taken_out(clocks: Shopfront) -> None:
    coupon(clocks)
    issued = card(clocks, 1_500)
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    clocks.put(f"{cart}/coupons/SUMMER10")
    clocks.post(f"{cart}/gift-cards", json={"code": issued["code"]})
    clocks.delete(f"{cart}/coupons/SUMMER10")
    left = clocks.delete(f"{cart}/gift-cards/{issued['id']}").json()
    assert (left["kept"]["coupons"], left["kept"]["gift_cards"]) == ([], [])
    assert "charges" not in left
    assert clocks.check_out(cart).json()["total"] == usd(2_000)


def test_a_code_that_nobody_knows_is_refused_at_once(clocks: Shopfront) -> None:
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    assert kind_of(clocks.put(f"{cart}/coupons/NOPE")) == "coupon-unknown"
    assert kind_of(clocks.put(f"{cart}/coupons/---")) == "coupon-unknown"
    assert kind_of(clocks.post(f"{cart}/gift-cards", json={"code": "AAAA-BBBB-CCCC"})) == "gift-card-unknown"
    assert kind_of(clocks.put("/v1/carts/cart_unknown1/coupons/NOPE")) == "coupon-unknown"


def test_a_kept_code_that_has_ended_is_told_and_must_be_taken_out(clocks: Shopfront) -> None:
    coupon(clocks)
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    clocks.put(f"{cart}/coupons/SUMMER10")
    put(clocks, "coupons", "SUMMER10", {"promotion": "summer", "enabled": False})
    assert clocks.get(cart).json()["unused_coupons"] == [{"code": "SUMMER10", "why": "coupon-ended"}]
    assert kind_of(clocks.check_out(cart)) == "coupon-unused"
    clocks.delete(f"{cart}/coupons/SUMMER10")
    assert clocks.check_out(cart, key="key-2").status_code == 201


def test_a_cart_keeps_how_and_where_to_deliver(clocks: Shopfront) -> None:
    put(clocks, "shipping-methods", "post", POST)
    put(clocks, "tax-regions", "us-ny", NEW_YORK)
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    kept = clocks.put(f"{cart}/shipping", json={"method": "post", "address": ADDRESS}).json()
    assert kept["charges"]["total"] == usd(2_700)
    assert clocks.check_out(cart).json()["total"] == usd(2_700)


def test_nothing_more_is_entered_once_a_cart_is_being_paid(clocks: Shopfront) -> None:
    coupon(clocks)
    cart = clocks.cart_with(("RETRO-CLOCK", 1))
    assert clocks.check_out(cart).status_code == 201
    assert kind_of(clocks.put(f"{cart}/coupons/SUMMER10")) == "cart-sealed"
    assert kind_of(clocks.put(f"{cart}/shipping", json={"method": "post"})) == "cart-sealed"
