"""What MLflow knows of a registered model, and that its own tools can load it without this program."""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version as installed
from pathlib import Path

import pytest

from ml.artifact import digest_of, load_artifact
from ml.errors import ArtifactDamaged, RegistryRefused
from ml.model import Context
from ml.registry.code import code_of
from ml.registry.following import follower_of
from ml.registry.opening import Registry
from ml.registry.proving import prove_version
from ml.registry.recording import register
from ml.registry.release import DIGEST_TAG, MODEL_TAG, Version
from tests.contract.recommender_suite import small_shop

from .conftest import AT

PYFUNC = """
import sys, warnings
sys.path = [path for path in sys.path if "doorbuster" not in path and path != {root!r}]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in str(finder).lower()]
import mlflow.pyfunc, pandas
mlflow.set_tracking_uri({url!r})
model = mlflow.pyfunc.load_model("models:/doorbuster/1")
contexts = pandas.DataFrame([{{"session": ["RETRO-CLOCK", "UNKNOWN"], "history": [], "basket": []}}] * 2)
found = model.predict(contexts, params={{"k": 3}})
import ml
print(ml.__file__.startswith({root!r}), "engine" in sys.modules, *found.skus[1])
"""


def test_the_run_says_where_a_model_is_from(registry: Registry, artifacts: Sequence[Path]) -> None:
    found = register(registry, artifacts[0], at=AT)
    assert (found.name, found.number, found.new) == ("doorbuster", 1, True)
    run = registry.client.get_run(found.run)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"half_life_days": "1.0", "model": "popularity", "seed": "7"}
    assert run.data.metrics["ndcg_at_10"] == 0.25
    assert run.data.metrics["popularity/ndcg_at_10"] == 0.15
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["doorbuster.data.to"] == "2026-11-01"
    assert run.data.tags["doorbuster.fingerprint"] == small_shop(sessions=40).fingerprint
    assert run.inputs.dataset_inputs[0].dataset.name == "small shop"
    version = registry.client.get_model_version("doorbuster", "1")
    assert version.tags == {MODEL_TAG: "popularity", DIGEST_TAG: digest_of(artifacts[0])}
    reports = [file.path for file in registry.client.list_artifacts(found.run, "report")]
    assert reports == ["report/card.html"]


def test_mlflows_own_tools_load_it_without_this_program(
    registry: Registry, artifacts: Sequence[Path], tmp_path: Path
) -> None:
    found = register(registry, artifacts[1], at=AT)
    requirements = Path(registry.client.download_artifacts(found.run, "model/requirements.txt")).read_text().split()
    assert f"numpy=={installed('numpy')}" in requirements
    assert all("==" in line for line in requirements)
    root = str(Path(__file__).parents[3])
    program = PYFUNC.format(root=root, url=registry.url)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    model = load_artifact(artifacts[1])
    expected = [model.skus[item] for item in model.recommend([Context(session=[0])], 3).items[0]]
    assert done.stdout.split() == ["False", "False", *expected]


def test_the_same_model_is_one_version(registry: Registry, artifacts: Sequence[Path]) -> None:
    first = register(registry, artifacts[0], at=AT)
    again = register(registry, artifacts[0], at=AT + timedelta(hours=1))
    assert again == first._replace(new=False)
    assert register(registry, artifacts[1], at=AT).number == 2
    assert register(registry, artifacts[0], "de", at=AT).number == 1


def test_a_damaged_model_is_not_registered(registry: Registry, artifacts: Sequence[Path], tmp_path: Path) -> None:
    with pytest.raises(ArtifactDamaged):
        register(registry, tmp_path, at=AT)
    assert registry.client.search_registered_models() == []


def test_a_version_is_proved_before_it_serves(registry: Registry, artifacts: Sequence[Path], tmp_path: Path) -> None:
    register(registry, artifacts[0], at=AT)
    follower = follower_of(registry.url, tmp_path / "copies")
    prove_version(follower, "", 1)
    with pytest.raises(RegistryRefused, match="no version 2"):
        prove_version(follower, "", 2)
    version = follower.version("", 1)
    assert isinstance(version, Version)
    (follower.fetch(version) / "model" / "scores.npy").write_bytes(b"nothing")
    with pytest.raises(ArtifactDamaged, match=r"scores\.npy"):
        prove_version(follower, "", 1)


def test_a_package_may_be_imported_by_another_name() -> None:
    assert f"scikit-learn=={installed('scikit-learn')}" in code_of("ml.models.nearest").requirements
