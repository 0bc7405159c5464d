"""What of a product can be found."""

import pytest

from serve.search.document import document_of, heads_of

from .shelf import product


@pytest.mark.parametrize(
    ("title", "heads"),
    [
        ("Acme X1 computer monitor 27 inch", {"Acme", "monitor", "inch"}),
        ("Monitor stand for two monitors", {"stand"}),
        ("Leather case for phone", {"case"}),
        ("Acme mouse USB Type-A", {"mouse", "A"}),
        ("Gel mouse pad Blue", {"pad"}),
        ("1000", set()),
        ("", set()),
    ],
)
def test_a_product_is_named_by_the_last_word_of_its_noun_phrase(title: str, heads: set[str]) -> None:
    assert heads_of(title, ("Blue",)) == heads


def test_a_path_can_be_chosen_at_every_step() -> None:
    document = document_of(product("RETRO-CLOCK", "Clock", category=("Home", "Clocks")), in_stock=True)
    assert document is not None
    assert document.category == ("Home", "Home > Clocks")
    assert document.types == "Home Clocks"


def test_attributes_are_texts_and_figures_and_codes() -> None:
    attributes = {"colour": "red", "weight_g": 420, "loud": True, "barcode": "0123", "handle": "x", "story": "s" * 200}
    document = document_of(product("RETRO-CLOCK", "Clock", attributes=attributes), in_stock=True)
    assert document is not None
    assert document.facets == {"colour": "red", "weight_g": 420.0, "loud": "yes"}
    assert document.codes == ("retro-clock", "0123")
    assert document.attribute_text == "red " + "s" * 200
