"""Joins a Ray that runs: to look after its hosts, and to tell it that a node is about to end.

As in `cluster`, Ray is imported inside the functions: its environment comes first.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from .data import DataDirectory
from .environment import LOOPBACK_ONLY, SERVING, token_authentication
from .errors import NoCluster
from .node import Node
from .spared import spare_serve

LOOPBACK = "127.0.0.1:"
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105
"""The variable with the token itself: it comes before any file."""
ANSWER_TIMEOUT_S = 3.0
REPLICA = "ServeReplica"
"""What the classes of Serve's replicas are called, at the beginning."""


def address_of(data: DataDirectory) -> str:
    """Where the Ray is that runs with this data directory. Raises `NoCluster`."""
    address = data.read_run().get("cluster") or data.read_node().get("cluster")
    if not address:
        raise NoCluster(f"no shop runs with the data in {data.path}; name another directory, or an address")
    return str(address)


@contextlib.contextmanager
def joined(address: str, token_file: Path, node: Node | None = None) -> Iterator[None]:
    """Inside the block this process is a driver of the Ray at HOST:PORT. Raises `NoCluster`."""
    _ensure_answer(address)
    os.environ |= SERVING | token_authentication(token_file)
    if address.startswith(LOOPBACK):
        # As the shop of one machine: this process, too, is reached at 127.0.0.1.
        os.environ |= LOOPBACK_ONLY
    if not token_file.is_file() and TOKEN not in os.environ:
        raise NoCluster(f"the secret {token_file} is missing: without it Ray answers nobody")
    spare_serve()
    import ray

    # Of several nodes on one machine, the one that was started with this data directory.
    here = {"_node_ip_address": node.address, "_temp_dir": str(node.directory / "r")} if node else {}
    try:
        with _silence():
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **here)
    except ConnectionError as error:
        # Ray says no more than this to whoever doesn't know the token.
        raise NoCluster(
            f"the port of {address} is open, but Ray lets nobody in: is {token_file} the token of that cluster?"
        ) from error
    except Exception as error:
        # Whatever it is that Ray raises then: RuntimeError, ConnectionError, errors of its own and of gRPC.
        raise NoCluster(f"the Ray at {address} can't be joined: {_first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Inside the block nothing is written to the terminal: Ray's core, in C++, tells there of each of its tries."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _ensure_answer(address: str) -> None:
    """Somebody listens there; Ray itself would look for a long time before it says that nobody does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWER_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        raise NoCluster(f"nobody answers at {address} ({error})") from error


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
