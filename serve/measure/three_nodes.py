"""A shop on a Ray cluster of three nodes, all on this machine, to see what happens when one of them dies.

One host runs on each node; HAProxy and what directs everything on the first. A node that dies is replaced, as an
autoscaler would. Started by `python -m loadtest.faults --fault node`; ends with SIGTERM.
"""

import argparse
import os
import secrets
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from ..launcher import cluster, haproxy, logs, ports, processes
from ..launcher.data import DataDirectory
from ..launcher.environment import environment
from ..settings import Settings

NODES = 3
CPUS_PER_NODE = 4
LOOK_EVERY_S = 0.5
NODE: dict[str, Any] = {"num_cpus": CPUS_PER_NODE, "object_store_memory": 100_000_000, "include_dashboard": False}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m serve.measure.three_nodes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", default="")
    options = parser.parse_args()
    settings = Settings(
        data=options.data, port=options.port, journal=options.journal, hosts=1, replicas=2, demo_products=0
    )
    stopping = threading.Event()
    data = DataDirectory(settings.data)
    with data.locked(settings.url):
        data.ensure_keys()
        run_id = secrets.token_hex(8)
        temporary = Path(tempfile.mkdtemp(prefix=processes.TEMPORARY_PREFIX, dir="/tmp"))
        try:
            sell(settings, data, run_id, temporary, stopping)
        finally:
            processes.kill(run_id)
            logs.keep(temporary, data.logs)
            processes.remove_temporary(temporary)


def sell(settings: Settings, data: DataDirectory, run_id: str, temporary: Path, stopping: threading.Event) -> None:
    """Start the nodes and the shop, and replace nodes that die until somebody wants an end."""
    wrapper = haproxy.write_wrapper(temporary)
    side_ports = ports.choose_side_ports(settings.port)
    os.environ.update(environment(settings, run_id, temporary, data.ray_token, side_ports, wrapper))
    logs.link(temporary, data.logs)
    # Ray reads its environment when it is imported.
    import ray
    from ray import serve
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={**NODE, "temp_dir": str(temporary / "r")})
    for _ in range(NODES - 1):
        nodes.add_node(**NODE)
    ray.init(address=nodes.address, log_to_driver=False)
    # All nodes have one address here, so only one of them can listen on the shop's port.
    serve.start(proxy_location="HeadOnly", http_options={"host": settings.host, "port": settings.port})
    cluster.deploy(settings, cluster.build_application(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.wait(LOOK_EVERY_S):
        for node in [node for node in nodes.worker_nodes if not node.remaining_processes_alive()]:
            nodes.remove_node(node, allow_graceful=False)
            nodes.add_node(**NODE)


if __name__ == "__main__":
    main()
