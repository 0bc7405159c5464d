"""Following MLflow's database by itself; tests/integration/registry holds it against MLflow's own answers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ml.artifact import Artifact, digest_of, write_artifact
from ml.errors import ArtifactDamaged, RegistryRefused, RegistryUnreachable
from ml.models.popularity import Popularity
from ml.registry.following import follower_of
from ml.registry.release import Mode, Release, Version
from ml.registry.sqlite_follower import SqliteFollower
from tests.contract.recommender_suite import small_shop

TABLES = """
CREATE TABLE registered_models (name, workspace);
CREATE TABLE registered_model_tags (key, value, name);
CREATE TABLE registered_model_aliases (alias, version, name);
CREATE TABLE model_versions (name, version, source, storage_location);
CREATE TABLE model_version_tags (key, value, name, version);
INSERT INTO registered_models VALUES ('doorbuster', ''), ('doorbuster-de', ''), ('fraud', '');
"""
"""The columns that are read, as MLflow names them."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(TABLES)
        yield connection


@pytest.fixture
def follower(tmp_path: Path, database: sqlite3.Connection) -> SqliteFollower:
    return SqliteFollower(tmp_path / "registry.sqlite", tmp_path / "cache")


def register(database: sqlite3.Connection, number: int, location: str, digest: str = "") -> None:
    database.execute("INSERT INTO model_versions VALUES ('doorbuster', ?, ?, ?)", (number, location, location))
    for key, value in (("doorbuster.model", "popularity"), ("doorbuster.digest", digest), ("note", "x")):
        database.execute("INSERT INTO model_version_tags VALUES (?, ?, 'doorbuster', ?)", (key, value, number))


def name(database: sqlite3.Connection, alias: str, number: int) -> None:
    database.execute("INSERT INTO registered_model_aliases VALUES (?, ?, 'doorbuster')", (alias, number))


def test_where_nobody_registered_anything_nothing_is_released(tmp_path: Path) -> None:
    follower = SqliteFollower(tmp_path / "none.sqlite", tmp_path)
    assert (follower.release(), follower.markets()) == (Release(), ())


def test_markets_are_told(follower: SqliteFollower) -> None:
    assert follower.markets() == ["", "de"]


def test_an_alias_is_followed(follower: SqliteFollower, database: sqlite3.Connection) -> None:
    register(database, 1, "/somewhere", "abc")
    name(database, "champion", 1)
    assert follower.release() == Release("", Version("", 1, "popularity", "/somewhere", "abc"))
    assert follower.release("de") == Release("de")


def test_a_challenger_comes_with_its_share(follower: SqliteFollower, database: sqlite3.Connection) -> None:
    register(database, 1, "/one")
    register(database, 2, "/two")
    name(database, "champion", 1)
    name(database, "challenger", 2)
    tag = '{"number": 3, "champion": 1, "challenger": 2, "mode": "ab", "share": 0.5, "settled": true}'
    database.execute("INSERT INTO registered_model_tags VALUES ('doorbuster.release', ?, 'doorbuster')", (tag,))
    found = follower.release()
    assert found.challenger is not None
    assert (found.challenger.location, found.mode, found.share, found.number) == ("/two", Mode.AB, 0.5, 3)


def test_a_file_that_is_no_registry_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_text("a text of more than sixteen characters " * 50)
    follower = SqliteFollower(tmp_path / "registry.sqlite", tmp_path)
    for asked in (follower.release, follower.markets):
        with pytest.raises(RegistryUnreachable):
            asked()


def test_an_artifact_is_found_where_it_lies_also_after_the_data_was_moved(
    tmp_path: Path, follower: SqliteFollower
) -> None:
    model = Popularity()
    model.fit(small_shop(sessions=20))
    # As MLflow lays them out: the name comes twice.
    at_home = tmp_path / "artifacts" / "run" / "artifacts" / "model"
    write_artifact(at_home / "data" / "artifact", model, Artifact(model=""))
    digest = digest_of(at_home / "data" / "artifact")
    here = Version("", 1, "popularity", at_home.as_uri(), digest)
    moved = Version("", 1, "popularity", "file:///srv/shop/models/artifacts/run/artifacts/model", digest)
    assert follower.fetch(here) == follower.fetch(moved) == at_home / "data" / "artifact"
    with pytest.raises(ArtifactDamaged, match="registered"):
        follower.fetch(Version("", 1, "popularity", at_home.as_uri(), "0" * 64))
    (at_home / "data" / "artifact" / "artifact.json").unlink()
    with pytest.raises(ArtifactDamaged, match="doorbuster ml register"):
        follower.fetch(here)


def test_other_addresses_are_no_registries(tmp_path: Path) -> None:
    for url in ("", "postgresql://user:secret@host/db", "file:///x"):
        with pytest.raises(RegistryRefused) as refused:
            follower_of(url, tmp_path)
        assert "secret" not in str(refused.value)
