"""Finding, ordering, correcting, choosing and counting, on a shelf of a few products."""

import pytest

from serve.search.request import Between, Bucket, Range, Sort
from serve.search.synonyms import Synonyms

from .shelf import ENGLISH, Shelf, product

SHELF = Shelf(
    product("MON-1", "Acme monitor, black", 20_000, vendor="Acme", category=("Screens",), attributes={"ports": 2}),
    product(
        "STAND-1", "Acme monitor stand", 3_000, vendor="Acme", category=("Mounts",), attributes={"colour": "black"}
    ),
    product("WATCH-1", "Smartwatch with heart rate", 9_900, vendor="Tick", attributes={"colour": "red", "ports": 0}),
    product("CASE-1", "Phone case", 900, vendor="Tick", category=("Phones", "Cases"), attributes={"colour": "red"}),
    product("GUARD-1", "Screen protector for phone", 700, vendor="Tick", category=("Phones", "Glass")),
    product("DISK-1", "Portable drive 500GB", 5_500, vendor="Spin", attributes={"barcode": "4006381333931"}),
    product("DISK-2", "Portable drive 500 GB", 5_600, vendor="Spin"),
    product("NOTE-1", "Gaming notebook", 99_900, vendor="Spin"),
    sold_out=("DISK-2",),
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("monitors", "MON-1"),
        ("stand for a monitor", "STAND-1"),
        ("smart watch", "WATCH-1"),
        ("screenprotector", "GUARD-1"),
        ("smratwatch", "WATCH-1"),
        ("protecter", "GUARD-1"),
        ("4006381333931", "DISK-1"),
        ("disk-2", "DISK-2"),
        ("laptop", "NOTE-1"),
        ("ACME stand", "STAND-1"),
    ],
)
def test_what_was_meant_is_found_first(text: str, first: str) -> None:
    assert SHELF.skus(text)[0] == first


def test_figures_are_found_however_their_units_are_written() -> None:
    assert set(SHELF.skus("500gb")) == set(SHELF.skus("500 gb")) == {"DISK-1", "DISK-2"}


def test_what_can_be_bought_comes_before_what_cannot() -> None:
    assert SHELF.skus("portable drive") == ["DISK-1", "DISK-2"]


def test_a_corrected_word_is_told() -> None:
    assert SHELF.find("protecter").corrected == {"protecter": "protector"}
    assert SHELF.find("screenprotector").corrected == {"screenprotector": "screen protector"}
    assert SHELF.find("phone").corrected == {}


def test_products_that_match_every_word_come_first() -> None:
    assert SHELF.skus("phone case")[:1] == ["CASE-1"]
    assert set(SHELF.skus("phone case")) == {"CASE-1", "GUARD-1"}


@pytest.mark.parametrize("text", ["zzzzzz", "!!!", "“”"])
def test_what_nobody_sells_finds_nothing(text: str) -> None:
    found = SHELF.find(text, facets=("vendor", "price"))
    assert (found.skus, found.total) == ((), 0)


@pytest.mark.parametrize("text", ['"', "a:b", "title:x AND (", "*", "\\", "x" * 10_000, "\x00", "[1 TO 2]", "-phone"])
def test_a_question_is_words_and_never_a_language(text: str) -> None:
    assert SHELF.find(text).total >= 0


def test_the_merchants_synonyms_count_at_once_and_one_way_if_wanted() -> None:
    synonyms = Synonyms(ENGLISH, [["chronograph", "smartwatch"]], {"tick tock": ["case"]})
    assert SHELF.skus("chronograph", synonyms=synonyms) == ["WATCH-1"]
    assert "CASE-1" in SHELF.skus("tick tock", synonyms=synonyms)
    assert SHELF.skus("case", synonyms=synonyms) == ["CASE-1"]


def test_who_asks_for_a_broader_word_is_shown_the_kinds_too_and_not_the_other_way_round() -> None:
    shelf = Shelf(product("PAD-1", "iPad 10"), product("TAB-1", "Acme tablet"))
    assert shelf.skus("tablet") == ["TAB-1", "PAD-1"]
    assert shelf.skus("ipad") == ["PAD-1"]


@pytest.mark.parametrize(
    ("choices", "skus"),
    [
        ({"vendors": ("Acme",)}, {"MON-1", "STAND-1"}),
        ({"vendors": ("Acme", "Tick"), "attributes": (("colour", ("red",)),)}, {"WATCH-1", "CASE-1"}),
        ({"categories": ("Phones",)}, {"CASE-1", "GUARD-1"}),
        ({"categories": ("Phones > Cases",)}, {"CASE-1"}),
        ({"price_min": 900, "price_max": 3_000}, {"CASE-1", "STAND-1"}),
        ({"price_max": 700}, {"GUARD-1"}),
        ({"figures": (("ports", Between(1, None)),)}, {"MON-1"}),
        ({"figures": (("ports", Between(0, 0)),)}, {"WATCH-1"}),
        ({"figures": (("nothing", Between(0, 0)),)}, set()),
        ({"attributes": (("nothing", ("x",)),)}, set()),
        ({"in_stock": False}, {"DISK-2"}),
        ({"currency": "EUR"}, set()),
        ({"categories": ("Phones",), "vendors": ("Acme",)}, set()),
    ],
)
def test_choices_narrow_what_is_shown(choices: dict[str, object], skus: set[str]) -> None:
    found = SHELF.find(**choices)
    assert (set(found.skus), found.total) == (skus, len(skus))


def test_everything_is_counted_and_a_choice_can_be_changed() -> None:
    found = SHELF.find("phone", vendors=("Tick",), facets=("vendor", "category", "availability", "price"))
    vendor, category, availability, price = found.facets
    assert vendor.buckets == (Bucket("Tick", 2),)
    assert category.buckets[0] == Bucket("Phones", 2)
    assert availability.buckets == (Bucket("true", 2),)
    assert (price.least, price.most, price.ranges) == (700, 900, (Range(500, 1_000, 2),))
    # Without its own choice: the merchant's other brands stay in sight.
    everything = SHELF.find(vendors=("Tick",), facets=("vendor", "availability"))
    assert Bucket("Acme", 2) in everything.facets[0].buckets
    assert everything.facets[1].buckets == (Bucket("true", 3),)


def test_attributes_that_tell_most_are_counted_by_themselves() -> None:
    found = SHELF.find(vendors=("Tick",), facets=("attributes", "attribute:nothing"))
    assert [facet.name for facet in found.facets] == ["attribute:colour", "attribute:ports", "attribute:nothing"]
    assert found.facets[0].buckets == (Bucket("red", 2),)
    assert (found.facets[1].least, found.facets[1].most) == (0, 0)


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        (Sort.PRICE, "GUARD-1", "NOTE-1"),
        (Sort.PRICE_DESCENDING, "NOTE-1", "GUARD-1"),
        (Sort.TITLE, "STAND-1", "WATCH-1"),
    ],
)
def test_products_are_sorted(sort: Sort, first: str, last: str) -> None:
    skus = SHELF.skus(sort=sort)
    assert (skus[0], skus[-1], len(skus)) == (first, last, 8)


def test_pages_follow_each_other() -> None:
    everything = SHELF.skus(sort=Sort.PRICE)
    assert SHELF.skus(sort=Sort.PRICE, limit=3) + SHELF.skus(sort=Sort.PRICE, limit=9, offset=3) == everything
