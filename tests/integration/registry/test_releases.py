"""Releases in MLflow's registry: what a follower reads is what MLflow itself says, also in the middle of a change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml.errors import RegistryRefused
from ml.registry.following import Follower, follower_of
from ml.registry.opening import Registry
from ml.registry.release import DIGEST_TAG, MODEL_TAG, Mode
from ml.registry.releases import CHANGES_KEPT, Releases

from .conftest import AT

BY = {"by": "anna@desk", "at": AT}


@pytest.fixture
def versions(registry: Registry) -> Registry:
    """Versions 1 to 3, of which only the registry matters."""
    registry.client.create_registered_model("doorbuster")
    for number in range(1, 4):
        tags = {MODEL_TAG: "popularity", DIGEST_TAG: f"digest {number}"}
        registry.client.create_model_version("doorbuster", f"/artifacts/{number}", tags=tags)
    return registry


@pytest.fixture
def releases(versions: Registry) -> Releases:
    return Releases(versions)


@pytest.fixture
def follower(versions: Registry, tmp_path: Path) -> Iterator[Follower]:
    follower = follower_of(versions.url, tmp_path / "copies")
    yield follower
    follower.close()


def served(follower: Follower) -> tuple[int | None, int | None, Mode, float]:
    found = follower.release()
    champion, challenger = (each.number if each else None for each in (found.champion, found.challenger))
    return champion, challenger, found.mode, found.share


def aliases(registry: Registry) -> dict[str, int]:
    return {
        alias: int(version) for alias, version in registry.client.get_registered_model("doorbuster").aliases.items()
    }


def test_a_follower_reads_what_mlflow_says(versions: Registry, releases: Releases, follower: Follower) -> None:
    releases.deploy(1, **BY)
    releases.deploy(3, mode=Mode.CANARY, share=0.1, **BY)
    found = follower.release()
    by_alias = {
        alias: versions.client.get_model_version_by_alias("doorbuster", alias) for alias in ("champion", "challenger")
    }
    for followed, told in ((found.champion, by_alias["champion"]), (found.challenger, by_alias["challenger"])):
        assert followed is not None
        assert (followed.number, followed.model, followed.digest) == (
            int(told.version), told.tags[MODEL_TAG], told.tags[DIGEST_TAG],
        )  # fmt: skip
        assert followed.location == versions.client.get_model_version_download_uri("doorbuster", told.version)
        assert follower.version("", followed.number) == followed
    assert (found.mode, found.share, found.number) == (Mode.CANARY, 0.1, 2)
    assert follower.markets() == [""]
    assert follower.version("", 9) is None


def test_a_release_goes_from_canary_to_champion_and_back(
    versions: Registry, releases: Releases, follower: Follower
) -> None:
    releases.deploy(1, **BY)
    assert served(follower) == (1, None, Mode.OFF, 0.0)
    releases.deploy(2, mode=Mode.CANARY, share=0.1, **BY)
    assert served(follower) == (1, 2, Mode.CANARY, 0.1)
    releases.deploy(2, mode=Mode.AB, share=0.5, **BY)
    assert served(follower) == (1, 2, Mode.AB, 0.5)
    releases.deploy(2, why="it sells more", **BY)
    assert served(follower) == (2, None, Mode.OFF, 0.0)
    assert aliases(versions) == {"champion": 2}
    releases.rollback(why="it doesn't", **BY)
    assert served(follower) == (1, 2, Mode.AB, 0.5)
    releases.rollback(**BY)
    assert served(follower) == (1, 2, Mode.CANARY, 0.1)
    releases.rollback(**BY)
    assert served(follower) == (1, None, Mode.OFF, 0.0)
    with pytest.raises(RegistryRefused, match="nothing to go back to"):
        releases.rollback(**BY)
    releases.rollback(to=4, **BY)
    assert served(follower) == (2, None, Mode.OFF, 0.0)
    assert [(change.number, change.what, change.why, change.restores) for change in releases.history()] == [
        (1, "deploy", "", 0),
        (2, "deploy", "", 0),
        (3, "deploy", "", 0),
        (4, "deploy", "it sells more", 0),
        (5, "rollback", "it doesn't", 3),
        (6, "rollback", "", 2),
        (7, "rollback", "", 1),
        (8, "rollback", "", 4),
    ]
    assert {change.by for change in releases.history()} == {"anna@desk"}


def test_what_is_released_already_is_no_change(releases: Releases) -> None:
    first = releases.deploy(1, mode=Mode.OFF, **BY)
    assert releases.deploy(1, **BY) == first
    challenged = releases.deploy(2, mode=Mode.SHADOW, **BY)
    assert releases.deploy(2, mode=Mode.SHADOW, share=0.3, **BY) == challenged
    assert len(releases.history()) == 2


@pytest.mark.parametrize(
    ("version", "mode", "share", "why"),
    [
        (9, Mode.OFF, 0.0, "not found"),
        (9, Mode.CANARY, 0.1, "not found"),
        (1, Mode.CANARY, 0.1, "itself"),
        (2, Mode.AB, 0.0, "share"),
        (2, Mode.CANARY, 1.0, "share"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    releases: Releases, version: int, mode: Mode, share: float, why: str
) -> None:
    before = releases.deploy(1, **BY)
    with pytest.raises(RegistryRefused, match=why):
        releases.deploy(version, mode=mode, share=share, **BY)
    with pytest.raises(RegistryRefused, match="no change 9"):
        releases.rollback(to=9, **BY)
    assert releases.now() == before


def test_without_a_champion_there_is_nothing_to_challenge(releases: Releases) -> None:
    with pytest.raises(RegistryRefused, match="no champion"):
        releases.deploy(1, mode=Mode.SHADOW, **BY)


def test_an_alias_that_was_moved_in_mlflow_is_followed_and_can_be_rolled_back(
    versions: Registry, releases: Releases, follower: Follower
) -> None:
    releases.deploy(1, **BY)
    releases.deploy(2, **BY)
    versions.client.set_registered_model_alias("doorbuster", "champion", "3")
    assert served(follower) == (3, None, Mode.OFF, 0.0)
    versions.client.set_registered_model_alias("doorbuster", "challenger", "1")
    assert served(follower) == (3, 1, Mode.SHADOW, 0.0), "of whom nobody said who gets it"
    assert releases.rollback(**BY).champion == 2
    assert served(follower) == (2, None, Mode.OFF, 0.0)
    assert [change.what for change in releases.history()] == ["deploy", "deploy", "by hand", "rollback"]
    versions.client.delete_registered_model_alias("doorbuster", "champion")
    assert served(follower) == (None, None, Mode.OFF, 0.0)


class Dying:
    """MLflow's client in a process that dies before its n-th write; reading goes on."""

    def __init__(self, client: Any, writes: int) -> None:
        self._client = client
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._client, name)
        if not name.startswith(("set_", "delete_")):
            return asked

        def write(*arguments: Any) -> Any:
            if not self._left:
                raise ConnectionAbortedError(name)
            self._left -= 1
            return asked(*arguments)

        return write


