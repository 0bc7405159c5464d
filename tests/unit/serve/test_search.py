"""Search over HTTP: finding, choosing, paging, suggesting; what changes is found at once."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serve.search.query_log import SLOW_MS, QueryLog, Reporter

from .shopfront import Shopfront, kind_of

SOON_S = 1.0
"""Within which a change must be found."""
PATIENCE_S = 20.0
"""Within which what isn't about time must be there, on however busy a machine."""


def filled(front: Shopfront) -> Shopfront:
    front.sell("RETRO-CLOCK", title="Retro alarm clock", vendor="Tick", category=["Home", "Clocks"])
    front.sell("RADIO-CLOCK", title="Clock radio, red", vendor="Tick", amount=4_999, attributes={"colour": "red"})
    front.sell("DESK-LAMP", title="Desk lamp", vendor="Glow", amount=2_999, attributes={"colour": "red", "watt": 7})
    front.index()
    return front


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    """To be changed by a test."""
    with Shopfront() as front:
        yield filled(front)


@pytest.fixture(scope="module")
def window() -> Iterator[Shopfront]:
    """Only to be looked at: an index of its own for each test would take the longest of it."""
    with Shopfront() as front:
        yield filled(front)


def eventually(found: Callable[[], bool]) -> bool:
    return soon(found, PATIENCE_S)


def skus(shop: Shopfront, query: str) -> list[str]:
    answer = shop.get(f"/v1/search?{query}")
    assert answer.status_code == 200, answer.text
    return [item["product"]["sku"] for item in answer.json()["items"]]


def soon(found: Callable[[], bool], within_s: float = SOON_S) -> bool:
    until = time.monotonic() + within_s
    while not found():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_what_is_looked_for_is_found_and_shown(window: Shopfront) -> None:
    found = window.get("/v1/search?q=alarm+clocks").json()
    first = found["items"][0]
    assert (first["product"]["sku"], first["product"]["availability"]["available"]) == ("RETRO-CLOCK", 10)
    assert first["highlights"]["title"] == "Retro <mark>alarm</mark> <mark>clock</mark>"
    assert (found["total"], found["next_cursor"], found["corrected"]) == (2, None, {})


def test_a_mistake_is_understood_and_told(window: Shopfront) -> None:
    found = window.get("/v1/search?q=retor+clcok").json()
    assert found["corrected"] == {"retor": "retro", "clcok": "clock"}
    assert found["items"][0]["product"]["sku"] == "RETRO-CLOCK"


def test_a_changed_price_is_found_within_a_second(shop: Shopfront) -> None:
    assert skus(shop, "price_max=1000") == []
    shop.sell("DESK-LAMP", title="Desk lamp", quantity=0, amount=999)
    assert soon(lambda: skus(shop, "price_max=1000") == ["DESK-LAMP"])


def test_a_new_product_is_found_and_a_deleted_or_hidden_one_is_not(shop: Shopfront) -> None:
    shop.sell("CUCKOO", title="Cuckoo clock")
    assert soon(lambda: skus(shop, "q=cuckoo") == ["CUCKOO"])
    shop.sell("DRAFT", title="Cuckoo nest", status="draft")
    shop.delete("/v1/products/CUCKOO", admin=True)
    assert skus(shop, "q=cuckoo") == []  # Not even before the index knows.
    assert soon(lambda: shop.get("/v1/search?q=cuckoo").json()["total"] == 0)
    assert shop.get("/v1/search/suggest?q=cuck").json() == {"texts": [], "products": []}


def test_selling_out_moves_a_product_from_one_choice_to_the_other(shop: Shopfront) -> None:
    shop.buy(("RETRO-CLOCK", 9))
    assert "RETRO-CLOCK" in skus(shop, "in_stock=true")
    shop.buy(("RETRO-CLOCK", 1), key="key-2")
    assert soon(lambda: skus(shop, "in_stock=false") == ["RETRO-CLOCK"])
    shop.post("/v1/stock/RETRO-CLOCK/receipts", json={"quantity": 3}, admin=True)
    assert soon(lambda: skus(shop, "in_stock=false") == [])


def test_choices_narrow_and_facets_count(window: Shopfront) -> None:
    query = "vendor=Tick&facet=vendor&facet=category&facet=price&facet=availability&facet=attributes"
    found = window.get(f"/v1/search?{query}").json()
    assert {item["product"]["sku"] for item in found["items"]} == {"RETRO-CLOCK", "RADIO-CLOCK"}
    facets = {facet["name"]: facet for facet in found["facets"]}
    assert {value["value"]: value["count"] for value in facets["vendor"]["values"]} == {"Tick": 2, "Glow": 1}
    assert [value["value"] for value in facets["category"]["values"]] == ["Home", "Home > Clocks"]
    assert (facets["price"]["least"], facets["price"]["most"]) == (1_999, 4_999)
    assert facets["availability"]["values"] == [{"value": "true", "count": 2}]
    assert facets["attribute:colour"]["values"] == [{"value": "red", "count": 1}]
    assert skus(window, "attribute=colour:red&attribute=watt:5..10") == ["DESK-LAMP"]
    assert skus(window, "category=Home") == ["RETRO-CLOCK"]
    assert skus(window, "sort=-price") == ["RADIO-CLOCK", "DESK-LAMP", "RETRO-CLOCK"]


