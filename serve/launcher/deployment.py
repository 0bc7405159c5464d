"""Puts the application on a cluster that runs: connect -> look at each node -> hosts -> Serve -> application -> ready.

Ray reads its environment when it is imported: it is imported inside the functions, after the environment was set.
"""

import contextlib
import hashlib
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from actors.journals.urls import REDIS_PREFIXES

from ..prefixes import RECOMMENDATIONS
from ..settings import Settings
from . import cluster
from .data import DataDirectory
from .environment import SERVING
from .errors import DeployRefused
from .haproxy import DOOR_ADDRESS
from .joining import joined
from .node import Node
from .progress import Progress

ANSWER_TIMEOUT_S = 3.0
INSPECT_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 90.0
READY_INTERVAL_S = 0.2
ENTRY_POINT = "serve.deployed:build"
MODELS_ENTRY_POINT = "serve.deployed:build_models"
"""What a Serve configuration file names."""


class Inspected(NamedTuple):
    """What was found on one node."""

    address: str
    door: str
    secrets: Mapping[str, str]
    """A digest of each secret that is there."""
    variables: Mapping[str, str]
    """Of those that serving needs, the values that the node's processes have."""


def deploy(settings: Settings, target: str, here: Node | None, progress: Progress) -> Sequence[str]:
    """Put the application on the cluster at `target`, or bring the one there up to these settings.

    `here` is the node of this machine, where one is known. Returns the addresses at which the shop takes requests.
    Raises `LaunchError`.
    """
    data = DataDirectory(settings.data)
    if missing := [file.name for file in data.keys if not file.exists()]:
        raise DeployRefused(f"{data.path} lacks {', '.join(missing)}: deploy from a node, or bring them here.")
    with contextlib.ExitStack() as stack:
        with progress.step(f"Connecting to {target}"):
            stack.enter_context(joined(target, data.ray_token, here))
        with progress.step("Looking at each node"):
            inspected = inspect_nodes(data)
            refuse_unfit(settings, inspected, secrets_in(data))
        with progress.step("Starting hosts on every node"):
            _start_hosts(settings)
        with progress.step("Starting Serve on every node"):
            _start_serve(settings)
        with progress.step("Starting the shop"):
            _run(settings)
        with progress.step("Waiting until it can sell"):
            ready = wait_until_ready(settings, inspected)
        cluster.start_feed(settings)
        cluster.start_models(settings)
        return ready


def inspect_nodes(data: DataDirectory) -> list[Inspected]:
    """Look at every living node. Raises `DeployRefused` if one does not answer."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    alive = [node for node in ray.nodes() if node["Alive"]]
    task = ray.remote(inspect)
    calls = [
        task.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            node["NodeManagerAddress"], data.path
        )
        for node in alive
    ]
    found: list[Inspected] = []
    for node, call in zip(alive, calls, strict=True):
        address = node["NodeManagerAddress"]
        try:
            found.append(ray.get(call, timeout=INSPECT_TIMEOUT_S))
        except RayError as error:
            raise DeployRefused(
                f"the node {address} can't run this program: {_first_line(error)}. Every node needs the same version."
            ) from error
    return found


def inspect(address: str, path: Path) -> Inspected:
    """Look at the node that this runs on."""
    variables = {name: os.environ[name] for name in SERVING if name in os.environ}
    return Inspected(address, os.environ.get(DOOR_ADDRESS, address), secrets_in(DataDirectory(path)), variables)


def secrets_in(data: DataDirectory) -> dict[str, str]:
    """A digest of each secret of the directory, by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in data.keys if file.exists()}


def refuse_unfit(settings: Settings, nodes: Sequence[Inspected], secrets: Mapping[str, str]) -> None:
    """Raises `DeployRefused` with everything that speaks against selling on these nodes."""
    faults = []
    if len(nodes) > 1 and not settings.journal.startswith(REDIS_PREFIXES):
        faults.append(f"the cluster has {len(nodes)} nodes and {settings.journal} is on one: use --journal redis://...")
    if len(nodes) > 1 and settings.placement == "replica":
        faults.append("one replica would run every shard, on one node: use --placement actors")
    for node in nodes:
        if absent := secrets.keys() - node.secrets.keys():
            faults.append(f"the node {node.address} lacks {', '.join(sorted(absent))} in {settings.data}")
        if other := [name for name, digest in node.secrets.items() if digest != secrets[name]]:
            faults.append(f"the node {node.address} has another {', '.join(sorted(other))} in {settings.data}")
        if wrong := [name for name, value in SERVING.items() if node.variables.get(name) != value]:
            faults.append(
                f"the node {node.address} was started without {', '.join(wrong)}: start it with `doorbuster node start`"
            )
    if faults:
        raise DeployRefused("\n".join(faults))


def serve_configuration(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """The same deployment as a configuration file for `serve deploy`. `given` are the settings that aren't defaults."""
    models = {
        "name": "models",
        "route_prefix": RECOMMENDATIONS,
        "import_path": MODELS_ENTRY_POINT,
        "args": dict(given),
    }
    return {
        "proxy_location": "EveryNode",
        "http_options": cluster.http_options(settings),
        "logging_config": {"enable_access_log": False},
        "applications": [
            {
                "name": cluster.APPLICATION_NAME,
                "route_prefix": "/",
                "import_path": ENTRY_POINT,
                "args": dict(given),
            },
            *([models] if settings.recommendations else []),
        ],
    }


def wait_until_ready(settings: Settings, nodes: Sequence[Inspected]) -> list[str]:
    """Wait until the shop sells at some node; the addresses of all that take requests by then."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    urls = [f"http://{node.door if node.door != '0.0.0.0' else node.address}:{settings.port}" for node in nodes]  # noqa: S104
    while time.monotonic() < deadline:
        if ready := [url for url in urls if _ready(url)]:
            return ready
        time.sleep(READY_INTERVAL_S)
    raise DeployRefused(f"GET /readyz was not answered with 200 by any node within {READY_TIMEOUT_S:.0f} s")


def _ready(url: str) -> bool:
    try:
        # Built from the cluster's own addresses: always http.
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_TIMEOUT_S) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start_hosts(settings: Settings) -> None:
    if settings.placement == "actors":
        from ..host_actors import start_hosts

        start_hosts(settings)


def _start_serve(settings: Settings) -> None:
    from ray import serve
    from ray.exceptions import RayActorError

    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    # Serve replaces a proxy that took long to start, and goes on; only whoever waited for it hears that it died.
    with contextlib.suppress(RayActorError):
        serve.start(
            proxy_location="EveryNode",
            http_options=cluster.http_options(settings),
            logging_config={"enable_access_log": False},
        )


def _run(settings: Settings) -> None:
    from ray import serve

    try:
        serve.run(cluster.build_application(settings), name=cluster.APPLICATION_NAME, route_prefix="/")
    except RuntimeError as error:
        raise DeployRefused(f"the application did not start: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no details'}"
