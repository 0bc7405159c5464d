"""A trained model's directory: what it says of itself, and that damage is seen."""

from pathlib import Path

import pytest

from ml.artifact import DESCRIPTION, Artifact, check_artifact, digest_of, load_artifact, read_artifact, write_artifact
from ml.errors import ArtifactDamaged, ModelUnknown
from ml.model import Context
from ml.models.popularity import Popularity
from tests.contract.recommender_suite import small_shop


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    model = Popularity(half_life_days=3.0)
    data = small_shop(sessions=20)
    model.fit(data)
    about = Artifact(model="", seed=7, fingerprint=data.fingerprint, metrics={"ndcg@10": 0.25})
    write_artifact(tmp_path / "popular", model, about)
    return tmp_path / "popular"


def test_it_says_what_it_is(artifact: Path) -> None:
    found = check_artifact(artifact, digest_of(artifact))
    assert (found.model, dict(found.parameters), found.skus) == ("popularity", {"half_life_days": 3.0}, 12)
    assert (found.seed, dict(found.metrics)) == (7, {"ndcg@10": 0.25})
    assert load_artifact(artifact).recommend([Context()], 3).items.shape == (1, 3)


def test_a_model_is_not_written_over_another(artifact: Path) -> None:
    with pytest.raises(FileExistsError):
        write_artifact(artifact, Popularity(), Artifact(model=""))


def test_a_directory_without_its_description_is_none(artifact: Path) -> None:
    (artifact / DESCRIPTION).unlink()
    with pytest.raises(ArtifactDamaged):
        read_artifact(artifact)


@pytest.mark.parametrize("text", ["", "[]", '{"model": 3}', '{"model": "popularity", "format": 2}'])
def test_another_description_is_refused(artifact: Path, text: str) -> None:
    (artifact / DESCRIPTION).write_text(text)
    with pytest.raises(ArtifactDamaged):
        read_artifact(artifact)


def test_a_changed_file_is_seen(artifact: Path) -> None:
    (artifact / "model" / "skus.txt").write_text('"OTHER"')
    with pytest.raises(ArtifactDamaged, match=r"skus\.txt"):
        check_artifact(artifact)


def test_a_file_that_is_gone_is_seen(artifact: Path) -> None:
    (artifact / "model" / "scores.npy").unlink()
    with pytest.raises(ArtifactDamaged, match=r"scores\.npy"):
        check_artifact(artifact)


def test_another_whole_artifact_is_not_the_registered_one(artifact: Path) -> None:
    digest = digest_of(artifact)
    description = artifact / DESCRIPTION
    description.write_text(description.read_text().replace("0.25", "0.75"))
    check_artifact(artifact)
    with pytest.raises(ArtifactDamaged, match="registered"):
        check_artifact(artifact, digest)


def test_a_class_that_only_this_program_has_is_no_model_for_others(tmp_path: Path) -> None:
    class Mine(Popularity):
        pass

    Mine.__module__ = "__main__"
    with pytest.raises(ModelUnknown, match="file of its own"):
        write_artifact(tmp_path / "mine", Mine(), Artifact(model=""))
