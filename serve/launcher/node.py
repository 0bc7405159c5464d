"""One node of a cluster: what is started on this machine, and how all of it is ended again.

keys -> mark -> environment -> `ray start` -> (Serve's HAProxy and the hosts come by themselves, once deployed)
"""

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from . import haproxy, logs, processes
from .data import DataDirectory
from .environment import NodePlace, node_environment
from .errors import NodeFailed, NodeMissing, NodeRuns, SecretsMissing
from .ports import GCS_PORT, RAY_PORTS

LONGEST_DIRECTORY = 25
"""Sockets below the node's directory must fit into 107 bytes; HAProxy's has the node's id, of 56, in its path."""
GONE_TIMEOUT_S = 5.0
GCS_NAMESPACE = "doorbuster"
OUTSIDE = "203.0.113.1"
"""Of the block reserved for documentation: nothing is sent there, the system only says by which way it would be."""


class Plan(NamedTuple):
    """What to start. `cluster` is HOST:PORT of the head, which is this node where `head` says so."""

    data: Path
    head: bool
    cluster: str
    place: NodePlace
    gcs_redis: str
    """URL of the Redis in which a head keeps Ray's own tables, so that its successor goes on with them; or empty."""
    ray_options: Sequence[str]


class Node(NamedTuple):
    """A node that was started on this machine."""

    id: str
    """The mark of its processes."""
    directory: Path
    cluster: str
    address: str
    head: bool


def start(plan: Plan) -> Node:
    """Start this node's part of Ray and return; what it runs afterwards is up to the cluster. Raises `LaunchError`."""
    data = DataDirectory(plan.data)
    if before := find(plan.data):
        if raylet_of(before) is not None:
            raise NodeRuns(plan.data, before.cluster)
        # It died by itself: what it left holds its ports.
        end(plan.data)
    with data.told_in_a_sentence():
        data.create()
        ensure_secrets(data, head=plan.head)
    node = Node(secrets.token_hex(8), node_directory(plan.data), plan.cluster, plan.place.address, plan.head)
    shutil.rmtree(node.directory, ignore_errors=True)
    node.directory.mkdir(mode=0o700, parents=True)
    # Before its first process exists.
    data.node_file.write_text(json.dumps({**node._asdict(), "directory": str(node.directory)}))
    logs.link(node.directory, data.logs)
    environment = node_environment(
        plan.place, node.id, node.directory, data.ray_token, haproxy.write_wrapper(node.directory)
    )
    command = ray_command(plan, node)
    started = subprocess.run(
        command,
        env=os.environ | environment | gcs_environment(plan),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if started.returncode:
        end(plan.data)
        raise NodeFailed(_last_words(started.stdout), data.logs)
    return node


def ensure_secrets(data: DataDirectory, *, head: bool) -> None:
    """A head makes the keys that are missing; any other node must have been given the same ones."""
    if head:
        data.ensure_keys()
    elif missing := [file.name for file in data.keys if not file.exists()]:
        raise SecretsMissing(data.path, missing)


def find(data: Path) -> Node | None:
    """The node that was started last with this data directory and not stopped; None if there is none."""
    try:
        noted = json.loads(DataDirectory(data).node_file.read_bytes())
        return Node(**{**noted, "directory": Path(noted["directory"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def raylet_of(node: Node) -> int | None:
    """The process that makes this machine a node, if it lives."""
    return next((pid for pid in processes.find(node.id) if _program_of(pid).endswith("/raylet")), None)


def end(data: Path) -> None:
    """End every process of the node that was started with this data directory. Raises `NodeMissing`."""
    node = find(data)
    if node is None:
        raise NodeMissing(data)
    directory = DataDirectory(data)
    processes.kill(node.id, GONE_TIMEOUT_S)
    logs.keep(node.directory, directory.logs)
    shutil.rmtree(node_directory(data), ignore_errors=True)
    directory.node_file.unlink(missing_ok=True)


def ray_command(plan: Plan, node: Node) -> list[str]:
    """The `ray start` of this node. Ports that Ray would choose at random are fixed, so that a firewall can name them;
    what the caller adds comes last and wins."""
    command = [sys.executable, "-P", "-m", "ray.scripts.scripts", "start", "--disable-usage-stats"]
    if plan.head:
        command += ["--head", f"--port={plan.cluster.rpartition(':')[2]}"]
        command += _redis_login(plan.gcs_redis)
    else:
        command += [f"--address={plan.cluster}"]
    command += [f"--node-ip-address={plan.place.address}", f"--temp-dir={node.directory / 'r'}"]
    command += [f"--{name}={number}" for name, number in RAY_PORTS.items()]
    # It would send what workers write to the terminals of whoever asked to see it: here it stays in files.
    command.append("--include-log-monitor=false")
    return [*command, *plan.ray_options]


def gcs_environment(plan: Plan) -> dict[str, str]:
    """What a head needs to keep Ray's tables in Redis."""
    if not (plan.head and plan.gcs_redis):
        return {}
    parts = urlsplit(plan.gcs_redis)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise NodeFailed("Ray keeps its tables in one Redis server: redis://[USER:PASSWORD@]HOST[:PORT], or rediss://")
    secure = "rediss://" if parts.scheme == "rediss" else ""
    return {
        "RAY_REDIS_ADDRESS": f"{secure}{parts.hostname}:{parts.port or GCS_PORT}",
        # Beside the journal's keys, and those of other shops, on one server.
        "RAY_external_storage_namespace": dict(parse_qsl(parts.query)).get("prefix", GCS_NAMESPACE),
    }


def own_address(towards: str = OUTSIDE) -> str:
    """The address of this machine by which it would reach the other one: the one that others reach it by."""
    host = towards.rpartition(":")[0] or towards
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError as error:
            raise NodeFailed(
                f"the way to {host} is not known ({error.strerror}): name --node-ip-address", None
            ) from error
        return str(probe.getsockname()[0])


def _redis_login(url: str) -> list[str]:
    parts = urlsplit(url)
    login = {"redis-username": parts.username, "redis-password": parts.password}
    return [f"--{name}={unquote(value)}" for name, value in login.items() if value]


def node_directory(data: Path) -> Path:
    """Where the node's sockets and logs are: in the data directory, unless its path is too long for a socket."""
    inside = data / "node"
    if len(str(inside)) <= LONGEST_DIRECTORY:
        return inside
    digest = hashlib.sha256(str(data).encode()).hexdigest()
    return Path("/tmp") / f"node-{digest[:8]}"  # noqa: S108


def _last_words(output: str) -> str:
    """What Ray said last: why it did not start, after the pages that tell how it began."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "Ray said nothing"


def _program_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]
    except OSError:
        return ""
