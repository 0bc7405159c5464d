"""What isn't on sale: drafts, scheduled, ended, archived and deleted products are neither seen nor bought."""

import pytest

from serve.api.answers import timestamp

from .shopfront import START_MS, Shopfront, kind_of

CLOCK = {"title": "Retro clock", "price": {"amount": 1999, "currency": "USD"}}
PATH = "/v1/products/RETRO-CLOCK"
MERCHANT_PATH = "/v1/admin/products/RETRO-CLOCK"


def instant(ms: int) -> str:
    return timestamp(ms)


def assert_nowhere(shop: Shopfront) -> None:
    """No shopper can see the product, put it into a cart or buy it; whoever runs the shop sees it."""
    assert shop.get(PATH).status_code == 404
    assert shop.get("/v1/stock/RETRO-CLOCK").status_code == 404
    assert shop.get("/v1/products").json()["items"] == []
    assert kind_of(shop.buy(("RETRO-CLOCK", 1), key="hidden")) == "product-unavailable"
    cart = shop.post("/v1/carts").headers["location"]
    added = shop.post(f"{cart}/lines", json={"sku": "RETRO-CLOCK", "quantity": 1})
    assert (added.status_code, kind_of(added)) == (422, "product-unavailable")
    assert shop.get(MERCHANT_PATH, admin=True).json()["visible"] is False
    assert [item["sku"] for item in shop.get("/v1/admin/products", admin=True).json()["items"]] == ["RETRO-CLOCK"]
    assert shop.get("/v1/stock/RETRO-CLOCK", admin=True).status_code == 200


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_active_is_not_sold(shop: Shopfront, status: str) -> None:
    assert shop.put(PATH, json={**CLOCK, "status": status}, admin=True).status_code == 201
    assert_nowhere(shop)
    assert shop.put(PATH, json=CLOCK, admin=True).status_code == 200
    assert shop.get(PATH).status_code == 200


def test_a_deleted_product_is_gone_until_it_is_restored(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    before = shop.get(PATH).json()
    assert [shop.delete(PATH, admin=True).status_code for _ in range(2)] == [204, 204]
    assert_nowhere(shop)
    restored = shop.post(f"{MERCHANT_PATH}/restore", admin=True).json()
    assert (restored["deleted"], restored["visible"]) == (False, True)
    assert {**shop.get(PATH).json(), "version": 0} == {**before, "version": 0}
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201


def test_a_deletion_can_demand_the_version_it_has_seen(shop: Shopfront) -> None:
    tag = shop.put(PATH, json=CLOCK, admin=True).headers["etag"]
    shop.put(PATH, json={**CLOCK, "title": "Newer"}, admin=True)
    assert shop.delete(PATH, headers={"If-Match": tag}, admin=True).status_code == 412
    assert shop.delete("/v1/products/NEVER-WAS", admin=True).status_code == 404
    assert shop.delete(PATH).status_code == 401


def test_a_product_goes_on_sale_and_off_it_on_the_second(shop: Shopfront) -> None:
    window = {"publish_at": instant(START_MS + 60_000), "unpublish_at": instant(START_MS + 120_000)}
    assert shop.put(PATH, json={**CLOCK, **window}, admin=True).status_code == 201
    assert shop.get(MERCHANT_PATH, admin=True).json()["stage"] == "scheduled"
    shop.clock.advance(59_999)
    shop.let_time_pass()
    assert_nowhere(shop)
    shop.clock.advance(1)
    shop.let_time_pass()
    assert shop.get(PATH).status_code == 200
    assert shop.post("/v1/stock/RETRO-CLOCK/receipts", json={"quantity": 5}, admin=True).status_code == 201
    assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201
    shop.clock.advance(60_000)
    shop.let_time_pass()
    assert_nowhere(shop)
    assert shop.get(MERCHANT_PATH, admin=True).json()["stage"] == "ended"


def test_a_line_of_a_cart_that_is_no_longer_sold_keeps_the_cart_from_being_bought(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK")
    cart = shop.cart_with(("RETRO-CLOCK", 1))
    shop.delete(PATH, admin=True)
    assert shop.get(cart).json()["lines"][0]["current_price"] is None
    assert kind_of(shop.check_out(cart)) == "product-unavailable"


@pytest.mark.parametrize(
    "fields",
    [
        {"publish_at": "tomorrow"},
        {"publish_at": "2026-11-27T00:00:00"},
        {"publish_at": "2026-11-27T00:00:00Z", "unpublish_at": "2026-11-27T00:00:00Z"},
        {"status": "sold"},
        {"compare_at_price": {"amount": 2999, "currency": "EUR"}},
        {"components": [{"sku": "BELL", "quantity": 1}, {"sku": "BELL", "quantity": 2}]},
    ],
)
def test_what_cannot_be_published_is_told(shop: Shopfront, fields: dict[str, object]) -> None:
    assert shop.put(PATH, json={**CLOCK, **fields}, admin=True).status_code == 422
