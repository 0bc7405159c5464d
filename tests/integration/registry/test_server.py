"""A registry on MLflow's own server: releases are followed by its REST API, artifacts come through it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ml.artifact import load_artifact
from ml.registry.following import follower_of
from ml.registry.opening import Registry, open_registry
from ml.registry.overview import overview_of
from ml.registry.recording import register
from ml.registry.release import Mode
from ml.registry.releases import Releases

from .conftest import AT, PASSWORD, registry_in, running_server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(place: Path, empty_registry: Path) -> Iterator[Registry]:
    database = registry_in(place / "models", empty_registry).local
    assert database is not None
    with running_server(database, place / "artifacts") as url:
        yield open_registry(url)


def test_a_release_on_a_server_is_followed_and_fetched(
    server: Registry, place: Path, artifacts: Sequence[Path], tmp_path: Path
) -> None:
    follower = follower_of(server.url, tmp_path / "copies")
    assert (follower.release().champion, list(follower.markets())) == (None, [])
    for artifact in artifacts[:2]:
        register(server, artifact, at=AT)
    releases = Releases(server)
    releases.deploy(1, by="anna", at=AT)
    releases.deploy(2, mode=Mode.AB, share=0.5, by="anna", at=AT)
    found = follower.release()
    assert found.champion is not None
    assert found.challenger is not None
    assert (found.champion.number, found.challenger.number, found.mode, found.share) == (1, 2, Mode.AB, 0.5)
    assert follower.version("", 2) == found.challenger
    assert follower.version("", 3) is None
    assert follower.markets() == [""]

    here = follower.fetch(found.challenger)
    assert here.is_relative_to(tmp_path / "copies")
    assert load_artifact(here).parameters == {"half_life_days": 2.0}
    made = here.stat().st_mtime_ns
    assert follower.fetch(found.challenger) == here
    assert here.stat().st_mtime_ns == made, "it is downloaded once"

    releases.rollback(by="anna", at=AT)
    assert follower.release().challenger is None
    overview = overview_of(server)
    assert [(row.number, row.role, row.measures["ndcg_at_10"]) for row in overview.rows] == [
        (1, "champion", 0.25),
        (2, "", 0.5),
    ]
    follower.close()

    kept = [file.read_bytes() for file in (*place.rglob("*"), *tmp_path.rglob("*")) if file.is_file()]
    assert not [content for content in kept if PASSWORD.encode() in content], "the address is written down nowhere"
