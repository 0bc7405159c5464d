"""Measures against tables made by hand, and against definitions written out in the plainest way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ml.evaluation.cases import truths_of
from ml.evaluation.measures import ACCURACY, coverage, diversity, found, novelty
from ml.model import NOTHING

KS = [1, 2, 4]
LISTS = np.array([[3, 1, 7, 2], [5, 6, 0, 9], [4, NOTHING, NOTHING, NOTHING]], np.int32)
TRUTHS = truths_of([[1, 2, 8], [5], [0]])
BY_HAND = {
    # list 1 has hits at places 2 and 4 of 3 right ones; list 2 at place 1 of 1; list 3 none.
    "hit_rate": [[0, 1, 1], [1, 1, 1], [0, 0, 0]],
    "recall": [[0, 1 / 3, 2 / 3], [1, 1, 1], [0, 0, 0]],
    "precision": [[0, 1 / 2, 2 / 4], [1, 1 / 2, 1 / 4], [0, 0, 0]],
    "mrr": [[0, 1 / 2, 1 / 2], [1, 1, 1], [0, 0, 0]],
    "ndcg": [
        [
            0,
            (1 / math.log2(3)) / (1 + 1 / math.log2(3)),
            (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / math.log2(4)),
        ],
        [1, 1, 1],
        [0, 0, 0],
    ],
    "map": [[0, (1 / 2) / 2, (1 / 2 + 2 / 4) / 3], [1, 1, 1], [0, 0, 0]],
}


@pytest.mark.parametrize("name", ACCURACY)
def test_a_measure_is_what_was_computed_by_hand(name: str) -> None:
    np.testing.assert_allclose(ACCURACY[name](found(LISTS, TRUTHS), KS), BY_HAND[name])


def naive(name: str, row: list[int], right: set[int], k: int) -> float:
    """The definitions, one case at a time."""
    top = [item for item in row if item != NOTHING][:k]
    places = [place for place, item in enumerate(top, 1) if item in right]
    ideal = range(1, min(len(right), k) + 1)
    return {
        "hit_rate": lambda: float(bool(places)),
        "recall": lambda: len(places) / len(right),
        "precision": lambda: len(places) / k,
        "mrr": lambda: 1 / places[0] if places else 0.0,
        "ndcg": lambda: sum(1 / math.log2(p + 1) for p in places) / sum(1 / math.log2(p + 1) for p in ideal),
        "map": lambda: sum(count / place for count, place in enumerate(places, 1)) / len(ideal),
    }[name]()


cases = some.lists(
    some.tuples(
        some.lists(some.integers(0, 14), max_size=6, unique=True),
        some.sets(some.integers(0, 14), min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(cases=cases, ks=some.sets(some.integers(1, 9), min_size=1, max_size=3).map(sorted))
def test_a_measure_is_what_its_definition_says(cases: list[tuple[list[int], set[int]]], ks: list[int]) -> None:
    lists = np.array([row + [NOTHING] * (6 - len(row)) for row, _ in cases], np.int32)
    hits = found(lists, truths_of([sorted(right) for _, right in cases]))
    for name, measure in ACCURACY.items():
        expected = [[naive(name, row, right, k) for k in ks] for row, right in cases]
        np.testing.assert_allclose(measure(hits, ks), expected, atol=1e-12, err_msg=name)


def test_an_item_that_a_list_names_twice_is_right_once() -> None:
    hits = found(np.array([[4, 4, 4]], np.int32), truths_of([[4]]))
    assert ACCURACY["recall"](hits, [3]).tolist() == [[1.0]]
    assert ACCURACY["ndcg"](hits, [3]).tolist() == [[1.0]]


def test_lists_of_nothing_are_wrong_everywhere() -> None:
    hits = found(np.full((2, 3), NOTHING, np.int32), truths_of([[0], [1]]))
    assert not any(measure(hits, KS).any() for measure in ACCURACY.values())


def test_coverage_is_the_share_of_the_catalogue_that_is_ever_shown() -> None:
    assert coverage(np.array([[0, 1], [0, NOTHING], [2, 0]], np.int32), 10, [1, 2]) == [0.2, 0.3]


def test_novelty_is_the_mean_surprise_in_bits() -> None:
    counts = np.array([3, 0, 11])  # with one added: 4, 1 and 12 of 17
    lists = np.array([[0, 2], [1, NOTHING], [NOTHING, NOTHING]], np.int32)
    told = novelty(lists, counts, [1, 2])
    bits = [-math.log2(count / 17) for count in (4, 1, 12)]
    np.testing.assert_allclose(told[:2], [[bits[0], (bits[0] + bits[2]) / 2], [bits[1], bits[1]]])
    assert np.isnan(told[2]).all(), "an empty list is neither new nor old"


def test_diversity_is_the_share_of_pairs_of_different_categories() -> None:
    categories = np.array([0, 0, 1, 2])
    lists = np.array([[0, 1, 2], [0, 2, 3], [0, NOTHING, NOTHING]], np.int32)
    told = diversity(lists, categories, [1, 2, 3])
    np.testing.assert_allclose(told[:2, 1:], [[0, 2 / 3], [1, 1]])
    assert np.isnan(told[:, 0]).all()
    assert np.isnan(told[2]).all(), "one item isn't different from anything"
