"""Drains a node before it ends, for whoever ends it."""

import subprocess
import sys
from pathlib import Path

GRACE_S = 10.0
"""To join the cluster and to leave it again."""


def drain_node(data: Path, cluster: str, node: str, timeout_s: float) -> bool:
    """Have a node's shards and replicas go to other nodes; whether all have gone in time.

    `data` is the directory with the cluster's secrets, `cluster` its HOST:PORT, `node` the node's id, the beginning of
    it, its address or its name. A process of its own does it: one that waits for a cluster that is gone can be ended.
    """
    command = [sys.executable, "-P", "-m", "serve.cli", "hosts", "drain", "--leaving", "--node", node]
    command += ["--data", str(data), "--address", cluster, "--timeout", str(timeout_s)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s + GRACE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
