"""What is particular to the models of visits; what all models promise is in tests/contract/recommender_suite.py."""

from collections.abc import Sequence

import numpy as np
import pytest

from ml.interactions import Dataset, Did, Items, dataset_of
from ml.model import NOTHING, Context, Model
from ml.models.item_knn import ItemKnn
from ml.models.links import joined
from ml.models.ranking import best, reasons, recent, steps, summed
from ml.models.sequential_rules import SequentialRules
from ml.models.session_knn import SessionKnn
from ml.models.visits import LONGEST_VISIT, indexed, matches

CLOCK, LAMP, SOFA, TABLE, RUG = range(5)


def visited(*visits: Sequence[int]) -> Dataset:
    item = [item for visit in visits for item in visit]
    session = np.repeat(np.arange(len(visits)), [len(visit) for visit in visits])
    return dataset_of(Items(["CLOCK", "LAMP", "SOFA", "TABLE", "RUG"]), item, range(len(item)), session=session)


def first(model: Model, data: Dataset, *session: int) -> int:
    model.fit(data)
    return int(model.recommend([Context(session=session)], 1).items[0, 0])


def test_rules_go_forward_first() -> None:
    data = visited([CLOCK, LAMP], [CLOCK, LAMP], [SOFA, CLOCK], [SOFA, CLOCK], [SOFA, CLOCK])
    assert first(SequentialRules(), data, CLOCK) == LAMP
    assert first(SequentialRules(backwards=1.0), data, CLOCK) == SOFA


def test_rules_are_stronger_the_sooner_it_follows() -> None:
    data = visited([CLOCK, LAMP, SOFA], [CLOCK, TABLE, SOFA], [CLOCK, LAMP])
    model = SequentialRules(backwards=0, normed=False)
    model.fit(data)
    ranked = model.recommend([Context(session=[CLOCK])], 4)
    assert ranked.items[0].tolist() == [LAMP, SOFA, TABLE, NOTHING]
    assert ranked.scores[0, :3].tolist() == [2.0, 1.0, 1.0]


def test_neighbours_of_items_are_the_same_in_blocks() -> None:
    dice = np.random.default_rng(3)
    data = visited(*(dice.integers(5, size=4).tolist() for _ in range(40)))
    whole = ItemKnn(neighbours=3)
    whole.fit(data)
    weighted = whole.weighted(data)
    apart = joined([whole.neighbours_of(weighted, start, start + 2) for start in (0, 2, 4)])
    for ours, theirs in zip(apart, whole.neighbours_of(weighted, 0, 5), strict=True):
        assert (ours == theirs).all()


def test_training_leaves_the_data_as_they_were() -> None:
    data = visited([SOFA, CLOCK, SOFA, LAMP], [TABLE, CLOCK, RUG])
    before = data.by_session.items.copy()
    for model in (ItemKnn(weights="bm25"), SequentialRules(), SessionKnn()):
        model.fit(data)
        assert (data.by_session.items == before).all()


def test_the_visit_that_shares_more_counts_more() -> None:
    data = visited([CLOCK, LAMP, SOFA], [LAMP, TABLE], [CLOCK, RUG])
    assert first(SessionKnn(again=0, again_last=0), data, CLOCK, LAMP) == SOFA


def test_of_two_visits_the_later_one_counts_more() -> None:
    data = visited([CLOCK, LAMP], [CLOCK, SOFA])
    assert first(SessionKnn(recency_decay=0.1, itself=0), data, CLOCK) == SOFA


def test_the_reason_is_what_spoke_most_for_it() -> None:
    model = SessionKnn(again=0, again_last=0)
    model.fit(visited([CLOCK, SOFA], [LAMP, TABLE]))
    ranked = model.recommend([Context(session=[CLOCK, LAMP])], 2)
    reason = dict(zip(ranked.items[0].tolist(), ranked.because[0].tolist(), strict=True))
    assert reason == {SOFA: CLOCK, TABLE: LAMP}


