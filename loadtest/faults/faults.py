"""The faults: what is hit, in which shop, how often."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .scene import Scene, stopped

HOST = "ray::HostActor"
DIRECTORY = "ray::DirectoryActor"
CONTROLLER = "ray::ServeController"
REPLICA = "ray::ServeReplica:doorbuster"
RAYLET = "ray/raylet/raylet "
HAPROXY = "-db -f"
"""How Serve starts it."""

SHORT_S = 5.0
LONG_S = 12.0
"""What is observed after a strike: longer than it takes until everything is as before."""
STOPPED_S = 15.0
FENCED = "has a newer owner; its volume is dropped here"
"""What a host writes to its log when the journal has refused what it wanted to record."""

HOSTS = ("--hosts", "2", "--replicas", "2")


Strike = Callable[[Scene], Awaitable[str]]
"""Hits a running shop once, in a window of its own, waits until nothing is missing, and returns a remark, if any."""


@dataclass(frozen=True)
class Fault:
    """What is hit, in which shop, how often."""

    name: str
    title: str
    options: Sequence[str]
    """Of `doorbuster up`."""
    strike: Strike
    strikes: int = 3
    program: Sequence[str] = ()
    """What starts the shop instead; see `start_shop`."""


def kill(part: str, *, window_s: float, count: int = 1) -> Strike:
    """Kill the oldest such process; afterwards there are `count` again."""

    async def strike(scene: Scene) -> str:
        pid = scene.pid_of(part)
        async with scene.struck(window_s):
            os.kill(pid, signal.SIGKILL)
        await scene.until_there(part, count)
        return ""

    return strike


def kill_host(*, window_s: float, hosts: int = 2) -> Strike:
    """Kill the host that has run longest: in turn, every host is hit."""

    async def strike(scene: Scene) -> str:
        host = scene.pid_of(HOST)
        await _kill_with_its_shards(scene, host, host, window_s)
        await scene.until_there(HOST, hosts)
        return ""

    return strike


def kill_node(*, window_s: float, nodes: int = 3) -> Strike:
    """Kill the raylet of a node other than the first; its workers end with it."""

    async def strike(scene: Scene) -> str:
        first = scene.pids_of("--head")
        raylet = next(pid for pid in scene.pids_of(RAYLET) if pid not in first)
        (host,) = scene.pids_of(HOST, parent=raylet)
        await _kill_with_its_shards(scene, raylet, host, window_s)
        await scene.until_there(HOST, nodes)
        return ""

    return strike


async def _kill_with_its_shards(scene: Scene, pid: int, host: int, window_s: float) -> None:
    """Kill a process, and the host's shards with it."""
    shards = await scene.shards_of(host)
    await scene.until_calm()
    async with scene.struck(window_s, shards):
        os.kill(pid, signal.SIGKILL)


def stop_host(*, stopped_s: float, window_s: float) -> Strike:
    """Have a host stand still, long enough to be given up, and go on with what it was about to write."""

    async def strike(scene: Scene) -> str:
        pid = scene.pid_of(HOST)
        shards = await scene.shards_of(pid)
        await scene.until_calm()
        refused = scene.log_lines(FENCED)
        async with scene.struck(stopped_s + window_s, shards):
            with stopped(pid):
                await asyncio.sleep(stopped_s)
        return f"late writes refused by the journal: {scene.log_lines(FENCED) - refused}"

    return strike


FAULTS = (
    Fault("host", "a host is killed", HOSTS, kill_host(window_s=SHORT_S), 20),
    Fault(
        "host-stopped",
        f"a host stands still for {STOPPED_S:.0f} s, then goes on",
        HOSTS,
        stop_host(stopped_s=STOPPED_S, window_s=SHORT_S),
        2,
    ),
    Fault("directory", "the directory is killed", HOSTS, kill(DIRECTORY, window_s=SHORT_S)),
    Fault("controller", "Serve's controller is killed", HOSTS, kill(CONTROLLER, window_s=LONG_S)),
    Fault("replica", "one of two Serve replicas is killed", HOSTS, kill(REPLICA, window_s=LONG_S, count=2)),
    Fault("haproxy", "HAProxy is killed", HOSTS, kill(HAPROXY, window_s=LONG_S)),
    Fault(
        "node",
        "the raylet of one of three nodes is killed",
        (),
        kill_node(window_s=LONG_S),
        2,
        ("-m", "serve.measure.three_nodes"),
    ),
    Fault("single-replica", "the only replica, which hosts all shards, is killed", (), kill(REPLICA, window_s=LONG_S)),
    Fault("single-controller", "the same shop: Serve's controller is killed", (), kill(CONTROLLER, window_s=LONG_S)),
    Fault("single-haproxy", "the same shop: HAProxy is killed", (), kill(HAPROXY, window_s=LONG_S)),
)
