"""The application as a Serve configuration file names it: `serve deploy` calls this on the cluster."""

from collections.abc import Mapping
from typing import Any

from ray.serve import Application

from .feed.actor import start_feed
from .host_actors import start_hosts
from .recommendations.deployment import build as build_model_application
from .replica import build as build_application
from .resolving import resolve


def build(given: Mapping[str, Any]) -> Application:
    """Start or update the hosts, then build the application. What the file doesn't give comes from `DOORBUSTER_*`
    variables of the cluster's head: a journal's password has no place in the file."""
    settings = resolve(given).settings
    if settings.placement == "actors":
        start_hosts(settings)
    start_feed(settings)
    return build_application(settings)


def build_models(given: Mapping[str, Any]) -> Application:
    """Build the application of the models, as `build` that of the shop."""
    return build_model_application(resolve(given).settings)