def test_an_endless_visit_is_kept_in_part() -> None:
    data = visited([CLOCK, LAMP] * 500, [SOFA, TABLE])
    model = SessionKnn()
    model.fit(data)
    assert set(model.recommend([Context(session=[CLOCK, LAMP] * 500)], 2).items[0].tolist()) == {LAMP, CLOCK}
    index = indexed(data.by_session, 5, 100)
    assert len(index.items) == LONGEST_VISIT + 2


def test_the_index_has_the_latest_visits_and_the_last_place_in_each() -> None:
    index = indexed(visited([CLOCK, LAMP], [RUG], [CLOCK, LAMP, CLOCK], [SOFA, CLOCK]).by_session, 5, 2)
    found = matches(index, [CLOCK, LAMP])
    assert found.visit.tolist() == [0, 1, 1, 2]
    assert found.which.tolist() == [1, 0, 1, 0]
    assert found.place.tolist() == [1, 2, 1, 1]
    assert index.visits_with.tolist() == [3, 2, 1, 0, 0]


def test_looking_at_an_item_then_adding_it_is_one_step_and_taking_it_out_is_none() -> None:
    did = [Did.CLICK, Did.ADD, Did.CLICK, Did.CLICK, Did.REMOVE]
    data = dataset_of(
        Items(["CLOCK", "LAMP"]), [CLOCK, CLOCK, LAMP, LAMP, CLOCK], range(5), session=[0] * 5, did=did
    )  # fmt: skip
    assert steps(data).item.tolist() == [CLOCK, LAMP, LAMP]


def test_a_visit_is_its_cart_and_what_was_looked_at_and_else_the_last_purchases() -> None:
    assert recent(Context(session=[CLOCK], basket=[LAMP, CLOCK], history=[RUG]), 5) == [LAMP, CLOCK]
    assert recent(Context(history=[RUG, SOFA, TABLE]), 2) == [SOFA, TABLE]
    assert recent(Context(), 2) == []


@pytest.mark.parametrize("model", [ItemKnn(decay=0), SequentialRules(decay=0), SessionKnn()])
def test_an_item_that_nobody_looked_at_with_others_leads_nowhere(model: Model) -> None:
    model.fit(visited([CLOCK, LAMP], [RUG]))
    assert model.recommend([Context(session=[CLOCK, RUG]), Context(session=[RUG])], 2).items[1].tolist() == [-1, -1]
    # Also where the catalogue is too large to sum over all of it.
    model.fit(dataset_of(Items([str(number) for number in range(9_000)]), [0, 1, 2], range(3), session=[0, 0, 1]))
    assert model.recommend([Context(session=[0, 2])], 2).items.shape == (1, 2)


@pytest.mark.parametrize("catalogue", [10, 100_000])
def test_sums_and_reasons_are_the_same_for_a_small_catalogue_and_a_large_one(catalogue: int) -> None:
    items = np.array([7, 3, 7, 9], np.int32)
    found, totals = summed(items, np.array([1.0, 4.0, 2.0, 0.5]), catalogue)
    assert (found.tolist(), totals.tolist()) == ([3, 7, 9], [4.0, 3.0, 0.5])
    why = reasons(np.array([7, 3]), items, np.array([1.0, 4.0, 2.0, 0.5]), np.array([0, 0, 1, 1]), [40, 50], catalogue)
    assert why.tolist() == [50, 40]


def test_the_best_are_chosen_by_score_and_then_by_place() -> None:
    assert best(np.array([1.0, 3.0, 2.0, 3.0, 2.0]), 3).tolist() == [1, 3, 2]
    assert best(np.array([1.0, 1.0]), 5).tolist() == [0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ItemKnn(weights="jaccard"), lambda: ItemKnn(together="households"), lambda: ItemKnn(decay=2),
        lambda: SequentialRules(steps=0), lambda: SessionKnn(length=0), lambda: SessionKnn(recency_decay=0),
    ],
)  # fmt: skip
def test_parameters_out_of_bounds_are_refused(wrong: type) -> None:
    with pytest.raises(ValueError, match=r"is|are"):
        wrong()
