"""Rounds of retraining and what they leave in the registry: a better model is released, any other is only a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml.artifact import read_artifact
from ml.errors import RoundUnderWay
from ml.interactions import Dataset
from ml.registry.following import follower_of
from ml.registry.opening import Registry
from ml.registry.releases import Releases
from ml.training import schedule
from ml.training.fitting import Recipe
from ml.training.job import Around, Plan
from ml.training.schedule import GATE_TAG, Place, Round, retrain
from tests.contract.recommender_suite import small_shop

from .conftest import AT

KNN = Plan(Recipe("item-knn"), resamples=100, report=False)
AROUND = Around(AT)


@pytest.fixture
def place(registry: Registry, tmp_path: Path) -> Place:
    return Place(registry.url, tmp_path / "models")


def test_a_better_model_is_released_and_one_that_is_not_is_only_a_run(registry: Registry, place: Place) -> None:
    data: Dataset = small_shop(200)
    first = retrain(Round(KNN), data, place, AROUND)
    assert (first.version, first.judged.champion_is) == (1, "popularity")
    released = follower_of(place.registry, place.models / "cache")
    champion = released.release().champion
    assert champion is not None
    assert read_artifact(released.fetch(champion)).interactions == len(data)
    released.close()
    (change,) = Releases(registry).history()
    assert (change.by, change.why) == ("retraining", first.judged.why)

    again = retrain(Round(KNN), data, place, AROUND)
    assert (again.version, again.judged.champion_is) == (None, "made again")
    worse = retrain(Round(replace(KNN, recipe=Recipe("popularity")), own_recipe=True), data, place, AROUND)
    assert worse.version is None
    run = registry.client.get_run(worse.run)
    assert run.data.tags[GATE_TAG].startswith("kept out: ndcg@20")
    assert run.data.metrics["gate_difference_high"] < 0
    assert Releases(registry).now().champion == 1
    assert not list(place.models.glob(".draft-*"))


def test_one_round_at_a_time(place: Place) -> None:
    with schedule._alone(place.models), pytest.raises(RoundUnderWay):
        retrain(Round(KNN), small_shop(20), place, AROUND)
