"""How long the API takes to answer, by route: observed where every answer passes, purchases by the front aside."""

from prometheus_client import Histogram
from starlette.types import Scope

from .metrics import Metrics

UNKNOWN_ROUTE = "none"
"""Whatever else was asked for: a stranger's inventions must not become labels."""


class Requests:
    """Takes the time of each request until its answer begins."""

    def __init__(self, metrics: Metrics) -> None:
        meaning = "Seconds until an answer began; purchases by the front aside."
        self._seconds = metrics.histogram("http_request_seconds", meaning, ("route", "status"))
        self._observers: dict[tuple[str, int], Histogram] = {}

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """An answer began."""
        found = scope.get("route")
        known = scope["method"] in getattr(found, "methods", ())
        route = f"{scope['method']} {found.path}" if found is not None and known else UNKNOWN_ROUTE
        observer = self._observers.get((route, status))
        if observer is None:
            observer = self._observers[route, status] = self._seconds.labels(route, f"{status // 100}xx")
        observer.observe(seconds)
