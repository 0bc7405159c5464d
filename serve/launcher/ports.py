"""Which ports a shop uses beside its own, so that several can run on one machine."""

import socket
from typing import NamedTuple

from .errors import LaunchError, PortTaken

FIRST_PORT = 10_000
LAST_PORT = 28_000
"""Between these no system hands out ports for outgoing connections, and Serve's replicas begin at 30,000."""

SIDE_PORTS = 3


class SidePorts(NamedTuple):
    """Ports of HAProxy's statistics and metrics and of Serve's fallback proxy, all on loopback only."""

    statistics: int
    metrics: int
    fallback: int


def ensure_free(host: str, port: int) -> None:
    """Raise `PortTaken` unless the shop could listen there now."""
    try:
        _listen(host, port).close()
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error


def choose_side_ports(port: int) -> SidePorts:
    """Three free loopback ports, searched from a place of the shop's own: two that start at once don't meet."""
    span = (LAST_PORT - FIRST_PORT) // SIDE_PORTS
    for step in range(span):
        first = FIRST_PORT + (port + step) % span * SIDE_PORTS
        ports = range(first, first + SIDE_PORTS)
        if all(_is_free(candidate) for candidate in ports):
            return SidePorts(*ports)
    raise LaunchError(f"No three free ports in a row between {FIRST_PORT} and {LAST_PORT}.")


def _is_free(port: int) -> bool:
    try:
        _listen("127.0.0.1", port).close()
    except OSError:
        return False
    return True


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Without this, connections of the run before that linger in TIME_WAIT would look like a taken port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