def test_whoever_follows_sees_the_old_release_or_the_new_one_wherever_the_change_dies(
    versions: Registry, releases: Releases, follower: Follower
) -> None:
    releases.deploy(1, **BY)
    releases.deploy(2, mode=Mode.CANARY, share=0.1, **BY)
    old, new = (1, 2, Mode.CANARY, 0.1), (3, None, Mode.OFF, 0.0)
    seen = []
    for writes in range(5):
        dying = Releases(versions._replace(client=Dying(versions.client, writes)))
        with pytest.raises(ConnectionAbortedError):
            dying.deploy(3, **BY)
        seen.append(served(follower))
        # Whoever comes next finishes it or never heard of it; then back to the beginning.
        releases.settle()
        assert served(follower) == seen[-1]
        assert releases.now().settled
        if seen[-1] == new:
            releases.rollback(**BY)
        assert served(follower) == old
    assert seen == [old, old, new, new, new]


def test_history_is_bounded(versions: Registry, releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CHANGES_KEPT == 200
    monkeypatch.setattr("ml.registry.releases.CHANGES_KEPT", 3)
    for number in (1, 2, 1, 3, 2, 1):
        releases.deploy(number, **BY)
    assert [change.number for change in releases.history()] == [4, 5, 6]
    assert releases.rollback(**BY).champion == 2


def test_markets_are_released_each_by_itself(versions: Registry, releases: Releases, follower: Follower) -> None:
    versions.client.create_registered_model("doorbuster-de")
    versions.client.create_model_version("doorbuster-de", "/artifacts/de", tags={MODEL_TAG: "ease"})
    releases.deploy(2, **BY)
    Releases(versions, "de").deploy(1, **BY)
    assert follower.markets() == ["", "de"]
    champions = [follower.release(market).champion for market in ("", "de", "fr")]
    assert [(each.number, each.model) if each else None for each in champions] == [(2, "popularity"), (1, "ease"), None]
