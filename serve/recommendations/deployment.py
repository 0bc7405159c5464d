"""The Serve application that recommends: what answers requests is in a process of its own, so that it takes no time of
those that sell; each of the two models is in another, so that one that crashes takes nothing with it.

Nothing of training is imported here, and nothing of a model by whoever only deploys it.
"""

import asyncio
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from ray import serve as ray_serve

from ..launcher.binding import NODE_ADDRESS, ONLY_THIS_MACHINE
from ..prefixes import RECOMMENDATIONS
from ..settings import Settings
from .port import Standing, Variant

if TYPE_CHECKING:
    from ..app import ShopProcess

APPLICATION_NAME = "models"
RECOMMENDER = "Recommender"
NICENESS = 5
"""Of processes that recommend: where they and those that sell want the same processor, these get a quarter of it."""
NAMES = {Variant.CHAMPION: "Champion", Variant.CHALLENGER: "Challenger"}
WATCH_S = 20.0
"""A watch that nothing happens in ends after so long, and is placed anew: so more processes get their share."""
RECOMMENDERS_PER_PROCESS = 4.0
"""Processes that recommend, for one process of models: each holds one watch open."""
MOST_PROCESSES = 8
MAX_ONGOING_REQUESTS = 100
MAX_ONGOING_HTTP_REQUESTS = 10_000
"""Serve's own bound: a shopper whose model is busy gets what is popular, and is refused nowhere."""


class Watched(msgspec.Struct, frozen=True, array_like=True):
    """Where the models of a process answer, and what is deployed."""

    address: str
    port: int
    token: str
    standings: dict[str, Standing]


class RecommenderProcess:
    """Answers requests for recommendations over HTTP. Whatever else the shop answers it would, too, if it were asked:
    one application words all of it."""

    def __init__(self, settings: Settings, *_models: Any) -> None:
        """`_models` are deployments that belong to the same application."""
        from ..app import Role, ShopProcess

        os.nice(NICENESS)
        self._process = ShopProcess(settings, Role.RECOMMENDATIONS)

    def __serve_build_asgi_app__(self) -> "ShopProcess":
        return self._process

    async def serving(self) -> bytes:
        """What models serve, as JSON."""
        return self._process.serving()

    async def metrics(self) -> str:
        """The figures of this process."""
        return self._process.metrics()


class ModelProcess:
    """A process of models: it follows the registry by itself, and answers at a socket. Its one call of Serve is held
    open by each process that it serves, which is what Serve scales it by."""

    async def __init__(  # type: ignore[misc]
        self, registry: str, cache: Path, variant: Variant, address_variable: str
    ) -> None:
        # Here, in the process that needs them: they bring numpy.
        from ml.registry.following import follower_of

        from ..hosting import log_to_stderr, now
        from .lives import Lives
        from .model_host import FOLLOW_EVERY_S, ModelHost
        from .wire import listen

        log_to_stderr()
        os.nice(NICENESS)
        self._every_s = FOLLOW_EVERY_S
        lives = Lives(lives_of(cache, variant), now)
        self._host: ModelHost = ModelHost(variant, follower_of(registry, cache), lives, now)
        self._token = secrets.token_urlsafe(32)
        self._address = os.environ.get(address_variable, ONLY_THIS_MACHINE)
        self._server = await listen(self._host, self._token, self._address)
        self._changed = asyncio.Event()
        self._following = asyncio.create_task(self._follow())

    async def watch(self, known: bytes) -> bytes:
        """Where it answers and what is deployed, as soon as that isn't what is `known`."""
        deadline = asyncio.get_running_loop().time() + WATCH_S
        while (told := self._told()) == known:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                break
        return told

    def check_health(self) -> None:
        """Called by Serve; one that follows no more is replaced."""
        if self._following.done():
            raise RuntimeError("the process follows the registry no more")

    def _told(self) -> bytes:
        port = self._server.sockets[0].getsockname()[1]
        return msgspec.msgpack.encode(Watched(self._address, port, self._token, self._host.standing()))

    async def _follow(self) -> None:
        while True:
            before = self._host.standing()
            await self._host.follow()
            if self._host.standing() != before:
                # Whoever waits is told, and whoever asks next waits for the next change.
                self._changed.set()
                self._changed = asyncio.Event()
            await asyncio.sleep(self._every_s)


def lives_of(cache: Path, variant: Variant) -> Path:
    """Where a variant's processes note in which model they are; hidden among copies of versions."""
    return cache / f".lives-{variant}"


def build(settings: Settings) -> ray_serve.Application:
    """The application; deploying it waits for no model."""
    given = (settings.registry, settings.models / "copies")
    challenger = _deployment(Variant.CHALLENGER, least=0).bind(*given, Variant.CHALLENGER, NODE_ADDRESS)
    champion = _deployment(Variant.CHAMPION, least=1).bind(*given, Variant.CHAMPION, NODE_ADDRESS)
    application: ray_serve.Application = _recommender(settings).bind(settings, champion, challenger)
    return application


def _recommender(settings: Settings) -> Any:
    return ray_serve.deployment(
        name=RECOMMENDER,
        num_replicas=settings.replicas,
        max_ongoing_requests=MAX_ONGOING_HTTP_REQUESTS,
        ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        # While it is away, those that sell answer with what is popular.
        health_check_period_s=1.0,
        graceful_shutdown_timeout_s=2,
    )(ray_serve.ingress()(RecommenderProcess))


def _deployment(variant: Variant, least: int) -> Any:
    return ray_serve.deployment(
        name=NAMES[variant],
        # By the calls that shop processes hold open; without a challenger nobody holds one, and no process is there.
        autoscaling_config={
            "min_replicas": least,
            "max_replicas": MOST_PROCESSES,
            "target_ongoing_requests": RECOMMENDERS_PER_PROCESS,
            # A trial that ends is often followed by another: a process takes seconds to start.
            "downscale_delay_s": 60.0,
            # A trial that begins shall begin at once.
            "upscale_delay_s": 0.0,
        },
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        # Placed by its number: it must not wait for CPUs that hosts and trainers have.
        ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        # One that ended is in its successor's place after this and a start: until then shoppers get what is popular.
        health_check_period_s=1.0,
        # A watch is open at any time, and nothing is lost with it.
        graceful_shutdown_timeout_s=0.1,
        graceful_shutdown_wait_loop_s=0.1,
    )(ModelProcess)


def start(settings: Settings) -> None:
    """Have what recommends run beside the shop, without waiting for it."""
    ray_serve.run_many(
        [ray_serve.RunTarget(build(settings), name=APPLICATION_NAME, route_prefix=RECOMMENDATIONS)],
        wait_for_ingress_deployment_creation=False,
        wait_for_applications_running=False,
    )
