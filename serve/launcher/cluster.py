"""Starts and stops Ray and Serve on this machine.

Ray reads its environment when it is imported: it is imported inside the functions, after `environment` was applied.
"""

import contextlib
import importlib
import logging
import os
import time
from pathlib import Path
from typing import Any

from ..settings import Settings
from .binding import EVERY_INTERFACE
from .spared import spare_serve

SPARE_CPUS = 2
"""Logical CPUs beyond those of our own actors: Serve's controller and proxies ask for none, tasks for one each."""

APPLICATION_NAME = "doorbuster"

SHUTDOWN_TIMEOUT_S = 2.0

POLL_INTERVAL_S = 0.05


def start_ray(settings: Settings, temporary: Path) -> str:
    """Start a Ray of our own, whose ports, files and processes belong to this run only; returns where it is."""
    import ray
    import ray._private.utils

    # Its handler of SIGTERM would end the whole start with status 1; ours ends Ray, too.
    ray._private.utils.set_sigterm_handler = lambda _handler: None
    leave_out_what_nobody_uses()
    ray.init(
        # Never join a Ray that happens to run on this machine.
        address="local",
        include_dashboard=False,
        # Logical CPUs only ration actors; ours are few, and a small machine must not refuse them.
        num_cpus=max(os.cpu_count() or 1, settings.hosts + settings.replicas + SPARE_CPUS),
        # Shared memory for large objects: commands are small and never go there.
        object_store_memory=settings.object_store_bytes,
        # The logs of workers stay in files; they are not for the terminal of whoever started the shop.
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=str(temporary / "r"),
    )
    return str(ray.get_runtime_context().gcs_address)


def leave_out_what_nobody_uses() -> None:
    """Three processes of a head that `ray.init` has no option for, which take seconds of each start and 200 MB: the
    autoscaler of a machine that stays alone, the one that brings logs of workers to the terminal, and what is left of
    the dashboard without a dashboard, a report of usage that is switched off."""
    from ray._private.node import Node

    Node.start_monitor = Node.start_log_monitor = lambda _node: None
    Node.start_api_server = lambda _node, **_options: None


def start_serve(settings: Settings) -> None:
    """Start Serve's controller, its fallback proxy and HAProxy."""
    from ray import serve

    # Our own progress tells the same as Serve's lines on the terminal; its files get them all.
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(http_options=http_options(settings), logging_config={"enable_access_log": False})


def http_options(settings: Settings) -> dict[str, Any]:
    """Where Serve is told to listen. The host is for all nodes at once: the setup hook of workers and our HAProxy
    narrow it to what each node was told."""
    return {"host": EVERY_INTERFACE, "port": settings.port}


def deploy(settings: Settings, application: Any) -> None:
    """Deploy the application and wait until its replicas are ready. Raises what kept it from it."""
    from ray import serve

    if settings.placement == "actors":
        from ..host_actors import start_hosts

        start_hosts(settings)
    serve.run(application, name=APPLICATION_NAME, route_prefix="/")


def build_application(settings: Settings) -> Any:
    """The Serve application that the settings name, built from the settings."""
    # The first to import Serve.
    spare_serve()
    module, _, function = settings.application.partition(":")
    return getattr(importlib.import_module(module), function)(settings)


def start_feed(settings: Settings) -> None:
    """Have the process run that reads the journal, without waiting for it."""
    from ..feed.actor import start_feed

    start_feed(settings)


def start_models(settings: Settings) -> None:
    """Have the processes of models run, without waiting for them."""
    if settings.recommendations:
        from ..recommendations.deployment import start

        start(settings)


def drain() -> None:
    """Let the replicas finish the requests they have, then end them."""
    import ray
    from ray import serve

    if not ray.is_initialized():  # it never came up; asking Serve would start another
        return
    # Ending Serve as a whole would end HAProxy first, and with it the answers that are under way.
    for name in serve.status().applications:
        serve.delete(name, _blocking=False)
    while serve.status().applications:
        time.sleep(POLL_INTERVAL_S)
    from actors.on_ray import stop_feed

    stop_feed()


def stop() -> None:
    """End Serve, then the Ray of this run."""
    import ray

    if ray.is_initialized():
        _stop_serve()
        ray.shutdown()


def _stop_serve() -> None:
    import ray
    from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE

    # serve.shutdown() is the same, but waits by a call that the end of its own actor fails, which Ray reports.
    with contextlib.suppress(ValueError):  # no controller (any more): everything of Serve has ended
        controller = ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
        ray.get(controller.graceful_shutdown.remote(wait=False))
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
        while time.monotonic() < deadline:
            ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
            time.sleep(POLL_INTERVAL_S)
