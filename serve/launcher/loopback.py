"""Keeps a Serve replica's port for other deployments on loopback: Serve binds it to every interface, without a setting.

Runs in each of Ray's worker processes before anything of Serve is imported there (`worker_process_setup_hook`).
"""

from typing import Any

EVERY_INTERFACE = ("[::]:", "0.0.0.0:")


def bind_grpc_to_loopback() -> None:
    """Make every gRPC server that asks for all interfaces listen on loopback instead."""
    from ray._common import tls_utils

    bind = tls_utils.add_port_to_grpc_server

    def bind_here(server: Any, address: str) -> Any:
        for everywhere in EVERY_INTERFACE:
            if address.startswith(everywhere):
                address = "127.0.0.1:" + address.removeprefix(everywhere)
        return bind(server, address)

    tls_utils.add_port_to_grpc_server = bind_here
