"""Training on a real local Ray: by tasks with the result of one process, through a worker's death, and a search that
goes on after its process was killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import ray

from ml.artifact import load_artifact
from ml.interactions import Dataset
from ml.models import item_knn
from ml.models.item_knn import ItemKnn
from ml.sources.lake import read_lake
from ml.training.blocks import BlocksOnRay
from ml.training.fitting import FitOnRay, Recipe
from ml.training.job import Around, Plan, train
from serve.recommendations.retraining import round_as_task
from serve.settings import Settings
from tests.unit.ml.sources.small_lake import SmallLake

from .tasks import KilledOnce, dataset

PATIENCE_S = 60.0
AROUND = Around(datetime(2026, 11, 23, tzinfo=UTC), FitOnRay())


@pytest.fixture(scope="module")
def data() -> Dataset:
    return dataset()


@pytest.mark.usefixtures("local_ray")
def test_models_trained_by_tasks_are_those_of_one_process(data: Dataset, tmp_path: Path) -> None:
    plan = Plan(Recipe("item-knn"), resamples=20, report=False)
    for name in ("item-knn", "sequential-rules"):
        plan = replace(plan, recipe=Recipe(name))
        by_tasks = train(plan, data, tmp_path / name, AROUND)
        here = train(plan, data, tmp_path / f"{name}-here", Around(AROUND.now))
        assert by_tasks.artifact.files == here.artifact.files
        assert load_artifact(by_tasks.directory).name == name


@pytest.mark.usefixtures("local_ray")
def test_a_block_whose_worker_is_killed_is_made_again(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_knn, "PAIRS", 40)
    told: list[tuple[int, int]] = []
    killed, whole = KilledOnce(tmp_path / "killed"), ItemKnn()
    killed.fit_in_blocks(data, BlocksOnRay(done=lambda done, of: told.append((done, of))))
    whole.fit(data)
    assert (tmp_path / "killed").exists()
    everything = range(len(data.items))
    assert (killed.similar(everything, 9).items == whole.similar(everything, 9).items).all()
    assert told[-1][0] == told[-1][1] == len(told) > 1


@pytest.mark.usefixtures("local_ray")
def test_ray_data_reads_the_lake_as_arrow_does(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path / "lake")
    for number in range(60):
        who = f"browser-{number % 7}"
        lake.did(number, "view", f"ITEM-{number % 11}", visitor=who, session="v" * (number % 3))
        if number % 30 == 29:
            lake.did(number, "login", visitor=who, customer=f"acc_{who}")
            lake.write()
    lake.close()
    by_ray, by_arrow = (read_lake(lake.directory, through=through) for through in ("ray", "arrow"))  # type: ignore[arg-type]
    assert by_ray.fingerprint == by_arrow.fingerprint
    assert by_ray.customers == by_arrow.customers


@pytest.mark.usefixtures("local_ray")
def test_a_round_of_retraining_is_a_process_of_its_own_that_says_why_it_failed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, retrain_hours=24)
    with pytest.raises(Exception, match="has no interactions"):
        asyncio.run(_round(settings))


async def _round(settings: Settings) -> object:
    settings.lake.mkdir(parents=True)
    return await round_as_task(settings)(1_800_000_000_000)


@pytest.mark.usefixtures("local_ray")
def test_a_search_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.touch()
    searches = tmp_path / "searches"
    first = _search(searches, held)
    deadline = time.monotonic() + PATIENCE_S
    # Its first trial has ended, and so is noted; the second never will.
    while not any(b"TERMINATED" in state.read_bytes() for state in searches.glob("*/experiment_state-*.json")):
        assert first.poll() is None, first.stdout
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    (of_first,) = searches.glob("*/trial_*number=0_*/result.json")
    before = of_first.read_bytes()
    held.unlink()
    second = _search(searches, held)
    said, _ = second.communicate(timeout=PATIENCE_S)
    trials, score, _half_life = json.loads(said.strip().splitlines()[-1])
    assert (trials, second.returncode) == (2, 0)
    assert score > 0
    assert len(list(searches.glob("*"))) == 1
    # What had ended wasn't done again.
    assert [path.read_bytes() for path in searches.glob("*/trial_*number=0_*/result.json")] == [before]


def _search(searches: Path, held: Path) -> "subprocess.Popen[str]":
    address = str(ray.get_runtime_context().gcs_address)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.training.searching", str(searches), address, str(held)],
        stdout=subprocess.PIPE,
        text=True,
    )
