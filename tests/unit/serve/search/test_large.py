"""What only very many products meet, with the numbers made small: facets counted in a part, and pieces that merge."""

import pytest

from serve.search import facets, generation
from serve.search.document import document_of
from serve.search.generation import Generation

from .shelf import ENGLISH, Shelf, product

CLOCKS = [
    product(f"CLOCK-{number}", f"Wall clock {number}", vendor="Tick" if number % 4 else "Tock")
    for number in range(1_200)
]


@pytest.fixture(scope="module")
def many() -> Shelf:
    return Shelf(*CLOCKS)


@pytest.mark.parametrize("text", ["clock", ""])
def test_facets_of_very_many_products_are_estimated_and_say_so(
    many: Shelf, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = many.find(text, facets=("vendor", "price")).facets
    assert [(one.value, one.count) for one in exact[0].buckets] == [("Tick", 900), ("Tock", 300)]
    assert not any(facet.estimated for facet in exact)
    monkeypatch.setattr(facets, "COUNTED_EXACTLY", 300)
    about = many.find(text, facets=("vendor", "price")).facets
    assert all(facet.estimated for facet in about)
    assert [one.value for one in about[0].buckets] == ["Tick", "Tock"]
    for estimated, counted in zip(about[0].buckets, exact[0].buckets, strict=True):
        assert estimated.count == pytest.approx(counted.count, abs=0.06 * len(CLOCKS))


def test_choices_that_leave_few_products_are_counted_exactly_again(
    many: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "COUNTED_EXACTLY", 300)
    (found,) = many.find("clock", vendors=("Tock",), facets=("price",)).facets
    assert (found.estimated, sum(one.count for one in found.ranges)) == (False, 300)
    # The vendors themselves are counted without that choice, so of all clocks.
    (vendors,) = many.find("clock", vendors=("Tock",), facets=("vendor",)).facets
    assert vendors.estimated


def test_a_large_catalogue_is_one_segment_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "SEVERAL_PIECES", 10)
    made = Generation(ENGLISH, expected=100)
    for one in CLOCKS[:100]:
        document = document_of(one, in_stock=True)
        assert document is not None
        made.put(document)
    before = made.commit()
    made.settle()
    after = made.commit()
    assert (after.searcher.num_docs, after.searcher.num_segments) == (100, 1)
    assert before.searcher.num_docs == 100
    assert made.has_merged_since(before) == (before.searcher.num_segments > 1)
    assert not made.has_merged_since(after)
    made.close()
