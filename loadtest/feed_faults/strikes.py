"""The faults: what is killed, how often, and when it is there again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..faults.faults import HOST, REPLICA
from ..faults.scene import Scene
from .stage import Stage

FEED = "ray::FeedActor"
AWAY_S = 3.0
"""How long what we start ourselves stays away."""

Strike = Callable[[Stage, Scene], Awaitable[None]]
"""Hits a part once, and returns when it runs again."""


@dataclass(frozen=True)
class Fault:
    """What is hit, and how often."""

    name: str
    title: str
    strike: Strike
    strikes: int = 3
    needs_hosts: bool = False


def kill(part: str) -> Strike:
    """A process of the shop, which starts another by itself."""

    async def strike(_stage: Stage, scene: Scene) -> None:
        killed = scene.pid_of(part)
        count = len(scene.pids_of(part))
        os.kill(killed, signal.SIGKILL)
        await scene.until_replaced(part, killed, count)

    return strike


async def kill_service(stage: Stage, _scene: Scene) -> None:
    """The consumer is given nothing to be gentle with, and stays away for a moment."""
    stage.runs_service.clear()
    stage.service.kill()
    await asyncio.sleep(AWAY_S)
    stage.runs_service.set()


async def kill_broker(stage: Stage, _scene: Scene) -> None:
    """Redis comes back with what is in its files."""
    stage.broker.kill()
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(stage.broker.start)


async def stop_topic(stage: Stage, _scene: Scene) -> None:
    """Kafka answers nobody for a while."""
    with stage.topic.stopped():
        await asyncio.sleep(AWAY_S)


async def kill_all(stage: Stage, scene: Scene) -> None:
    """Everything at once."""
    await asyncio.gather(*(each(stage, scene) for each in (kill(FEED), kill(REPLICA), kill_service, kill_broker)))


FAULTS = (
    Fault("feed", "kill -9 of the feed process: lake writer, relays, counters", kill(FEED)),
    Fault("consumer", "kill -9 of a service that consumes our events", kill_service),
    Fault("broker", f"kill -9 of Redis, away for {AWAY_S:.0f} s", kill_broker),
    Fault("kafka", f"Kafka stands still for {AWAY_S:.0f} s", stop_topic),
    Fault("replica", "kill -9 of a serving replica", kill(REPLICA)),
    Fault("host", "kill -9 of a host", kill(HOST), needs_hosts=True),
    Fault("all", "kill -9 of feed process, replica, service and Redis at once", kill_all, 2),
)
