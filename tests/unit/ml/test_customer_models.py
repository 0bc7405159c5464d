"""What the customer-level models promise beside the suite that they all pass."""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ml.errors import ModelUnknown, NotEnoughData, ParameterRefused
from ml.interactions import Dataset, Did, Items, dataset_of
from ml.model import Context, Ranked
from ml.models.ease import Ease
from ml.models.features import candidates_of, features_of, selling_of
from ml.models.library import make_model
from ml.models.parts import fused
from ml.models.repeats import DAY_MS, Repeats
from ml.models.taste import taste, taste_matrix

CLOCK, LAMP, SOFA, SOCK = range(4)


def orders(*lines: tuple[int, Sequence[int], int]) -> Dataset:
    """Of (customer, items, day): each a visit of its own."""
    rows = [(item, day * DAY_MS, visit, who) for visit, (who, items, day) in enumerate(lines) for item in items]
    item, at, session, customer = zip(*rows, strict=True)
    skus = ["RETRO-CLOCK", "BRASS-LAMP", "VELVET-SOFA", "WOOL-SOCK"]
    return dataset_of(
        Items(skus), item, at, session=session, customer=customer, did=[Did.PURCHASE] * len(item),
        customers=[str(number) for number in range(max(customer) + 1)],
    )  # fmt: skip


def test_taste_counts_orders_not_lines() -> None:
    context = Context(
        history=[CLOCK, CLOCK, LAMP, CLOCK, 99], history_at=[1, 1, 1, 2, 2], basket=[SOCK], session=[SOCK]
    )
    assert taste(context, 4, 1.0) == {CLOCK: 2.0, LAMP: 1.0, SOCK: 1.0}
    assert taste(context, 4, 0.0) == {CLOCK: 1.0, LAMP: 1.0, SOCK: 1.0}


def test_the_matrix_counts_visits_of_each_customer_or_items_of_each_visit() -> None:
    data = orders((0, [CLOCK, CLOCK, LAMP], 1), (1, [SOFA], 2), (0, [CLOCK], 3))
    assert taste_matrix(data, "customers", 1.0).toarray().tolist() == [[2, 1, 0, 0], [0, 0, 1, 0]]
    assert taste_matrix(data, "sessions", 1.0).toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    with pytest.raises(NotEnoughData):
        taste_matrix(data.where(data.customer > 5), "customers", 1.0)


def test_ease_has_the_weights_of_the_closed_form() -> None:
    dice = np.random.default_rng(1)
    lines = [(who, dice.permutation(4)[: dice.integers(1, 4)].tolist(), who) for who in range(40)]
    data = orders(*lines)
    model = Ease(l2=3.0, power=1.0)
    model.fit(data)
    matrix = taste_matrix(data, "customers", 1.0).toarray().astype(np.float64)
    inverse = np.linalg.inv(matrix.T @ matrix + 3.0 * np.eye(4))
    weights = -inverse / np.diag(inverse)
    ranked = model.recommend([Context(history=[CLOCK, SOFA])], 4)
    scores = dict(zip(ranked.items[0].tolist(), ranked.scores[0].tolist(), strict=True))
    for item in (LAMP, SOCK):
        assert scores[item] == pytest.approx(weights[CLOCK, item] + weights[SOFA, item], rel=1e-4)


def test_ease_says_nothing_of_items_beyond_the_most_met() -> None:
    model = Ease(l2=1.0, most_items=2)
    model.fit(orders(*[(who, [CLOCK, LAMP], 1) for who in range(5)], (5, [CLOCK, SOFA], 1)))
    assert set(model.recommend([Context(history=[CLOCK, SOFA])], 4).items[0].tolist()) == {LAMP, -1}
    with pytest.raises(ParameterRefused):
        make_model("ease", {"most_items": 50_000})


def test_what_was_bought_more_often_comes_first_then_what_sells_lately() -> None:
    model = Repeats(half_life_days=0, company=0)
    model.fit(orders((0, [CLOCK], 1), (1, [SOCK], 99), (2, [SOCK, SOFA], 100), (3, [SOFA, SOCK], 100)))
    ranked = model.recommend([Context(history=[LAMP, CLOCK, LAMP], history_at=[1, 2, 3])], 4)
    assert ranked.items[0].tolist() == [LAMP, CLOCK, SOCK, SOFA]
    assert ranked.because[0].tolist() == [LAMP, CLOCK, -1, -1]


