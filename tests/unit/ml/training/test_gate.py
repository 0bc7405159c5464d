"""Who may take the champion's place, and what the champion is measured as."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.evaluation.split import Split, Task, split
from ml.interactions import Dataset
from ml.training.fitting import Recipe
from ml.training.gate import Bar, Judged, has_seen, judge
from ml.training.job import Around, Plan, measure, train
from ml.training.spaces import SPACES, drawn, space_of
from tests.contract.recommender_suite import small_shop

AROUND = Around(datetime(2026, 11, 23, tzinfo=UTC))
KNN, POPULAR = Recipe("item-knn"), Recipe("popularity")
PLAN = Plan(KNN, resamples=200, report=False, window_ms=6 * 86_400_000)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return small_shop(300)


@pytest.fixture(scope="module")
def parted(data: Dataset) -> Split:
    return split(data, Task.NEXT_ITEM)


def judged(recipe: Recipe, champion: Path | None, parted: Split, bar: Bar = Bar()) -> Judged:
    _, scored = measure(recipe, parted, PLAN, AROUND)
    return judge(scored, recipe, champion, parted, PLAN, bar, AROUND)


def champion(recipe: Recipe, data: Dataset, directory: Path) -> Path:
    return train(replace(PLAN, recipe=recipe), data, directory, AROUND).directory


def test_without_a_champion_popularity_is_to_be_beaten(parted: Split) -> None:
    better = judged(KNN, None, parted)
    assert (better.promoted, better.champion_is, better.champion) == (True, "popularity", POPULAR)
    assert better.verdict.difference.low > 0
    assert not judged(POPULAR, None, parted).promoted


def test_a_champion_that_has_not_seen_the_window_is_measured_as_it_is(
    data: Dataset, parted: Split, tmp_path: Path
) -> None:
    old = champion(POPULAR, data.where(data.at < parted.window.at - 86_400_000), tmp_path / "old")
    assert not has_seen(old, parted)
    found = judged(KNN, old, parted)
    assert (found.promoted, found.champion_is) == (True, "as it is")
    assert "better than the champion" in found.why


def test_one_that_has_seen_it_is_made_again_without(data: Dataset, parted: Split, tmp_path: Path) -> None:
    favoured = champion(KNN, data, tmp_path / "favoured")
    assert has_seen(favoured, parted)
    same = judged(KNN, favoured, parted)
    assert (same.promoted, same.champion_is, same.verdict.difference.value) == (False, "made again", 0)


def test_who_is_worse_or_not_better_by_the_margin_stays_out(data: Dataset, parted: Split, tmp_path: Path) -> None:
    assert not judged(POPULAR, champion(KNN, parted.train, tmp_path / "good"), parted).promoted
    assert not judged(KNN, None, parted, Bar(margin=0.9)).promoted


@pytest.mark.parametrize("model", sorted(SPACES))
def test_whatever_is_drawn_makes_a_model_and_the_same_seed_draws_the_same(model: str) -> None:
    from ml.models.library import make_model

    space = space_of(model)
    for seed in range(20):
        parameters = drawn(space, [1, seed])
        assert parameters == drawn(space, [1, seed])
        assert make_model(model, parameters).parameters.items() >= parameters.items()
