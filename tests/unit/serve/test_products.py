"""The catalogue over HTTP: pages, entity tags, conditional puts."""

import pytest

from .shopfront import ForgetfulCatalogue, Shopfront, kind_of

CLOCK = {"title": "Retro clock", "price": {"amount": 1999, "currency": "USD"}}
PATH = "/v1/products/RETRO-CLOCK"


def test_a_product_is_created_then_replaced(shop: Shopfront) -> None:
    created = shop.put(PATH, json=CLOCK, admin=True)
    assert (created.status_code, created.headers["location"]) == (201, PATH)
    everything = {
        **CLOCK,
        "description": "It rings.",
        "category": ["Home", "Clocks"],
        "vendor": "Tick & Sons",
        "tags": ["retro"],
        "images": ["https://example.org/clock.jpg"],
        "attributes": {"colour": "red", "weight_g": 420.5, "loud": True},
    }
    replaced = shop.put(PATH, json=everything, admin=True)
    assert replaced.status_code == 200
    found = shop.get(PATH).json()
    assert found == replaced.json()
    assert {name: found[name] for name in everything} == everything
    nothing = {"in_stock": False, "available": 0, "backorder": 0, "ships_from": None, "expected_at": None}
    assert (found["version"], found["availability"]) == (2, nothing)


def test_only_the_admin_puts_products(shop: Shopfront) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
    ):
        answer = shop.put(PATH, content=b"unread", headers=headers)
        assert (answer.status_code, kind_of(answer)) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert shop.put(PATH, json=CLOCK, headers={"Authorization": "Bearer schlüssel".encode()}).status_code == 401
    assert shop.get(PATH).status_code == 404


@pytest.mark.parametrize("sku", ["A@B", "-DASH-FIRST", "x" * 65, "UMLAUT-Ä"])
def test_a_sku_that_cannot_be_is_told_to_whoever_puts_it(shop: Shopfront, sku: str) -> None:
    answer = shop.put(f"/v1/products/{sku}", json=CLOCK, admin=True)
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "sku")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ""}, "#/title"),
        ({"price": {"amount": -1, "currency": "USD"}}, "#/price/amount"),
        ({"price": {"amount": 10**12 + 1, "currency": "USD"}}, "#/price/amount"),
        ({"price": {"amount": 19.99, "currency": "USD"}}, "#/price/amount"),
        ({"price": {"amount": 1, "currency": "usd"}}, "#/price/currency"),
        ({"attributes": {"nested": {"deep": 1}}}, "#/attributes/nested"),
        ({"attributes": {"nothing": None}}, "#/attributes/nothing"),
        ({"tags": ["t"] * 101}, "#/tags"),
        ({"stock": 5}, "#/stock"),
    ],
)
def test_a_product_is_held_to_the_contract(shop: Shopfront, fields: dict[str, object], pointer: str) -> None:
    answer = shop.put(PATH, json={**CLOCK, **fields}, admin=True)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_put_can_demand_the_version_it_has_seen(shop: Shopfront) -> None:
    tag = shop.put(PATH, json=CLOCK, admin=True).headers["etag"]
    shop.post("/v1/stock/RETRO-CLOCK/receipts", json={"quantity": 5}, admin=True)
    put = {"json": {**CLOCK, "title": "Newer"}, "admin": True}
    # Selling doesn't get into an editor's way: only the product's own version is compared.
    assert shop.put(PATH, headers={"If-Match": tag}, **put).status_code == 200
    stale = shop.put(PATH, headers={"If-Match": tag}, json=CLOCK, admin=True)
    assert (stale.status_code, kind_of(stale)) == (412, "version-conflict")
    for header in ('"nonsense"', 'W/"2"', '"0"', '"7", "8"'):
        assert shop.put(PATH, headers={"If-Match": header}, json=CLOCK, admin=True).status_code == 412
    assert shop.put(PATH, headers={"If-Match": '"1", "2"'}, json=CLOCK, admin=True).status_code == 200
    assert shop.put(PATH, headers={"If-Match": "*"}, **put).status_code == 200


def test_a_put_can_demand_that_there_is_nothing_yet(shop: Shopfront) -> None:
    only_new = {"If-None-Match": "*"}
    assert shop.put(PATH, json=CLOCK, headers={"If-Match": "*"}, admin=True).status_code == 412
    assert shop.put(PATH, json=CLOCK, headers=only_new, admin=True).status_code == 201
    assert shop.put(PATH, json={**CLOCK, "title": "Other"}, headers=only_new, admin=True).status_code == 412
    assert shop.put(PATH, json=CLOCK, headers={"If-None-Match": '"1"'}, admin=True).status_code == 400


def test_the_tag_of_a_product_changes_with_price_and_availability(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    tag = shop.get(PATH).headers["etag"]
    same = shop.get(PATH, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    shop.buy(("RETRO-CLOCK", 1))
    bought = shop.get(PATH, headers={"If-None-Match": tag})
    assert bought.status_code == 200
    shop.sell("RETRO-CLOCK", quantity=0, amount=999)
    assert shop.get(PATH, headers={"If-None-Match": bought.headers["etag"]}).status_code == 200


def test_the_catalogue_is_read_in_pages(shop: Shopfront) -> None:
    skus = [f"CLOCK-{number:02}" for number in range(7)]
    for sku in reversed(skus):
        shop.sell(sku, quantity=1)
    found, path, pages = [], "/v1/products?limit=3", 0
    while path:
        page = shop.get(path)
        found += [item["sku"] for item in page.json()["items"]]
        path = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert bool(path) == (page.json()["next_cursor"] is not None)
        pages += 1
    assert (found, pages) == (skus, 3)
    assert shop.get("/v1/products").json()["items"][0]["availability"]["available"] == 1


def test_the_tag_of_a_page_changes_with_what_it_shows(shop: Shopfront) -> None:
    shop.sell("RETRO-CLOCK", quantity=5)
    seen = {"If-None-Match": shop.get("/v1/products").headers["etag"]}
    assert shop.get("/v1/products", headers=seen).status_code == 304
    shop.buy(("RETRO-CLOCK", 1))
    assert shop.get("/v1/products", headers=seen).status_code == 200


@pytest.mark.parametrize("cursor", ["!", "a", "_w", "ÿ"])
def test_a_cursor_that_is_not_ours_is_told(shop: Shopfront, cursor: str) -> None:
    answer = shop.get(f"/v1/products?cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "cursor")


def test_products_are_found_before_anyone_has_told_of_them() -> None:
    with Shopfront(catalogue=ForgetfulCatalogue()) as shop:
        shop.sell("RETRO-CLOCK", quantity=5)
        assert shop.get(PATH).json()["availability"]["available"] == 5
