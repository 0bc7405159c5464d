"""Which ports a shop uses beside its own, so that several can run on one machine, and how they stay free until used.

Between the choice of a port and its use lie seconds in which Ray's processes take whatever the system gives them. A
port that is bound but not listened on is given to nobody, and whoever asks for it by its number still gets it.
"""

import socket
from collections.abc import Iterable
from typing import NamedTuple

from .errors import LaunchError, PortTaken

LOOPBACK = "127.0.0.1"
FIRST_PORT = 10_000
LAST_PORT = 28_000
"""Between these no system hands out ports for outgoing connections, and Serve's replicas begin at 30,000."""


class SidePorts(NamedTuple):
    """Ports beside the shop's own: HAProxy's, Serve's fallback proxy, and where Ray tells its metrics."""

    statistics: int
    metrics: int
    fallback: int
    dashboard_metrics: int
    autoscaler_metrics: int


CLUSTER_SIDE_PORTS = SidePorts(
    statistics=8_404, metrics=9_101, fallback=8_500, dashboard_metrics=44_227, autoscaler_metrics=44_217
)
"""Those of a node of a cluster: the same on all of them, so that a firewall or a Prometheus can name them."""

GCS_PORT = 6_379
"""Of the head: where the others find it."""

RAY_PORTS = {
    "object-manager-port": 8_076,
    "node-manager-port": 8_077,
    "dashboard-agent-grpc-port": 8_078,
    "runtime-env-agent-port": 8_079,
    "metrics-export-port": 8_080,
    "dashboard-agent-listen-port": 52_365,
    "min-worker-port": 10_002,
    "max-worker-port": 19_999,
}
"""Options of `ray start`: ports that Ray would choose at random on a node."""


class HeldPorts:
    """Ports that nobody is given by chance until they are let go."""

    def __init__(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Raises `PortTaken` for the first port that something listens on."""
        self._sockets: list[socket.socket] = []
        try:
            for host, port in addresses:
                self._sockets.append(_hold(host, port))
        except PortTaken:
            self.release()
            raise

    def release(self) -> None:
        """Whoever was to listen on them does."""
        while self._sockets:
            self._sockets.pop().close()


def choose_side_ports(port: int) -> SidePorts:
    """Free loopback ports, searched from a place of the shop's own: two that start at once don't meet."""
    count = len(SidePorts._fields)
    span = (LAST_PORT - FIRST_PORT) // count
    for step in range(span):
        first = FIRST_PORT + (port + step) % span * count
        ports = range(first, first + count)
        if port not in ports and all(_is_free(candidate) for candidate in ports):
            return SidePorts(*ports)
    raise LaunchError(f"No {count} free ports in a row between {FIRST_PORT} and {LAST_PORT}.")


def _is_free(port: int) -> bool:
    try:
        _hold(LOOPBACK, port).close()
    except PortTaken:
        return False
    return True


def _hold(host: str, port: int) -> socket.socket:
    """A socket bound to the port, which was seen to be free to listen on."""
    try:
        # To listen is the only sure test; to go on listening would keep HAProxy from it.
        _bind(host, port, listen=True).close()
        return _bind(host, port, listen=False)
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error


def _bind(host: str, port: int, *, listen: bool) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        # Without this, connections of the run before that linger in TIME_WAIT would look like a taken port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        if listen:
            bound.listen()
    except OSError:
        bound.close()
        raise
    return bound
