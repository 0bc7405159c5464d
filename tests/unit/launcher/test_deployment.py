"""What speaks against selling on a cluster is said before anything is started there."""

from pathlib import Path

import pytest

from serve.launcher.deployment import Inspected, refuse_unfit
from serve.launcher.environment import SERVING
from serve.launcher.errors import DeployRefused, NoCluster
from serve.launcher.joining import joined
from serve.settings import Settings

SECRETS = {"admin.key": "a1", "secret.key": "b2", "ray.token": "c3"}
REDIS = "redis://redis.example"


def settings(**given: object) -> Settings:
    return Settings.model_validate({"data": "/srv/shop", "journal": REDIS, "hosts": 1, **given})


def node(address: str, **changed: object) -> Inspected:
    return Inspected(address, address, SECRETS, SERVING)._replace(**changed)


def said(given: Settings, *nodes: Inspected) -> str:
    with pytest.raises(DeployRefused) as refused:
        refuse_unfit(given, nodes, SECRETS)
    return str(refused.value)


def test_nodes_that_are_alike_may_sell() -> None:
    refuse_unfit(settings(), [node("10.0.0.2"), node("10.0.0.3")], SECRETS)


def test_files_of_one_node_are_no_journal_for_several() -> None:
    complaint = said(settings(journal="sqlite:////srv/shop/journal"), node("10.0.0.2"), node("10.0.0.3"))
    assert "2 nodes" in complaint
    assert "--journal redis://" in complaint


def test_one_node_may_keep_its_journal_in_files() -> None:
    refuse_unfit(settings(journal="sqlite:////srv/shop/journal"), [node("10.0.0.2")], SECRETS)


def test_one_replica_does_not_run_every_shard_of_a_cluster() -> None:
    assert "--placement actors" in said(settings(hosts=0, placement="replica"), node("10.0.0.2"), node("10.0.0.3"))


def test_a_node_without_the_secrets_is_named() -> None:
    complaint = said(settings(), node("10.0.0.2"), node("10.0.0.3", secrets={"admin.key": "a1", "ray.token": "c3"}))
    assert complaint == "the node 10.0.0.3 lacks secret.key in /srv/shop"


def test_a_node_with_secrets_of_its_own_is_named() -> None:
    # Its replicas would make other order ids for the same keys.
    complaint = said(settings(), node("10.0.0.2"), node("10.0.0.3", secrets=SECRETS | {"secret.key": "other"}))
    assert complaint == "the node 10.0.0.3 has another secret.key in /srv/shop"


def test_a_node_that_was_started_by_ray_start_alone_is_named() -> None:
    complaint = said(settings(), node("10.0.0.2", variables={}))
    assert "RAY_SERVE_ENABLE_HA_PROXY" in complaint
    assert "doorbuster node start" in complaint


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:http", "127.0.0.1"])
def test_where_no_cluster_is_nothing_is_waited_for(address: str, tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="nobody answers"), joined(address, tmp_path / "ray.token"):
        pass
