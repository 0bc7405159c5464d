"""Joins a Ray that runs: to look after its hosts, and to tell it that a node is about to end.

Like `cluster` it names Ray, inside the functions: its environment comes first.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .data import DataDirectory
from .errors import NoCluster

LOOPBACK = "127.0.0.1:"
REPLICA = "ServeReplica"
"""What the classes of Serve's replicas are called, at the beginning."""


def address_of(data: DataDirectory) -> str:
    """Where the Ray is that runs with this data directory. Raises `NoCluster`."""
    address = data.read_run().get("cluster") or data.read_node().get("cluster")
    if not address:
        raise NoCluster(f"no shop runs with the data in {data.path}; name another directory, or an address")
    return str(address)


@contextlib.contextmanager
def joined(address: str, token_file: Path) -> Iterator[None]:
    """Inside the block this process is a driver of the Ray at HOST:PORT. Raises `NoCluster`."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token_file)}
    if address.startswith(LOOPBACK):
        # As the shop of one machine: this process, too, is reached at 127.0.0.1.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if not token_file.is_file():
        raise NoCluster(f"the secret {token_file} is missing: without it Ray answers nobody")
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        # Whatever it is that Ray raises then: RuntimeError, ConnectionError, errors of its own and of gRPC.
        raise NoCluster(f"the Ray at {address} can't be joined: {_first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def announce_leaving(node_id: str, within_s: float) -> str:
    """Tell Ray that a node ends so soon: it starts nothing there any more, and Serve's replicas go elsewhere. This
    can't be taken back. Returns why Ray refused, or nothing."""
    import ray
    from ray.core.generated.autoscaler_pb2 import DrainNodeReason

    client = ray._raylet.GcsClient(address=ray.get_runtime_context().gcs_address)
    # The other reason that Ray knows, idleness, it accepts only of a node on which nothing runs.
    reason = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
    ends_at_ms = (time.time_ns() // 1_000_000) + int(within_s * 1_000)
    accepted, refusal = client.drain_node(node_id, reason, "the node is being stopped", ends_at_ms)
    return "" if accepted else str(refusal)


def replicas_on(node_id: str) -> int:
    """How many of Serve's replicas are on a node."""
    from ray._private import state

    actors = state.actors(actor_state_name="ALIVE").values()
    return sum(
        actor["Address"]["NodeID"] == node_id and actor["ActorClassName"].startswith(REPLICA) for actor in actors
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
