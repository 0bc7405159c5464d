"""Servers of Ray's workers that ask for every interface get the node's own."""

import subprocess
import sys

PROGRAM = """
import socket
from serve.launcher.binding import bind_to_node
bind_to_node()
for host in ("0.0.0.0", "127.0.0.1", ""):
    with socket.socket() as listener:
        listener.bind((host, 0))
        print(listener.getsockname()[0])
"""


def test_only_who_asks_for_every_interface_is_told_another() -> None:
    # In a process of its own: what is changed there is changed for good.
    environment = {"DOORBUSTER_NODE_ADDRESS": "127.0.0.2", "PATH": ""}
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout.split() == ["127.0.0.2", "127.0.0.1", "0.0.0.0"]