def test_a_purchase_of_long_ago_counts_less() -> None:
    model = Repeats(half_life_days=10, trend=0, company=0)
    model.fit(orders((0, [CLOCK, LAMP], 1)))
    bought = Context(history=[LAMP, LAMP, CLOCK], history_at=[0, DAY_MS, 40 * DAY_MS], at=41 * DAY_MS)
    assert model.recommend([bought], 2).items[0].tolist() == [CLOCK, LAMP]


def test_customers_with_the_same_purchases_say_what_else_is_bought() -> None:
    model = Repeats()
    model.fit(orders((0, [CLOCK, LAMP], 1), (1, [CLOCK, LAMP], 2), (2, [SOCK, SOFA], 3), (3, [SOCK], 3)))
    ranked = model.recommend([Context(history=[CLOCK], at=5 * DAY_MS)], 2)
    assert ranked.items[0].tolist() == [CLOCK, LAMP]
    assert ranked.because[0].tolist() == [CLOCK, CLOCK]


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_without_the_library_a_factorization_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(module: str, *rest: Any) -> Any:
        if module.startswith("implicit"):
            raise ImportError(module)
        return whole(module, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelUnknown, match=r"doorbuster\[implicit\]"):
        make_model(name).fit(orders((0, [CLOCK, LAMP], 1)))


def listed(items: Sequence[int], scores: Sequence[float], because: Sequence[int]) -> Ranked:
    return Ranked(np.array([items], np.int32), np.array([scores], np.float32), np.array([because], np.int32))


def test_lists_become_one_by_their_scores_or_by_places_alone() -> None:
    first = listed([CLOCK, LAMP, SOFA], [10, 9, 1], [SOCK, SOCK, SOCK])
    second = listed([SOFA, LAMP, -1], [1, 0.1, -np.inf], [LAMP, LAMP, -1])
    by_score = fused([first, second], [1, 0.5], "score", 4)
    assert by_score.items[0].tolist() == [CLOCK, LAMP, SOFA, -1]
    np.testing.assert_allclose(by_score.scores[0, :3], [1.0, 0.95, 0.6])
    by_rank = fused([first, second], [1, 1], "rank", 2)
    assert by_rank.items[0].tolist() == [SOFA, LAMP]
    assert by_rank.because[0].tolist() == [LAMP, SOCK]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"models": ""}, "at least one"),
        ({"models": "repeats ease", "weights": "1"}, "2 models"),
        ({"models": "repeats", "weights": "-1"}, "more than 0"),
        ({"models": "repeats?trend", "weights": "1"}, "trend"),
        ({"models": "repeats", "weights": "1", "fusion": "luck"}, "rank, score"),
    ],
)
def test_a_blend_that_cannot_be_is_refused(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterRefused, match=words):
        make_model("blend", parameters)


def test_a_candidate_is_told_by_each_model_that_names_it() -> None:
    first, second = listed([SOFA, LAMP], [4, 2], [SOCK, SOCK]), listed([LAMP, -1], [0.5, -np.inf], [CLOCK, -1])
    candidates = candidates_of([first, second], 0)
    assert candidates.items.tolist() == [LAMP, SOFA]
    assert candidates.told.tolist() == [[0.5, 1, 1, 0], [1, 0, 0, 2]]
    assert candidates.because.tolist() == [SOCK, SOCK]


def test_features_say_how_the_customer_and_how_everybody_buys() -> None:
    data = orders((0, [CLOCK], 0), (0, [CLOCK, LAMP], 10), (1, [CLOCK], 30))
    context = Context(history=[CLOCK, CLOCK, LAMP], history_at=[0, 10 * DAY_MS, 10 * DAY_MS], at=30 * DAY_MS)
    candidates = candidates_of([listed([CLOCK, SOFA], [1, 1], [-1, -1])], 0)
    clock, sofa = features_of(context, candidates, selling_of(data))
    # Score, place; times, two that decay, last, first, part of the orders, after the last order, gap.
    assert clock[[0, 1, 2, 5, 6, 7, 8, 9]].tolist() == [1, 0, 2, 20, 30, 1, 0, 10]
    assert sofa[[2, 5]].tolist() == [0, 10_000]
    # Sold within 3 and 90 days, ever, buyers, bought again, last and first sold.
    assert clock[[10, 14, 15, 16, 18, 19]].tolist() == [1, 3, 3, 2, 0, 30]
    assert clock[17] == pytest.approx(1.4 / 4)
    # Orders, days since the last and the first, different items, items per order.
    assert clock[20:].tolist() == [2, 20, 30, 2, 1.5]
