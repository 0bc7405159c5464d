"""The environment that Ray, Serve and HAProxy start with, each variable with its reason beside it.

All are read when a process of Ray starts, so they must be set before Ray is imported, and on every node.
"""

from pathlib import Path
from typing import NamedTuple

from actors.clock import booted_at_ns

from ..hosting import BOOTED_AT, RUN_DIRECTORY
from ..settings import Settings
from .binding import NODE_ADDRESS, ONLY_THIS_MACHINE
from .haproxy import BINARY_PATH, DOOR_ADDRESS
from .ports import SidePorts
from .processes import MARK


def environment(
    settings: Settings, run_id: str, temporary: Path, token_file: Path, ports: SidePorts, haproxy: Path
) -> dict[str, str]:
    """Every variable for one run of the shop on this machine alone."""
    return (
        SERVING
        | LOOPBACK_ONLY
        | _of_one_run(run_id, temporary, haproxy)
        | token_authentication(token_file)
        | _side_ports(ports)
        # From here on it doesn't matter to the shop what becomes of the machine's clock.
        | {BOOTED_AT: str(booted_at_ns())}
        | {DOOR_ADDRESS: settings.host, "RAY_SERVE_HAPROXY_NBTHREAD": str(settings.haproxy_threads)}
    )


class NodePlace(NamedTuple):
    """Where one node of a cluster is reached: by the other nodes (`address`), and by customers (`door`)."""

    address: str
    door: str
    ports: SidePorts
    threads: int
    """Of its HAProxy."""


def node_environment(place: NodePlace, run_id: str, temporary: Path, token_file: Path, haproxy: Path) -> dict[str, str]:
    """Every variable for one node of a cluster. All nodes must agree on those of `SERVING`."""
    return (
        SERVING
        | CLUSTER
        | _of_one_run(run_id, temporary, haproxy)
        | token_authentication(token_file)
        | _side_ports(place.ports)
        | {NODE_ADDRESS: place.address, DOOR_ADDRESS: place.door, "RAY_SERVE_HAPROXY_NBTHREAD": str(place.threads)}
    )


def token_authentication(token_file: Path) -> dict[str, str]:
    """Only who can read the file can talk to our Ray: it carries out any code it is sent."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token_file)}


def _side_ports(ports: SidePorts) -> dict[str, str]:
    # Fixed by default, which would let one shop only run on a machine.
    return {
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.statistics),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.metrics),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
    }


def _of_one_run(run_id: str, temporary: Path, haproxy: Path) -> dict[str, str]:
    # Serve's default is one directory for all users of the machine. Paths stay short: sockets allow 107 bytes.
    files = temporary / "h"
    return {
        # By this the processes of the run are found again, whoever their parent is by then.
        MARK: run_id,
        RUN_DIRECTORY: str(temporary),
        # Our wrapper, which mends the configuration and then becomes HAProxy.
        BINARY_PATH: str(haproxy),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(files / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(files / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(files / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(files),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(files / "server-state"),
    }


SERVING = {
    # HAProxy in front of the replicas: ten times the requests of Serve's own proxy.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    # One loop for Serve and the application: a hop between threads costs more than a purchase decides in.
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    # What each replica does with a request before Serve sees it.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve.ingress:middlewares",
    # Log lines of requests are written a thousand at a time, not one by one.
    "RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE": "1000",
    "RAY_SERVE_LOG_TO_STDERR": "0",
    # A datagram per request to a collector in Python: every purchase would pay for it.
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    # HAProxy's notices go to a file beside its socket, not by UDP to a syslog that may not exist.
    "RAY_SERVE_HAPROXY_LOG_TARGET": "stderr",
    # An old HAProxy of a reload ends after this, even if a client holds its connection open (120 by default).
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "10",
    # Between HAProxy and a replica connections are kept, longer than clients keep theirs.
    "RAY_SERVE_HTTP_KEEP_ALIVE_TIMEOUT_S": "75",
    # A replica that stops waits for its requests, not for load balancers elsewhere to notice (30 by default).
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
    # An HAProxy that died is noticed after three checks: 30 s by default, in which nobody could buy. A check is one
    # question over a local socket.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "0.2",
    # A request whose replica died without an answer goes to another; see the wrapper for which requests may.
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
    # Until a dead replica is known to be dead, a quarter of a second each; 3 by default.
    "RAY_SERVE_HAPROXY_RETRIES": "6",
    # A call to an actor that died fails when its connection does, and not a second or two later, after Ray has waited
    # for the cause of death: until then nobody would give a dead host's shards to another.
    "RAY_timeout_ms_task_wait_for_death_info": "0",
    # A proxy that isn't there after three tries of this is started anew, from the beginning: 5 s by default, which a
    # busy machine needs to start Python.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "20",
    # Workers run at niceness 15 by default, behind everything else on the machine.
    "RAY_worker_niceness": "0",
    # Called in each worker before it does anything. The public way, a runtime environment, would make Ray start workers
    # anew instead of using those that it starts in advance.
    "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": "serve.launcher.worker.set_up",
    # A shop doesn't report to anybody.
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What every process on every node needs, on one machine and on many."""

LOOPBACK_ONLY = {
    # "No cluster of several machines": the node's address becomes 127.0.0.1, and Ray's ports bind there only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    NODE_ADDRESS: ONLY_THIS_MACHINE,
}
"""What keeps everything on this machine."""

CLUSTER = {
    # How long nodes wait for a head that is gone (60 s by default) before they end themselves: as long as it takes to
    # start a machine in its place. They sell meanwhile.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "600",
}
"""What only nodes of a cluster need."""
