"""Parameters for the comparison on order history: the same trials for the same seed, on the validation month only."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml.evaluation.bootstrap import Interval
from ml.measure.contenders import FIRST, OURS, THEIRS, blended, contender, trial_of
from ml.measure.order_history import Result, differences, tuned
from ml.measure.tuning import Tried, best, kept
from ml.models.library import make_model

HEADING = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
FIRST_DAY = datetime(2011, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three customers buy every ten days: a clock each time, and a cup that others bought before."""
    lines = [HEADING]
    for order in range(12):
        for customer in range(3):
            date = (FIRST_DAY + timedelta(days=10 * order, minutes=customer)).isoformat(" ")
            skus = ("CLOCK", f"CUP-{order + customer}")
            lines += [f"{order}{customer},{sku},{sku},1,{date},2.5,{customer},France" for sku in skus]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("name", sorted({**THEIRS, **OURS}))
def test_a_trial_is_the_same_each_time_and_within_what_may_be_tried(name: str) -> None:
    space = {**THEIRS, **OURS}[name]
    assert trial_of(name, 0) == FIRST.get(name, {})
    tries = [dict(trial_of(name, number)) for number in range(1, 6)]
    assert tries == [trial_of(name, number) for number in range(1, 6)]
    assert all(set(parameters) == set(space) for parameters in tries)
    assert len({str(parameters) for parameters in tries}) == 5
    assert contender(name, tries[0])


def test_a_blend_is_made_of_weights() -> None:
    made = make_model("blend", blended(half_life_days=2.0, ease=0.5, popularity=1.5))
    assert made.parameters["models"] == "ease popularity?half_life_days=2.0"
    assert made.parameters["weights"] == "0.5 1.5"


def test_a_search_goes_on_from_the_trials_that_were_kept(file: Path, tmp_path: Path) -> None:
    keep = tmp_path / "trials"
    chosen = tuned(file, "popularity", 3, keep)
    trials = kept(keep)
    assert [each.number for each in trials] == [0, 1, 2]
    assert chosen == (best(trials, only_new=False).parameters, best(trials, only_new=True).parameters)
    assert trials[0].repeats > 0
    assert tuned(file, "popularity", 4, keep)
    assert [each.number for each in kept(keep)] == [0, 1, 2, 3]


def test_of_equal_trials_the_first_is_chosen_and_each_setting_has_its_own() -> None:
    one, two = (Tried("popularity", number, {}, 0.5, new, 0.0) for number, new in enumerate((0.1, 0.2)))
    assert best([one, two], only_new=False) is one
    assert best([one, two], only_new=True) is two


def test_the_best_of_ours_is_compared_with_all_others_pair_by_pair() -> None:
    def result(name: str, ndcg: float, *drawn: tuple[float, float]) -> Result:
        return Result(name, {}, Interval(ndcg, ndcg, ndcg), Interval(0.2, 0.2, 0.2), 1.0, 1.0, 10, False, list(drawn))

    said = differences(
        [
            result("implicit ALS", 0.25, (0.2, 0.2), (0.3, 0.2)),
            result("repeats", 0.5, (0.45, 0.2), (0.55, 0.2)),
            result("svd", 0.4, (0.4, 0.2), (0.4, 0.2)),
        ]
    )
    assert said.splitlines() == [
        "repeats less svd: NDCG@10 0.1000 [0.0525, 0.1475], Recall@20 0.0000 [0.0000, 0.0000]",
        "repeats less implicit ALS: NDCG@10 0.2500 [0.2500, 0.2500], Recall@20 0.0000 [0.0000, 0.0000]",
    ]
