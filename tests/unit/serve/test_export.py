"""Products out and in again: nothing is lost, nothing is changed, whatever they are."""

import gzip
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.shopify_csv.reading import FamilyRow, ImportRow, parse
from serve.shopify_csv.writing import Page, Sellable, group_lines, header

from .shopfront import Shopfront

EXPORT = "/v1/admin/products.csv"
DEFAULTS: dict[str, Any] = {
    "description": "",
    "category": [],
    "vendor": "",
    "tags": [],
    "images": [],
    "attributes": {},
    "status": "active",
    "publish_at": None,
    "unpublish_at": None,
    "compare_at_price": None,
    "tax_class": "",
    "barcode": "",
    "weight_g": 0,
    "image_alts": [],
    "categories": None,
    "components": [],
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PRODUCTS = st.fixed_dictionaries(
    {
        "title": TEXTS.filter(bool),
        "price": st.builds(lambda amount: {"amount": amount, "currency": "USD"}, st.integers(0, 10**9)),
    },
    optional={
        "description": TEXTS,
        "category": st.lists(TEXTS, max_size=3),
        "vendor": TEXTS,
        "tags": st.lists(TEXTS, max_size=3),
        "images": st.lists(TEXTS.filter(bool), max_size=3),
        "attributes": st.dictionaries(TEXTS.filter(bool), st.one_of(TEXTS, st.booleans(), st.integers()), max_size=3),
        "status": st.sampled_from(["active", "draft", "archived"]),
        "barcode": TEXTS,
        "weight_g": st.integers(0, 10**6),
        "image_alts": st.lists(TEXTS, max_size=3),
        "categories": st.one_of(st.none(), st.lists(st.just("clocks"), max_size=1)),
    },
)


def read(text: str) -> tuple[dict[str, dict[str, Any]], list[FamilyRow]]:
    rows = list(parse(io.StringIO(text, newline=""), "USD"))
    products = {row.sku: {**DEFAULTS, **row.fields} for row in rows if isinstance(row, ImportRow)}
    families = [row for row in rows if isinstance(row, FamilyRow)]
    assert len(products) + len(families) == len(rows), rows
    return products, families


@settings(max_examples=60)
@given(st.lists(PRODUCTS, min_size=1, max_size=3), st.booleans(), TEXTS.filter(bool))
def test_whatever_is_written_reads_back_as_it_was(given_: list[dict[str, Any]], on_a_page: bool, value: str) -> None:
    fields = {f"SKU-{number}": {**DEFAULTS, **one} for number, one in enumerate(given_)}
    values = [f"{value}{number}" for number in range(len(fields))]
    page = Page(
        "retro-clock",
        {
            "title": "Retro clock",
            "options": [{"name": "Colour", "values": values}],
            "variants": [{"sku": sku, "values": [one]} for sku, one in zip(fields, values, strict=True)],
            "images": [],
            "description": value,
        },
    )
    if on_a_page:
        groups = [group_lines("retro-clock", page, [Sellable(sku, one) for sku, one in fields.items()], "USD")]
    else:
        groups = [group_lines(sku, None, [Sellable(sku, one)], "USD") for sku, one in fields.items()]
    products, families = read(header() + "".join(groups))
    assert products == fields
    if on_a_page:
        (family,) = families
        assert {name: family.fields[name] for name in page.fields} == page.fields
        assert family.handle == page.handle


def test_a_picture_without_an_address_keeps_nothing_from_being_exported() -> None:
    price, images = {"amount": 1, "currency": "USD"}, ["a.png", " \r", "b.png"]
    fields = {**DEFAULTS, "title": "Clock", "price": price, "images": images}
    products, _ = read(header() + group_lines("CLOCK", None, [Sellable("CLOCK", fields)], "USD"))
    assert products == {"CLOCK": fields}


def test_the_real_catalogue_reads_back_as_it_was() -> None:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    file = root / "catalogue" / "products.csv.gz"
    if not file.is_file():
        pytest.skip("no catalogue/products.csv.gz in $DOORBUSTER_TEST_DATA or ../shared/data")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        rows = [row for row in parse(text, "USD") if isinstance(row, ImportRow)][::20]
    wanted = {row.sku: {**DEFAULTS, **row.fields} for row in rows}
    handles = {row.sku: str(row.fields["attributes"]["handle"]) for row in rows}
    quantities = {sku: fields.pop("quantity") for sku, fields in wanted.items()}
    lines = [
        group_lines(handles[sku], None, [Sellable(sku, fields, quantities[sku])], "USD")
        for sku, fields in wanted.items()
    ]
    products, families = read(header() + "".join(lines))
    assert {sku: fields.pop("quantity") for sku, fields in products.items()} == quantities
    assert products == wanted
    assert not families
    # A file for people, too: hardly anything needs the shop's own column.
    assert sum("{" in line for line in lines) < len(lines) / 100


@pytest.fixture
def stocked(shop: Shopfront) -> Shopfront:
    """A shop with one of everything."""
    shop.sell("RETRO-CLOCK", quantity=5, category=["Home", "Clocks"], tags=["retro", "a, b"], vendor="Tick & <Sons>")
    shop.sell("EURO-CLOCK", currency="EUR", compare_at_price={"amount": 2999, "currency": "EUR"})
    shop.sell("HIDDEN", status="draft", publish_at="2030-01-01T00:00:00Z", attributes={"loud": True, "weight": 1.5})
    shop.sell("SPACES", title=" blank\n\n lines ", description="one\n\n two", barcode="0095", weight_g=420)
    components = [{"sku": "RETRO-CLOCK", "quantity": 2}]
    shop.sell("CLOCK-SET", quantity=0, components=components, categories=[], category=["Sets"])
    images = ["https://i.example/1.jpg", "https://i.example/2.jpg"]
    for colour in ("RED", "BLUE"):
        shop.sell(f"CLOCK-{colour}", images=images, image_alts=["front", "back"], attributes={"handle": "retro-clock"})
    family = {
        "title": "Retro clock",
        "options": [{"name": "Colour", "values": ["blue", "red"]}],
        "variants": [{"sku": "CLOCK-RED", "values": ["red"]}, {"sku": "CLOCK-BLUE", "values": ["blue"]}],
        "seo_title": "Clocks",
    }
    assert shop.put("/v1/admin/families/retro-clock", json=family, admin=True).status_code == 201
    shop.sell("GONE")
    shop.delete("/v1/products/GONE", admin=True)
    return shop


def bring_in(shop: Shopfront, text: str) -> list[str]:
    """What became of each row, then of each page."""
    rows = list(parse(io.StringIO(text, newline=""), "USD"))
    products = [row.to_json() for row in rows if isinstance(row, ImportRow)]
    families = [{**row.fields, "handle": row.handle} for row in rows if isinstance(row, FamilyRow)]
    results = shop.post("/v1/admin/import", json={"rows": products}, admin=True).json()["results"]
    results += shop.post("/v1/admin/families/bulk", json={"families": families}, admin=True).json()["results"]
    assert [result["error"] for result in results if result["error"]] == []
    return [result["status"] for result in results]


def test_an_export_brought_in_again_changes_nothing(stocked: Shopfront) -> None:
    text = stocked.get(EXPORT, admin=True).text
    assert bring_in(stocked, text) == ["unchanged"] * 8
    assert stocked.get(EXPORT, admin=True).text == text
    assert stocked.stock("RETRO-CLOCK")["on_hand"] == 5
    assert "GONE" not in text


def test_an_export_makes_the_same_shop_elsewhere(stocked: Shopfront) -> None:
    text = stocked.get(f"{EXPORT}?with_stock=true", admin=True).text
    with Shopfront() as other:
        assert bring_in(other, text) == ["created"] * 8
        assert other.get(f"{EXPORT}?with_stock=true", admin=True).text == text
        for path in ("/v1/products/RETRO-CLOCK", "/v1/families/retro-clock", "/v1/categories"):
            assert other.get(path).json() == stocked.get(path).json()
        assert other.stock("RETRO-CLOCK")["on_hand"] == 5


def test_an_export_is_for_the_merchant(shop: Shopfront) -> None:
    assert shop.get(EXPORT).status_code == 401
    assert shop.get(f"{EXPORT}?currency=dollars", admin=True).status_code == 422
    empty = shop.get(EXPORT, admin=True)
    assert (empty.status_code, empty.text.count("\r\n")) == (200, 1)


def test_products_are_put_in_bulk_each_by_itself(shop: Shopfront) -> None:
    clock = {"sku": "RETRO-CLOCK", "title": "Clock", "price": {"amount": 1999, "currency": "USD"}, "category": ["Home"]}
    body = {"products": [clock, {**clock, "sku": "A@B"}, clock, {"title": "No SKU"}, {**clock, "sku": "LAMP"}]}
    results = shop.post("/v1/admin/products/bulk", json=body, admin=True).json()["results"]
    assert [(result["key"], result["status"]) for result in results] == [
        ("RETRO-CLOCK", "created"),
        ("A@B", "error"),
        ("RETRO-CLOCK", "error"),
        (None, "error"),
        ("LAMP", "created"),
    ]
    again = shop.post("/v1/admin/products/bulk", json={"products": [clock]}, admin=True).json()["results"]
    assert again == [{"key": "RETRO-CLOCK", "status": "unchanged", "error": None}]
    assert shop.get("/v1/categories").json()["categories"] == [{"id": "home", "name": "Home", "children": []}]
    assert shop.get("/v1/products/LAMP").json()["categories"] == ["home"]
    assert shop.post("/v1/admin/products/bulk", json=body).status_code == 401
