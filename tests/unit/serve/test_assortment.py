"""Categories, collections and families over HTTP: what belongs where, what shoppers see of it, and what can't be."""

from typing import Any

import pytest

from serve.api.answers import timestamp

from .shopfront import START_MS, Shopfront, kind_of

TREE = (("home", ""), ("clocks", "home"), ("wall-clocks", "clocks"), ("garden", ""))


@pytest.fixture
def tree(shop: Shopfront) -> Shopfront:
    for category, parent in TREE:
        body = {"name": category.title(), "parent": parent}
        assert shop.put(f"/v1/admin/categories/{category}", json=body, admin=True).status_code == 200
    return shop


def skus(shop: Shopfront, path: str, limit: int = 100) -> list[str]:
    """All pages."""
    found: list[str] = []
    cursor = ""
    while True:
        page = shop.get(f"{path}?limit={limit}{cursor}").json()
        found += [item["sku"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def shape(nodes: list[dict[str, Any]]) -> list[Any]:
    return [[node["id"], shape(node["children"])] for node in nodes]


def tree_of(shop: Shopfront) -> list[Any]:
    return shape(shop.get("/v1/categories").json()["categories"])


def test_categories_are_a_tree_with_ways_down_and_up(tree: Shopfront) -> None:
    assert tree_of(tree) == [["home", [["clocks", [["wall-clocks", []]]]]], ["garden", []]]
    found = tree.get("/v1/categories/clocks").json()
    assert [step["id"] for step in found["breadcrumbs"]] == ["home", "clocks"]
    assert [child["id"] for child in found["children"]] == ["wall-clocks"]
    tag = tree.get("/v1/categories").headers["etag"]
    assert tree.get("/v1/categories", headers={"If-None-Match": tag}).status_code == 304
    assert tree.get("/v1/categories/attic").status_code == 404


def test_a_category_is_moved_with_what_is_below_it_and_put_in_order(tree: Shopfront) -> None:
    moved = tree.post("/v1/admin/categories/clocks/move", json={"parent": "garden"}, admin=True).json()
    assert [step["id"] for step in moved["breadcrumbs"]] == ["garden", "clocks"]
    assert tree.post("/v1/admin/categories/garden/move", json={"before": "home"}, admin=True).status_code == 200
    assert tree_of(tree) == [["garden", [["clocks", [["wall-clocks", []]]]]], ["home", []]]


def test_two_moves_that_would_make_a_ring_are_never_both_made(tree: Shopfront) -> None:
    answers = tree.at_once(
        [
            ("POST", "/v1/admin/categories/home/move", {"json": {"parent": "garden"}, "admin": True}),
            ("POST", "/v1/admin/categories/garden/move", {"json": {"parent": "home"}, "admin": True}),
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert kind_of(next(answer for answer in answers if answer.status_code == 409)) == "category-ring"


def test_only_an_empty_category_is_removed(tree: Shopfront) -> None:
    refused = tree.delete("/v1/admin/categories/clocks", admin=True)
    assert (refused.status_code, kind_of(refused)) == (409, "category-not-empty")
    assert [tree.delete("/v1/admin/categories/garden", admin=True).status_code for _ in range(2)] == [204, 204]
    assert tree.delete("/v1/admin/categories/garden").status_code == 401


def test_a_category_shows_what_is_in_it_and_below(tree: Shopfront) -> None:
    tree.sell("WALL-CLOCK", categories=["wall-clocks", "garden"])
    tree.sell("BRASS-LAMP", categories=["home"])
    tree.sell("HIDDEN-LAMP", categories=["home"], status="draft")
    for sku in ("CLOCK-A", "CLOCK-B", "CLOCK-C"):
        tree.sell(sku, categories=["clocks"])
    assert skus(tree, "/v1/categories/home/products", limit=2) == [
        "BRASS-LAMP",
        "CLOCK-A",
        "CLOCK-B",
        "CLOCK-C",
        "WALL-CLOCK",
    ]
    assert skus(tree, "/v1/categories/garden/products") == ["WALL-CLOCK"]
    breadcrumbs = tree.get("/v1/products/WALL-CLOCK").json()["breadcrumbs"]
    assert [[step["id"] for step in path] for path in breadcrumbs] == [["home", "clocks", "wall-clocks"], ["garden"]]
    tree.sell("WALL-CLOCK", categories=["garden"])
    assert skus(tree, "/v1/categories/clocks/products") == ["CLOCK-A", "CLOCK-B", "CLOCK-C"]


def put_collection(shop: Shopfront, **fields: Any) -> None:
    answer = shop.put("/v1/admin/collections/retro", json={"title": "Retro", **fields}, admin=True)
    assert answer.status_code in (200, 201), answer.text


def test_a_picked_collection_keeps_the_merchants_order(shop: Shopfront) -> None:
    for sku in ("A-CLOCK", "B-CLOCK", "C-CLOCK", "D-CLOCK"):
        shop.sell(sku)
    put_collection(shop, skus=["C-CLOCK", "A-CLOCK", "NEVER-WAS", "D-CLOCK", "B-CLOCK"])
    assert skus(shop, "/v1/collections/retro/products", limit=1) == ["C-CLOCK", "A-CLOCK", "D-CLOCK", "B-CLOCK"]
    first = shop.get("/v1/collections/retro/products?limit=2").json()
    put_collection(shop, skus=["C-CLOCK", "D-CLOCK", "B-CLOCK"])
    rest = shop.get(f"/v1/collections/retro/products?cursor={first['next_cursor']}").json()["items"]
    assert [item["sku"] for item in rest] == ["D-CLOCK", "B-CLOCK"]


@pytest.mark.parametrize(
    ("rules", "match_any", "expected"),
    [
        ([{"field": "tag", "operator": "is", "value": "retro"}], False, ["A", "B"]),
        ([{"field": "tag", "operator": "is-not", "value": "retro"}], False, ["C"]),
        ([{"field": "category", "operator": "is", "value": "home"}], False, ["B", "C"]),
        (
            [
                {"field": "tag", "operator": "is", "value": "retro"},
                {"field": "price", "operator": "below", "amount": 2000, "currency": "USD"},
            ],
            False,
            ["A"],
        ),
        (
            [
                {"field": "vendor", "operator": "is", "value": "Tock"},
                {"field": "price", "operator": "above", "amount": 2500, "currency": "USD"},
            ],
            True,
            ["A", "C"],
        ),
        (
            [
                {"field": "tag", "operator": "is", "value": "retro"},
                {"field": "vendor", "operator": "is", "value": "Tick"},
            ],
            True,
            ["A", "B", "C"],
        ),
        ([{"field": "price", "operator": "above", "amount": 1, "currency": "EUR"}], False, []),
    ],
)
def test_a_ruled_collection_follows_its_rules(
    tree: Shopfront, rules: list[dict[str, Any]], match_any: bool, expected: list[str]
) -> None:
    tree.sell("A", amount=1000, tags=["retro"], vendor="Tock")
    tree.sell("B", amount=2000, tags=["retro", "brass"], categories=["clocks"])
    tree.sell("C", amount=3000, vendor="Tick", categories=["wall-clocks"])
    put_collection(tree, rules=rules, match_any=match_any)
    assert skus(tree, "/v1/collections/retro/products", limit=1) == expected


def test_a_collection_is_shown_when_it_is_published(shop: Shopfront) -> None:
    put_collection(shop, publish_at=timestamp(START_MS + 1_000), unpublish_at=timestamp(START_MS + 2_000))
    seen = []
    for _ in range(3):
        listed = [item["handle"] for item in shop.get("/v1/collections").json()["items"]]
        assert (shop.get("/v1/collections/retro").status_code == 200) == (listed == ["retro"])
        assert (shop.get("/v1/collections/retro/products").status_code == 200) == (listed == ["retro"])
        seen.append(bool(listed))
        shop.clock.advance(1_000)
    assert seen == [False, True, False]


@pytest.mark.parametrize(
    "fields",
    [
        {"skus": ["A", "A"]},
        {"skus": ["A"], "rules": [{"field": "tag", "operator": "is", "value": "retro"}]},
        {"rules": [{"field": "tag", "operator": "below", "value": "retro"}]},
        {"rules": [{"field": "price", "operator": "below", "amount": 5}]},
        {"rules": [{"field": "colour", "operator": "is", "value": "red"}]},
    ],
)
def test_what_is_no_collection_is_told(shop: Shopfront, fields: dict[str, Any]) -> None:
    answer = shop.put("/v1/admin/collections/retro", json={"title": "Retro", **fields}, admin=True)
    assert answer.status_code == 422


COLOURS = {"name": "Colour", "values": ["red", "blue"]}
CLOCKS = {
    "title": "Retro clock",
    "options": [COLOURS],
    "variants": [{"sku": "CLOCK-RED", "values": ["red"]}, {"sku": "CLOCK-BLUE", "values": ["blue"]}],
}


def put_family(shop: Shopfront, handle: str = "retro-clock", **fields: Any) -> None:
    answer = shop.put(f"/v1/admin/families/{handle}", json={**CLOCKS, **fields}, admin=True)
    assert answer.status_code in (200, 201), answer.text


def test_a_family_shows_its_variants_that_are_on_sale(shop: Shopfront) -> None:
    put_family(shop)
    assert shop.get("/v1/families/retro-clock").status_code == 404
    shop.sell("CLOCK-BLUE", quantity=3, amount=1899)
    found = shop.get("/v1/families/retro-clock").json()
    assert [(one["sku"], one["options"], one["price"]["amount"]) for one in found["variants"]] == [
        ("CLOCK-BLUE", {"Colour": "blue"}, 1899)
    ]
    shop.sell("CLOCK-RED", quantity=0)
    found = shop.get("/v1/families/retro-clock").json()
    assert [(one["sku"], one["availability"]["in_stock"]) for one in found["variants"]] == [
        ("CLOCK-RED", False),
        ("CLOCK-BLUE", True),
    ]
    assert found["options"] == [COLOURS]
    assert shop.get("/v1/products/CLOCK-BLUE").json()["family"] == {
        "handle": "retro-clock",
        "title": "Retro clock",
        "options": {"Colour": "blue"},
    }
    assert [item["handle"] for item in shop.get("/v1/families").json()["items"]] == ["retro-clock"]
    put_family(shop, status="draft")
    assert shop.get("/v1/families/retro-clock").status_code == 404


def test_a_sku_that_leaves_its_family_has_no_page(shop: Shopfront) -> None:
    shop.sell("CLOCK-RED")
    put_family(shop)
    put_family(shop, variants=[{"sku": "CLOCK-BLUE", "values": ["blue"]}])
    assert shop.get("/v1/products/CLOCK-RED").json()["family"] is None
    assert shop.delete("/v1/admin/families/retro-clock", admin=True).status_code == 204
    assert shop.get("/v1/families/retro-clock").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"variants": [{"sku": "A", "values": ["red"]}, {"sku": "B", "values": ["red"]}]},
        {"variants": [{"sku": "A", "values": ["red"]}, {"sku": "A", "values": ["blue"]}]},
        {"variants": [{"sku": "A", "values": ["green"]}]},
        {"variants": [{"sku": "A", "values": []}]},
        {"options": [COLOURS, COLOURS]},
    ],
)
def test_variants_that_cannot_be_told_apart_are_refused(shop: Shopfront, fields: dict[str, Any]) -> None:
    answer = shop.put("/v1/admin/families/retro-clock", json={**CLOCKS, **fields}, admin=True)
    assert (answer.status_code, kind_of(answer)) == (422, "invalid-command")


def test_an_old_handle_leads_to_the_new_one(shop: Shopfront) -> None:
    shop.sell("CLOCK-RED")
    put_family(shop)
    for _ in range(2):
        renamed = shop.post("/v1/admin/families/retro-clock/rename", json={"to": "red-clock"}, admin=True)
        assert (renamed.status_code, renamed.json()["key"]) == (200, "red-clock")
    moved = shop.get("/v1/families/retro-clock?currency=USD")
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/families/red-clock?currency=USD")
    assert shop.get("/v1/families/red-clock").status_code == 200
    assert shop.get("/v1/products/CLOCK-RED").json()["family"]["handle"] == "red-clock"
    put_family(shop, "blue-clock")
    taken = shop.post("/v1/admin/families/red-clock/rename", json={"to": "retro-clock"}, admin=True)
    assert taken.status_code == 412
