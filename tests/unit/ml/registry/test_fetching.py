"""Copies of artifacts that lie elsewhere: made once, whole or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.artifact import Artifact, digest_of, write_artifact
from ml.errors import ArtifactDamaged, RegistryUnreachable
from ml.models.popularity import Popularity
from ml.registry.fetching import COPIES_KEPT, fetched
from ml.registry.release import Version
from tests.contract.recommender_suite import small_shop


class Elsewhere:
    """Brings the same artifact whatever is asked for, or what a test makes of it on the way."""

    def __init__(self, artifact: Path) -> None:
        self.artifact = artifact
        self.asked = 0
        self.on_the_way: Callable[[Path], None] = lambda found: None

    def __call__(self, location: str, registry: str, directory: Path) -> None:
        self.asked += 1
        found = directory / "data" / "artifact"
        shutil.copytree(self.artifact, found)
        self.on_the_way(found)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    model = Popularity()
    model.fit(small_shop(sessions=20))
    write_artifact(tmp_path / "trained", model, Artifact(model=""))
    return Elsewhere(tmp_path / "trained")


@pytest.fixture
def fetch(tmp_path: Path, elsewhere: Elsewhere) -> Callable[[int], Path]:
    digest = digest_of(elsewhere.artifact)

    def fetch(number: int) -> Path:
        version = Version("", number, "popularity", "mlflow-artifacts:/1/x", digest)
        return fetched(version, "http://models.example", tmp_path / "copies", download=elsewhere)

    return fetch


def test_a_copy_is_made_once(fetch: Callable[[int], Path], elsewhere: Elsewhere) -> None:
    assert fetch(1) == fetch(1)
    assert elsewhere.asked == 1
    assert fetch(2) != fetch(1)


def test_what_comes_damaged_is_not_kept(fetch: Callable[[int], Path], elsewhere: Elsewhere, tmp_path: Path) -> None:
    elsewhere.on_the_way = lambda found: (found / "model" / "scores.npy").unlink()
    with pytest.raises(ArtifactDamaged):
        fetch(1)
    assert list((tmp_path / "copies").iterdir()) == []


def test_what_does_not_come_leaves_nothing_behind(
    fetch: Callable[[int], Path], elsewhere: Elsewhere, tmp_path: Path
) -> None:
    def lost(found: Path) -> None:
        raise RegistryUnreachable("The line is cut.")

    elsewhere.on_the_way = lost
    with pytest.raises(RegistryUnreachable):
        fetch(1)
    assert list((tmp_path / "copies").iterdir()) == []


def test_two_that_fetch_at_once_have_one_copy(fetch: Callable[[int], Path], elsewhere: Elsewhere) -> None:
    def the_other(_found: Path) -> None:
        elsewhere.on_the_way = lambda found: None
        fetch(1)

    elsewhere.on_the_way = the_other
    assert len(list(fetch(1).parents[2].iterdir())) == 1
    assert elsewhere.asked == 2


def test_a_copy_that_was_damaged_is_made_anew(fetch: Callable[[int], Path], elsewhere: Elsewhere) -> None:
    (fetch(1) / "model" / "skus.txt").write_text("")
    assert (fetch(1) / "model" / "skus.txt").read_text()
    assert elsewhere.asked == 2


def test_copies_are_few(fetch: Callable[[int], Path]) -> None:
    for number in range(1, COPIES_KEPT + 3):
        os.utime(fetch(number).parents[1], (number, number))
    assert sorted(path.name.split("-")[1] for path in fetch(COPIES_KEPT + 2).parents[2].iterdir()) == sorted(
        str(number) for number in range(3, COPIES_KEPT + 3)
    )
