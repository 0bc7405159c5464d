"""The public HTTP API: routes, contract, problems. It needs a `Shop` and nothing of Ray."""

from .app import build_app

__all__ = ["build_app"]
