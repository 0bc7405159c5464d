"""A training leaves an artifact that says what it is, or nothing at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ml.artifact import load_artifact, read_artifact
from ml.errors import NotEnoughData, ParameterRefused
from ml.evaluation.split import Task, shown
from ml.interactions import Dataset, Did
from ml.model import Context, Model
from ml.models.item_knn import ItemKnn
from ml.training import job
from ml.training.fitting import Fit, Recipe, fit_here
from ml.training.job import Around, Plan, drafted, task_of, train
from ml.training.progress import Done
from tests.contract.recommender_suite import small_shop

AROUND = Around(datetime(2026, 11, 23, tzinfo=UTC))
PLAN = Plan(Recipe("item-knn", {"neighbours": 20}), resamples=20, report=False)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return small_shop(120)


def test_an_artifact_has_the_model_what_it_learned_from_and_how_good_it_is(data: Dataset, tmp_path: Path) -> None:
    trained = train(PLAN, data, tmp_path / "knn", AROUND)
    about = read_artifact(trained.directory)
    assert (about.model, about.parameters["neighbours"], about.interactions) == ("item-knn", 20, len(data))
    assert about.fingerprint == data.fingerprint
    assert (about.source["from"], about.source["to"]) == (shown(int(data.at[0])), shown(int(data.at[-1])))
    assert about.metrics["ndcg_at_10"] == trained.evaluation.at("ndcg", 10).value > about.baseline["ndcg_at_10"]
    assert "numpy" in about.versions
    assert json.loads((trained.directory / job.METRICS).read_bytes())["cases"] == trained.evaluation.cases
    whole = ItemKnn(neighbours=20)
    whole.fit(data)
    contexts = [Context(session=[0]), Context(session=[5, 6])]
    kept = load_artifact(trained.directory)
    assert (kept.recommend(contexts, 5).items == whole.recommend(contexts, 5).items).all()
    assert [path.name for path in tmp_path.iterdir()] == ["knn"]


def test_what_is_measured_has_not_learned_from_the_window(data: Dataset, tmp_path: Path) -> None:
    learned: list[int] = []

    def fitting(recipe: Recipe, part: Dataset, done: Done) -> Fit:
        learned.append(int(part.at[-1]))
        return fit_here(recipe, part, done)

    train(PLAN, data, tmp_path / "knn", Around(AROUND.now, fitting))
    measured, kept = learned
    assert measured < kept == data.at[-1]


def test_a_training_that_fails_leaves_nothing(data: Dataset, tmp_path: Path) -> None:
    def fitting(recipe: Recipe, part: Dataset, done: Done) -> Fit:
        raise NotEnoughData("nothing")

    with pytest.raises(NotEnoughData):
        train(PLAN, data, tmp_path / "knn", Around(AROUND.now, fitting))
    assert list(tmp_path.iterdir()) == []


def test_of_two_trainings_into_one_place_the_first_to_end_counts(tmp_path: Path) -> None:
    def both() -> None:
        with drafted(tmp_path / "knn") as slow:
            with drafted(tmp_path / "knn") as quick:
                (quick / "quick").touch()
            (slow / "slow").touch()

    with pytest.raises(OSError, match="not empty"):
        both()
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["knn", "knn/quick"]


def test_a_directory_that_is_there_is_not_written_over(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ParameterRefused):
        train(PLAN, data, tmp_path, AROUND)


def test_purchases_alone_are_baskets_to_foretell(data: Dataset) -> None:
    assert task_of(data) is Task.NEXT_ITEM
    assert task_of(data.where(data.did == Did.PURCHASE)) is Task.BASKET


def test_the_seed_reaches_a_model_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job.seeded(PLAN) is PLAN


def test_blocks_made_apart_are_the_model_of_one_process(data: Dataset) -> None:
    whole, apart = ItemKnn(weights="bm25"), ItemKnn(weights="bm25")
    whole.fit(data)

    def one_item_each(work, shared, blocks):  # type: ignore[no-untyped-def]
        return [work(shared, item, item + 1) for item in range(blocks[-1].end)]

    apart.fit_in_blocks(data, one_item_each)
    model: Model = apart
    everything = range(len(data.items))
    assert (model.similar(everything, 9).items == whole.similar(everything, 9).items).all()
    np.testing.assert_array_equal(model.similar(everything, 9).scores, whole.similar(everything, 9).scores)
