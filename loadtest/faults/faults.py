"""The faults: what is hit, in which shop, how often."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .scene import Scene

HOST = "ray::HostActor"
DIRECTORY = "ray::DirectoryActor"
CONTROLLER = "ray::ServeController"
REPLICA = "ray::ServeReplica"
HAPROXY = "-db -f"
"""How Serve starts it."""

SHORT_WINDOW_S = 5.0
LONG_WINDOW_S = 15.0
STOPPED_S = 15.0
FENCED = "has a newer owner; its volume is dropped here"
"""What a host writes to its log when the journal has refused what it wanted to record."""

HOSTS = ("--hosts", "2", "--replicas", "2")
ONE_REPLICA = ()


@dataclass(frozen=True)
class Fault:
    """`strike` hits a running shop once, in a window of its own, and returns a remark for the table, if any."""

    name: str
    title: str
    options: Sequence[str]
    """Of `doorbuster up`."""
    strike: Callable[[Scene], Awaitable[str]]
    strikes: int = 3


async def kill_host(scene: Scene) -> str:
    # The one that has run longest: in turn, every host is hit.
    pid = scene.pid_of(HOST)
    shards = await scene.shards_of(pid)
    await scene.until_calm()
    async with scene.struck(SHORT_WINDOW_S, shards):
        os.kill(pid, signal.SIGKILL)
    await scene.until_there(HOST, 2)
    return ""


async def stop_host(scene: Scene) -> str:
    pid = scene.pid_of(HOST)
    shards = await scene.shards_of(pid)
    await scene.until_calm()
    refused = scene.log_lines(FENCED)
    async with scene.struck(STOPPED_S + SHORT_WINDOW_S, shards):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(STOPPED_S)
        os.kill(pid, signal.SIGCONT)
    return f"the journal refused {scene.log_lines(FENCED) - refused} late writes"


def kill(part: str, window_s: float, count: int = 1) -> Callable[[Scene], Awaitable[str]]:
    """Kill the oldest such process and wait until there are `count` again."""

    async def strike(scene: Scene) -> str:
        pid = scene.pid_of(part)
        async with scene.struck(window_s):
            os.kill(pid, signal.SIGKILL)
        await scene.until_there(part, count)
        return ""

    return strike


FAULTS = (
    Fault("host", "a host is killed", HOSTS, kill_host, 20),
    Fault("host-stopped", f"a host stands still for {STOPPED_S:.0f} s", HOSTS, stop_host, 2),
    Fault("directory", "the directory is killed", HOSTS, kill(DIRECTORY, SHORT_WINDOW_S)),
    Fault("controller", "Serve's controller is killed", HOSTS, kill(CONTROLLER, LONG_WINDOW_S)),
    Fault("replica", "one of two replicas is killed", HOSTS, kill(REPLICA, LONG_WINDOW_S, 2)),
    Fault("haproxy", "HAProxy is killed", HOSTS, kill(HAPROXY, LONG_WINDOW_S)),
    Fault("single-replica", "the only replica, which hosts all", ONE_REPLICA, kill(REPLICA, LONG_WINDOW_S)),
    Fault("single-controller", "Serve's controller, one replica", ONE_REPLICA, kill(CONTROLLER, LONG_WINDOW_S)),
    Fault("single-haproxy", "HAProxy, one replica", ONE_REPLICA, kill(HAPROXY, LONG_WINDOW_S)),
)
