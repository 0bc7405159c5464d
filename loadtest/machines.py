"""Several machines on one: each has a network address, processes and a /home of its own, made of Linux namespaces.

Nothing of it is visible outside, and nothing is left: when the first process ends, the kernel ends all others.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import ServerFailed, ToolMissing
from .processes import POLL_INTERVAL_S, PROJECT

INSIDE = "LOADTEST_INSIDE"
"""Set in the process that has the network to itself."""
SUBNET = "10.77.0"
BRIDGE = "lan"
ROUTER = f"{SUBNET}.1"
"""The address of the process that made the network, and of every server and client that it starts."""
START_TIMEOUT_S = 10.0

OWN_HOME = """
mount -t tmpfs none {scratch} && mkdir {scratch}/upper {scratch}/work &&
mount -t overlay overlay -o lowerdir=/home,upperdir={scratch}/upper,workdir={scratch}/work /home &&
exec sleep infinity
"""
"""What a machine writes below /home stays in its memory; what is there already can be read."""


def reason_against() -> str:
    """Why namespaces can't be had here; empty when they can."""
    for tool in ("unshare", "nsenter", "ip", "mount"):
        if not shutil.which(tool):
            return f"there is no {tool} on PATH"
    probe = [*_unshare(), "sh", "-c", "ip link add probe type bridge && mount -t tmpfs none /home"]
    tried = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"namespaces are not allowed here: {tried.stderr.strip()}" if tried.returncode else ""


def enter(module: str, arguments: Sequence[str]) -> None:
    """Run this program again in namespaces of its own, unless it is there. Raises `ToolMissing`."""
    if os.environ.get(INSIDE):
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        _run("ip", "address", "add", f"{ROUTER}/24", "dev", BRIDGE)
        _run("ip", "link", "set", BRIDGE, "up")
        return
    if reason := reason_against():
        raise ToolMissing("a network of namespaces", reason)
    os.environ[INSIDE] = "1"
    command = [*_unshare(), sys.executable, "-m", module, *arguments]
    os.execvp(command[0], command)


def _unshare() -> list[str]:
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--map-root-user"]


class Machine:
    """One machine of the network; `number` 2 to 254 makes its address."""

    def __init__(self, name: str, number: int, scratch: Path) -> None:
        self.name = name
        self.address = f"{SUBNET}.{number}"
        scratch.mkdir(parents=True, exist_ok=True)
        self._holder = subprocess.Popen([*_unshare(), "sh", "-c", OWN_HOME.format(scratch=scratch)])
        self._init = self._wait_for_init()
        self._enter = ["nsenter", f"--target={self._init}", "--net", "--mount", "--pid", "--"]
        self._port = f"port{self._holder.pid}"
        self._connect(f"02:00:00:00:00:{number:02x}")

    def command(self, *command: str) -> list[str]:
        """The command as it runs on this machine."""
        return [*self._enter, *command]

    def run(self, script: str, environment: Mapping[str, str], timeout_s: float) -> str:
        """Run a line of shell, as somebody logged in there would; what it printed. Raises `ServerFailed`."""
        done = subprocess.run(
            self.command("bash", "-c", script),
            env=dict(environment),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"{self.name}: {script}", f"ended with status {done.returncode}", done.stdout[-2_000:])
        return done.stdout

    def lives(self) -> bool:
        """Whether it was not killed."""
        return self._holder.poll() is None

    def kill(self, *, silently: bool = False) -> None:
        """All processes of the machine end at once. Others hear of it by their connections, unless it goes silently,
        as by a power cut."""
        if silently:
            _run("ip", "link", "set", self._port, "down")
        self._holder.kill()
        self._holder.wait()

    def _wait_for_init(self) -> int:
        """The first process of the machine, once it has a /home of its own."""
        deadline = time.monotonic() + START_TIMEOUT_S
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        while time.monotonic() < deadline and self._holder.poll() is None:
            for child in children.read_text().split():
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep\0"):
                    return int(child)
            time.sleep(POLL_INTERVAL_S)
        self._holder.kill()
        raise ServerFailed(self.name, "did not get namespaces of its own")

    def _connect(self, hardware_address: str) -> None:
        inner = "eth0"
        _run("ip", "link", "add", self._port, "type", "veth", "peer", "name", inner, "netns", str(self._init))
        _run("ip", "link", "set", self._port, "master", BRIDGE, "up")
        inside = (
            "ip link set lo up",
            # The same for whoever comes back with this address: nobody has to learn where it is now.
            f"ip link set {inner} address {hardware_address}",
            f"ip address add {self.address}/24 dev {inner}",
            f"ip link set {inner} up",
            f"ip route add default via {ROUTER}",
        )
        _run(*self.command("sh", "-c", " && ".join(inside)))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailed(command[0], f"refused {' '.join(command[1:])}", done.stderr.strip())
