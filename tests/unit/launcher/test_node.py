"""One node of a cluster: the command and the environment that it is started with, and who may start it."""

import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.launcher import node as nodes
from serve.launcher.data import DataDirectory
from serve.launcher.environment import CLUSTER, SERVING, NodePlace, node_environment
from serve.launcher.errors import NodeFailed, NodeMissing, NodeRuns, SecretsMissing
from serve.launcher.ports import CLUSTER_SIDE_PORTS
from serve.launcher.processes import MARK

PLACE = NodePlace("10.0.0.2", "203.0.113.80", CLUSTER_SIDE_PORTS, threads=2)
NODE = nodes.Node("mark", Path("/srv/shop/node"), "10.0.0.2:6379", "10.0.0.2", True)


def plan(*, head: bool, gcs_redis: str = "", ray_options: tuple[str, ...] = ()) -> nodes.Plan:
    return nodes.Plan(Path("/srv/shop"), head, "10.0.0.2:6379", PLACE, gcs_redis, ray_options)


def test_a_head_listens_where_the_others_look_for_it() -> None:
    command = nodes.ray_command(plan(head=True), NODE)
    assert "--head" in command
    assert "--port=6379" in command
    assert "--node-ip-address=10.0.0.2" in command


def test_any_other_node_joins_the_head() -> None:
    command = nodes.ray_command(plan(head=False), NODE)
    assert "--address=10.0.0.2:6379" in command
    assert "--head" not in command


def test_what_the_operator_adds_comes_last_and_wins() -> None:
    command = nodes.ray_command(plan(head=False, ray_options=("--object-manager-port=9000",)), NODE)
    assert command.index("--object-manager-port=9000") > command.index("--object-manager-port=8076")


def test_a_head_keeps_the_tables_of_ray_in_redis_when_told_where() -> None:
    url = "rediss://ray:p%40ss@redis.example:6380?prefix=summer"
    assert nodes.gcs_environment(plan(head=True, gcs_redis=url)) == {
        "RAY_REDIS_ADDRESS": "rediss://redis.example:6380",
        "RAY_external_storage_namespace": "summer",
    }
    command = nodes.ray_command(plan(head=True, gcs_redis=url), NODE)
    assert "--redis-username=ray" in command
    assert "--redis-password=p@ss" in command


def test_only_a_head_is_told_of_redis() -> None:
    assert nodes.gcs_environment(plan(head=False, gcs_redis="redis://redis.example")) == {}
    assert nodes.gcs_environment(plan(head=True)) == {}


def test_a_redis_that_ray_can_not_use_is_said_so() -> None:
    with pytest.raises(NodeFailed, match="one Redis server"):
        nodes.gcs_environment(plan(head=True, gcs_redis="redis+cluster://redis.example"))


def test_every_node_gets_what_serving_needs_and_its_own_addresses(tmp_path: Path) -> None:
    found = node_environment(PLACE, "mark", tmp_path, tmp_path / "ray.token", tmp_path / "haproxy")
    assert (SERVING | CLUSTER).items() <= found.items()
    assert found["DOORBUSTER_NODE_ADDRESS"] == "10.0.0.2"
    assert found["DOORBUSTER_DOOR_ADDRESS"] == "203.0.113.80"
    assert found["RAY_AUTH_MODE"] == "token"
    assert found["RAY_SERVE_HAPROXY_NBTHREAD"] == "2"
    # A node that stays on loopback could join no cluster.
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in found


def test_a_head_makes_the_secrets_and_the_others_must_have_them(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "shop")
    data.create()
    with pytest.raises(SecretsMissing, match=r"admin\.key, secret\.key, ray\.token"):
        nodes.ensure_secrets(data, head=False)
    nodes.ensure_secrets(data, head=True)
    nodes.ensure_secrets(data, head=False)
    assert stat.S_IMODE(data.ray_token.stat().st_mode) == 0o600


def test_where_no_node_was_started_none_can_be_stopped(tmp_path: Path) -> None:
    assert nodes.find(tmp_path) is None
    with pytest.raises(NodeMissing):
        nodes.end(tmp_path)


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Something that looks like the raylet of a node that was started with `tmp_path`."""
    program = tmp_path / "raylet"
    program.symlink_to(shutil.which("sleep") or "/bin/sleep")
    process = subprocess.Popen([program, "300"], env=os.environ | {MARK: NODE.id})
    noted = {**NODE._asdict(), "directory": str(tmp_path / "node")}
    DataDirectory(tmp_path).node_file.write_text(json.dumps(noted))
    deadline = time.monotonic() + 10
    while nodes.raylet_of(NODE) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    yield process
    process.kill()
    process.wait()


def test_a_second_node_is_not_started_beside_the_first(tmp_path: Path, raylet: "subprocess.Popen[bytes]") -> None:
    with pytest.raises(NodeRuns, match=r"10\.0\.0\.2:6379"):
        nodes.start(plan(head=True)._replace(data=tmp_path))
    assert raylet.poll() is None


def test_the_end_of_a_node_is_the_end_of_its_processes(tmp_path: Path, raylet: "subprocess.Popen[bytes]") -> None:
    nodes.end(tmp_path)
    assert raylet.wait(10) != 0
    assert nodes.find(tmp_path) is None


def test_a_torn_note_of_a_node_is_none(tmp_path: Path) -> None:
    DataDirectory(tmp_path).node_file.write_text('{"id": "ab')
    assert nodes.find(tmp_path) is None


def test_sockets_of_a_long_data_directory_go_where_paths_are_short() -> None:
    assert nodes.node_directory(Path("/home/ray/shop")) == Path("/home/ray/shop/node")
    long = nodes.node_directory(Path("/var/lib/shops/of/the/summer/sale"))
    assert len(str(long)) <= nodes.LONGEST_DIRECTORY


def test_the_own_address_is_the_one_on_the_way_to_the_head() -> None:
    assert nodes.own_address("127.0.0.1:6379") == "127.0.0.1"