def test_the_newest_comes_first_where_nothing_is_asked(shop: Shopfront) -> None:
    shop.clock.advance(1_000)
    shop.sell("CUCKOO", title="Cuckoo clock")
    shop.clock.advance(1_000)
    shop.sell("DESK-LAMP", title="Desk lamp", amount=1)
    assert soon(lambda: skus(shop, "sort=newest")[0] == "CUCKOO")
    assert skus(shop, "")[0] == "CUCKOO"


def test_pages_follow_each_other_and_a_cursor_is_for_its_own_question(window: Shopfront) -> None:
    first = window.get("/v1/search?sort=price&limit=2").json()
    assert first["total"] == 3
    cursor = first["next_cursor"]
    second = window.get(f"/v1/search?sort=price&limit=2&cursor={cursor}").json()
    assert [item["product"]["sku"] for item in second["items"]] == ["RADIO-CLOCK"]
    assert second["next_cursor"] is None
    for query in (f"sort=title&cursor={cursor}", f"q=clock&sort=price&cursor={cursor}", "cursor=AAAA", "cursor=%C3%A4"):
        answer = window.get(f"/v1/search?{query}")
        assert (answer.status_code, kind_of(answer)) == (422, "invalid-request")
        assert answer.json()["errors"][0]["name"] == "cursor"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("attribute=colour", "attribute"),
        ("attribute=:red", "attribute"),
        ("facet=colour", "facet"),
        ("sort=best", "sort"),
        ("price_min=-1", "price_min"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
        ("q=" + "x" * 501, "q"),
        ("&".join(["vendor=x"] * 21), "vendor"),
    ],
)
def test_what_cannot_be_understood_is_told(window: Shopfront, query: str, name: str) -> None:
    answer = window.get(f"/v1/search?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, name)


def test_before_the_first_index_the_shop_sells_and_search_says_when_to_ask_again() -> None:
    with Shopfront() as shop:
        shop.sell("RETRO-CLOCK")
        for path in ("/v1/search?q=clock", "/v1/search/suggest?q=cl"):
            answer = shop.get(path)
            assert (answer.status_code, kind_of(answer)) == (503, "not-ready")
            assert int(answer.headers["retry-after"]) >= 1
        assert shop.buy(("RETRO-CLOCK", 1)).status_code == 201


def test_too_many_searches_are_refused_at_once(window: Shopfront) -> None:
    request: tuple[str, str, dict[str, Any]] = ("GET", "/v1/search?q=clock", {})
    answers = window.at_once([request] * 100)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert 0 < len(refused) < 100
    assert {kind_of(answer) for answer in refused} == {"overloaded"}


def test_a_rebuild_answers_all_the_while(shop: Shopfront) -> None:
    before = shop.search._follower.snapshot
    assert shop.post("/v1/admin/search/rebuild", admin=True).status_code == 202
    shop.sell("CUCKOO", title="Cuckoo clock")
    assert soon(lambda: skus(shop, "q=desk") == ["DESK-LAMP"] and skus(shop, "q=cuckoo") == ["CUCKOO"])
    assert soon(lambda: skus(shop, "q=desk") == ["DESK-LAMP"] and shop.search._follower._next is None)
    assert shop.search._follower.snapshot is not before


def test_typing_is_completed(window: Shopfront) -> None:
    found = window.get("/v1/search/suggest?q=cl").json()
    assert found["texts"][0] == "clock"
    assert {product["sku"] for product in found["products"]} == {"RETRO-CLOCK", "RADIO-CLOCK"}
    assert window.get("/v1/search/suggest?q=Retro+al").json()["texts"] == ["retro alarm"]
    assert window.get("/v1/search/suggest?q=").json() == {"texts": [], "products": []}


def test_the_merchants_synonyms_count_from_the_next_search_on(shop: Shopfront) -> None:
    path = "/v1/admin/search/synonyms"
    assert shop.get(path, admin=True).json() == {"groups": [], "one_way": {}, "common": True, "version": 0}
    assert skus(shop, "q=chronometer") == []
    put = shop.put(path, json={"groups": [["chronometer", "clock"]], "one_way": {"light": ["lamp"]}}, admin=True)
    assert (put.status_code, put.json()["version"]) == (200, 1)
    assert set(skus(shop, "q=chronometer")) == {"RETRO-CLOCK", "RADIO-CLOCK"}
    assert shop.get(path, admin=True).headers["etag"] == put.headers["etag"]
    stale = shop.put(path, json={}, headers={"If-Match": '"7"'}, admin=True)
    assert stale.status_code == 412
    assert shop.put(path, json={"groups": [["alone"]]}, admin=True).status_code == 422
    assert shop.put(path, json={}, headers={"If-Match": put.headers["etag"]}, admin=True).status_code == 200
    assert skus(shop, "q=chronometer") == []


def test_the_merchant_sees_what_nobody_found(shop: Shopfront) -> None:
    for query in ("Hovercraft", "hovercraft ", "eels", "clock"):
        shop.get(f"/v1/search?q={query}")
    noted = shop.get("/v1/admin/search/queries", admin=True).json()
    assert noted["searches"] == 4
    assert [(item["q"], item["times"]) for item in noted["items"]] == [("hovercraft", 2), ("eels", 1)]
    assert shop.get("/v1/admin/search/queries?kind=slow", admin=True).status_code == 200
    # Another replica noted something, too.
    other = QueryLog()
    other.note("eels", 0, SLOW_MS, shop.clock())
    other.note(" EELS", 0, 0.1, shop.clock())
    shop.run(Reporter(shop.client, other, "replica-2").tell())
    noted = shop.get("/v1/admin/search/queries?limit=1", admin=True).json()
    assert noted["searches"] == 6
    assert [(item["q"], item["times"], item["slowest_ms"]) for item in noted["items"]] == [("eels", 3, SLOW_MS)]
    slow = shop.get("/v1/admin/search/queries?kind=slow", admin=True).json()["items"]
    assert [item["q"] for item in slow][-1:] == ["eels"]


@pytest.mark.parametrize("path", ["queries", "synonyms"])
def test_only_the_merchant_looks_behind(window: Shopfront, path: str) -> None:
    assert window.get(f"/v1/admin/search/{path}").status_code == 401


def test_highlights_are_safe_html(shop: Shopfront) -> None:
    shop.sell("EVIL", title='<img src=x onerror="alert(1)"> zebra & <mark>', description="A zebra. " * 100)
    assert soon(lambda: skus(shop, "q=zebra") == ["EVIL"])
    shown = shop.get("/v1/search?q=zebra").json()["items"][0]["highlights"]
    assert shown["title"] == "&lt;img src=x onerror=&quot;alert(1)&quot;&gt; <mark>zebra</mark> &amp; &lt;mark&gt;"
    assert shown["description"].startswith("A <mark>zebra</mark>.")
    assert len(shown["description"]) < 700


def test_a_category_of_the_tree_is_found_and_counted_by_its_name_of_now(shop: Shopfront) -> None:
    for id, body in (("time", {"name": "Time"}), ("wrist", {"name": "Wristwatches", "parent": "time"})):
        assert shop.put(f"/v1/admin/categories/{id}", json=body, admin=True).status_code in (200, 201)
    shop.sell("TICKER", title="Ticker", categories=["wrist"])
    assert eventually(lambda: skus(shop, "category=Time") == ["TICKER"] and skus(shop, "q=wristwatch") == ["TICKER"])
    counted = shop.get("/v1/search?q=ticker&facet=category").json()["facets"][0]["values"]
    assert [value["value"] for value in counted] == ["Time", "Time > Wristwatches"]
    # What stands below a category that gets another name is found by it, too.
    assert shop.put("/v1/admin/categories/time", json={"name": "Horology"}, admin=True).status_code == 200
    assert eventually(
        lambda: skus(shop, "category=Horology+>+Wristwatches") == ["TICKER"] and not skus(shop, "category=Time")
    )


def test_a_variant_is_found_by_what_its_page_says(shop: Shopfront) -> None:
    family = {
        "title": "Heirloom",
        "options": [{"name": "Finish", "values": ["walnut", "oak"]}],
        "variants": [{"sku": "RETRO-CLOCK", "values": ["walnut"]}, {"sku": "RADIO-CLOCK", "values": ["oak"]}],
    }
    assert shop.put("/v1/admin/families/heirloom", json=family, admin=True).status_code == 201
    assert eventually(lambda: skus(shop, "q=heirloom+walnut")[:1] == ["RETRO-CLOCK"])
    assert eventually(lambda: skus(shop, "attribute=Finish:oak") == ["RADIO-CLOCK"])
    assert shop.delete("/v1/admin/families/heirloom", admin=True).status_code == 204
    assert eventually(lambda: skus(shop, "q=heirloom") == [])


def test_what_another_location_has_is_in_stock_unless_it_does_not_sell(shop: Shopfront) -> None:
    shop.sell("CUCKOO", title="Cuckoo clock", quantity=1)
    assert shop.buy(("CUCKOO", 1)).status_code == 201
    assert eventually(lambda: skus(shop, "in_stock=false") == ["CUCKOO"])
    assert shop.put("/v1/admin/locations/north", json={"name": "North"}, admin=True).status_code == 201
    assert shop.post("/v1/stock/CUCKOO/receipts?location=north", json={"quantity": 1}, admin=True).status_code == 201
    assert eventually(lambda: skus(shop, "in_stock=false") == [])
    assert shop.put("/v1/admin/locations/north", json={"name": "North", "sells": False}, admin=True).status_code == 200
    assert eventually(lambda: skus(shop, "in_stock=false") == ["CUCKOO"])
