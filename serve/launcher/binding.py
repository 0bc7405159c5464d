"""Keeps what listens in Ray's worker processes on the node's own address: Serve binds its replicas' ports to every
interface, and HAProxy looks for them at one.

Runs in each of Ray's worker processes before anything of Serve is imported there (see `worker`).
"""

import os
import socket
from typing import Any

NODE_ADDRESS = "DOORBUSTER_NODE_ADDRESS"
"""The variable with the address by which the other nodes reach this one."""
ONLY_THIS_MACHINE = "127.0.0.1"
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104
EVERY_INTERFACE_IN_GRPC = ("[::]:", f"{EVERY_INTERFACE}:")


def bind_to_node() -> None:
    """Make every server that asks for all interfaces listen on the node's address instead."""
    address = os.environ.get(NODE_ADDRESS, ONLY_THIS_MACHINE)
    _bind_sockets(address)
    _bind_grpc(address)


def _bind_sockets(address: str) -> None:
    bind = socket.socket.bind

    def bind_here(listener: socket.socket, where: Any) -> None:
        if isinstance(where, tuple) and where[0] == EVERY_INTERFACE:
            where = (address, *where[1:])
        bind(listener, where)

    socket.socket.bind = bind_here  # type: ignore[method-assign, assignment]


def _bind_grpc(address: str) -> None:
    from ray._common import tls_utils

    bind = tls_utils.add_port_to_grpc_server

    def bind_here(server: Any, where: str) -> Any:
        for everywhere in EVERY_INTERFACE_IN_GRPC:
            if where.startswith(everywhere):
                where = f"{address}:{where.removeprefix(everywhere)}"
        return bind(server, where)

    tls_utils.add_port_to_grpc_server = bind_here
