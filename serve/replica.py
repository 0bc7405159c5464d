"""The Serve application: replicas, each a process that serves the shop.

Whoever only deploys it, the command line for one, imports none of what a replica is made of: that takes a second.
"""

from typing import TYPE_CHECKING, Any

from ray import serve as ray_serve

from .settings import Settings

if TYPE_CHECKING:
    from .app import ShopProcess

MAX_ONGOING_REQUESTS = 10_000
"""Serve's own bound on a replica; ours, the mailboxes, refuse earlier and with a problem."""


class ShopReplica:
    """Serves HTTP; with placement `replica`, its process also hosts every shard."""

    def __init__(self, settings: Settings) -> None:
        from .app import ShopProcess

        self._process = ShopProcess(settings)

    def __serve_build_asgi_app__(self) -> "ShopProcess":
        return self._process

    def check_health(self) -> None:
        """Called by Serve; a replica that raises is replaced."""
        if self._process.fenced:
            raise RuntimeError("another process owns this shop's data")


def build(settings: Settings) -> ray_serve.Application:
    """The Serve application for these settings."""
    deployment: Any = ray_serve.deployment(
        name="shop",
        num_replicas=settings.replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        # Replicas are placed by their number: hosts and trainers must not keep one from starting.
        ray_actor_options={"num_cpus": 0},
        # An access log line costs as much as deciding a purchase; HAProxy can write one where it is wanted.
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        # A replica that died is noticed by the next check; the only one of a machine is missed by everybody.
        health_check_period_s=0.5,
        graceful_shutdown_timeout_s=5,
    )(ray_serve.ingress()(ShopReplica))
    application: ray_serve.Application = deployment.bind(settings)
    return application
