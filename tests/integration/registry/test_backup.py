"""A registry in use, copied and brought back elsewhere: it serves what was released, and is worked with as before."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml.artifact import digest_of
from ml.errors import ArtifactDamaged, RegistryRefused
from ml.registry.backup import DATABASE, back_up
from ml.registry.following import follower_of
from ml.registry.opening import Registry, open_registry
from ml.registry.recording import register
from ml.registry.release import Mode
from ml.registry.releases import Releases
from serve.cli.main import main

from .conftest import AT


def ml(*arguments: object) -> str:
    done = CliRunner().invoke(main, ["ml", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def released(registry: Registry, artifacts: Sequence[Path]) -> Registry:
    for artifact in artifacts[:2]:
        register(registry, artifact, at=AT)
    releases = Releases(registry)
    releases.deploy(1, by="test", at=AT)
    releases.deploy(2, mode=Mode.AB, share=0.5, by="test", at=AT)
    return registry


def test_a_restored_registry_serves_the_same_and_is_worked_with_as_before(
    released: Registry, artifacts: Sequence[Path], tmp_path: Path
) -> None:
    backup, data = tmp_path / "backup", tmp_path / "another-shop"
    assert "2 versions, 2 of them released" in ml("backup", backup, "--registry", released.url)
    # What comes later isn't in it.
    Releases(released).rollback(by="test", at=AT)
    assert "2 versions, 2 of them released" in ml("restore", backup, "--data", data)
    assert released.local is not None
    shutil.rmtree(released.local.parent)
    shutil.rmtree(backup)
    file = data / "models" / DATABASE
    follower = follower_of(f"sqlite:///{file}", data / "copies")
    release = follower.release()
    assert release.champion is not None
    assert release.challenger is not None
    assert (release.champion.number, release.challenger.number, release.share) == (1, 2, 0.5)
    assert digest_of(follower.fetch(release.champion)) == digest_of(artifacts[0])
    assert follower.fetch(release.champion).is_relative_to(data)

    there = open_registry(f"sqlite:///{file}")
    assert register(there, artifacts[2], at=AT).number == 3
    third = follower.version("", 3)
    assert third is not None
    assert follower.fetch(third).is_relative_to(data)
    assert not released.local.parent.exists(), "nothing is written to where it came from"

    import mlflow.pyfunc

    # By its place: a registry that is set for all would be the next tests' one, too.
    mlflow.pyfunc.load_model(there.client.get_model_version_download_uri("doorbuster", "1"))
    assert Releases(there).rollback(by="test", at=AT).challenger is None


def test_a_copy_has_artifacts_of_its_own_though_the_others_are_still_there(released: Registry, tmp_path: Path) -> None:
    back_up(released.url, tmp_path / "backup")
    follower = follower_of(f"sqlite:///{tmp_path / 'backup' / DATABASE}", tmp_path / "copies")
    champion = follower.release().champion
    assert champion is not None
    assert follower.fetch(champion).is_relative_to(tmp_path / "backup")


def test_nothing_is_overwritten_and_what_is_damaged_is_told(released: Registry, tmp_path: Path) -> None:
    assert released.local is not None
    back_up(released.url, tmp_path / "backup")
    again = CliRunner().invoke(main, ["ml", "restore", str(tmp_path / "backup"), "--registry", released.url])
    assert "nothing is ever overwritten" in again.output
    for scores in released.local.parent.rglob("scores*"):
        scores.write_bytes(b"")
    with pytest.raises(ArtifactDamaged):
        back_up(released.url, tmp_path / "damaged")
    done = CliRunner().invoke(main, ["ml", "backup", str(tmp_path / "none"), "--registry", released.url])
    assert done.exit_code == 1
    assert not (tmp_path / "none").exists()


def test_a_server_and_a_shop_without_models_have_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(RegistryRefused, match="on a server"):
        back_up("http://models.example", tmp_path / "backup")
    with pytest.raises(RegistryRefused, match="no registry"):
        back_up(f"sqlite:///{tmp_path / DATABASE}", tmp_path / "backup")
