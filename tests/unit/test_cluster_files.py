"""The files that describe clusters: Ray's own schema takes them, and they start nodes the way the shop needs them."""

import copy
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from serve.cli.main import main
from serve.launcher.binding import NODE_ADDRESS
from serve.launcher.data import DataDirectory
from serve.launcher.deployment import ENTRY_POINT, MODELS_ENTRY_POINT
from serve.launcher.environment import CLUSTER, SERVING
from serve.launcher.haproxy import DOOR_ADDRESS
from serve.resolving import resolve

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return loaded


def commands(cluster: dict[str, Any], role: str) -> list[str]:
    found: list[str] = cluster[f"{role}_start_ray_commands"]
    return found


def test_rays_own_schema_takes_the_cluster_file(cluster: dict[str, Any]) -> None:
    # It brings pandas along: not for whoever only collects.
    from ray.autoscaler._private.util import fillout_defaults, validate_config

    full = fillout_defaults(copy.deepcopy(cluster))
    full.setdefault("cluster_synced_files", [])
    validate_config(full)


def test_workers_are_added_and_removed_by_themselves(cluster: dict[str, Any]) -> None:
    worker = cluster["available_node_types"]["worker"]
    assert 0 < worker["min_workers"] < worker["max_workers"] <= cluster["max_workers"]


@pytest.mark.parametrize("role", ["head", "worker"])
def test_each_command_of_the_cluster_file_is_one_of_ours(cluster: dict[str, Any], role: str) -> None:
    for line in commands(cluster, role):
        words = line[line.index("doorbuster ") :].split(" -- ")[0].split()
        flags = [word for word in words if word.startswith("--")]
        said = CliRunner().invoke(main, [*words[1:3], "--help"])
        assert said.exit_code == 0, said.output
        assert all(flag in said.output for flag in flags), line


def test_nodes_start_where_the_secrets_are_brought_to(cluster: dict[str, Any]) -> None:
    data = DataDirectory(Path("/home/ray/shop"))
    assert {str(file) for file in data.keys} <= cluster["file_mounts"].keys()
    for line in commands(cluster, "head") + commands(cluster, "worker"):
        assert f"--data {data.path}" in line


# -- Kubernetes


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "deploy" / "kuberay.yaml").read_text()))


@pytest.fixture(scope="module")
def service(documents: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = documents[0]
    return found


def containers(service: dict[str, Any]) -> list[dict[str, Any]]:
    """The container of the head, and that of each group of workers."""
    cluster = service["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [container for group in groups for container in group["template"]["spec"]["containers"]]


def test_the_service_has_what_kuberay_requires(service: dict[str, Any]) -> None:
    assert (service["apiVersion"], service["kind"]) == ("ray.io/v1", "RayService")
    cluster = service["spec"]["rayClusterConfig"]
    assert "rayStartParams" in cluster["headGroupSpec"]
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        assert group["groupName"]
        assert "rayStartParams" in group
    for container in containers(service):
        assert container["name"]
        assert container["image"]


def test_the_service_runs_the_ray_of_the_lock_file(service: dict[str, Any]) -> None:
    assert service["spec"]["rayClusterConfig"]["rayVersion"] == version("ray")
    assert f"rayproject/ray:{version('ray')}" in (ROOT / "deploy" / "Dockerfile").read_text()
    assert f"rayproject/ray:{version('ray')}" in (ROOT / "cluster.yaml").read_text()


def test_every_pod_has_every_variable_that_serving_needs(service: dict[str, Any]) -> None:
    for container in containers(service):
        values = {variable["name"]: variable.get("value") for variable in container["env"]}
        assert (SERVING | CLUSTER).items() <= values.items()
        assert {NODE_ADDRESS, DOOR_ADDRESS, "RAY_SERVE_HAPROXY_BINARY_PATH"} <= values.keys()
        # A node that stays on loopback could join no cluster.
        assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in values


def test_only_who_has_the_token_may_talk_to_the_cluster(service: dict[str, Any]) -> None:
    assert service["spec"]["rayClusterConfig"]["authOptions"] == {"mode": "token"}


def test_the_tables_of_ray_and_the_journal_are_in_redis(documents: list[dict[str, Any]]) -> None:
    ray_options = documents[0]["spec"]["rayClusterConfig"]["gcsFaultToleranceOptions"]
    server, port = ray_options["redisAddress"].split(":")
    redis = {document["kind"]: document for document in documents[1:]}
    assert redis["Service"]["metadata"]["name"] == server
    assert redis["Service"]["spec"]["ports"] == [{"port": int(port)}]
    assert "--appendonly yes" in redis["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["args"]


def test_pods_find_the_secrets_where_the_settings_look_for_them(service: dict[str, Any]) -> None:
    configuration = yaml.safe_load(service["spec"]["serveConfigV2"])
    for container, application in product(containers(service), configuration["applications"]):
        assert application["args"]["data"] in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_serve_takes_the_configuration_of_the_service(service: dict[str, Any]) -> None:
    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(yaml.safe_load(service["spec"]["serveConfigV2"]))
    assert [application.import_path for application in schema.applications] == [ENTRY_POINT, MODELS_ENTRY_POINT]
    for application in schema.applications:
        settings = resolve({**application.args, "journal": "redis://doorbuster-redis:6379"}).settings
        assert settings.placement == "actors"


def test_deploy_prints_the_configuration_of_the_service(service: dict[str, Any]) -> None:
    flags = ["--data", "/home/ray/shop", "--hosts", "1", "--replicas", "3"]
    said = CliRunner().invoke(main, ["deploy", "--config-only", *flags])
    assert yaml.safe_load(said.output) == yaml.safe_load(service["spec"]["serveConfigV2"])
